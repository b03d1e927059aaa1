// Processor time of the live page's model in Node, one thread: `node tests/benchmarks/measure_live.mjs` after `make live`.

import { readFileSync } from "node:fs";
import { samples } from "../../book/live/answers.js";
import { gunzip } from "../../book/live/loading.js";

const LIVE = new URL("../../runs/book/live/", import.meta.url);
const ort = await import(new URL("../../book/live/node_modules/onnxruntime-web/dist/ort.node.min.mjs", import.meta.url));
const read = (name) => Uint8Array.from(readFileSync(new URL(name, LIVE))).buffer;
const settings = JSON.parse(readFileSync(new URL("settings.json", LIVE)));
const { side, dim, samples: total, vocabulary } = settings;
const ids = BigInt64Array.from([vocabulary.start, ...vocabulary.words.coin, vocabulary.end], BigInt);

async function timed(what, task) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - started) / 1000;
  console.log(`${what}: ${((user + system) / 1e6).toFixed(2)} s of processor time, ${wall.toFixed(2)} s passed`);
  return result;
}

const session = await timed("load", async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await gunzip(read("runtime.bin"));
  const model = new Uint8Array(await gunzip(read("model.bin")));
  return ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
});
const noise = new Float32Array(read("noise.bin"));
const image = Float32Array.from({ length: 3 * side * side }, (_, i) => (i % 251) / 250);
for (const count of [10, 10, 10, 1, 30]) {
  const { context, states } = samples(noise, total, dim, 0, count);
  await timed(`${count} samples`, () =>
    session.run({
      image: new ort.Tensor("float32", image, [1, 3, side, side]),
      tokens: new ort.Tensor("int64", ids, [1, ids.length]),
      context_noise: new ort.Tensor("float32", context, [1, count, dim]),
      state_noise: new ort.Tensor("float32", states, [2, count, dim]),
    }),
  );
}
