// The model, in a thread of its own, so that the page stays responsive. One message in, one message out, in order.

import { samples } from "./answers.js";
import { gunzip } from "./loading.js";
import * as ort from "./ort.wasm.bundle.min.mjs";

let session;
let noise;
let shape;

async function load({ wasm, model, noise: bytes, side, dim, samples: total }) {
  ort.env.wasm.numThreads = 1; // more threads need headers that a plain static server does not send
  const [binary, graph] = await Promise.all([gunzip(wasm), gunzip(model)]);
  ort.env.wasm.wasmBinary = binary;
  session = await ort.InferenceSession.create(new Uint8Array(graph), { executionProviders: ["wasm"] });
  noise = new Float32Array(bytes);
  shape = { side, dim, total };
  return {};
}

async function predict({ image, tokens, first, count }) {
  const { side, dim, total } = shape;
  const { context, states } = samples(noise, total, dim, first, count);
  const ids = BigInt64Array.from(tokens, BigInt);
  const started = performance.now();
  const found = await session.run({
    image: new ort.Tensor("float32", image, [1, 3, side, side]),
    tokens: new ort.Tensor("int64", ids, [1, ids.length]),
    context_noise: new ort.Tensor("float32", context, [1, count, dim]),
    state_noise: new ort.Tensor("float32", states, [2, count, dim]),
  });
  return {
    score: found.score.data[0],
    scoreStd: found.score_std.data[0],
    map: found.map.data,
    mapStd: found.map_std.data,
    milliseconds: performance.now() - started,
  };
}

self.onmessage = async ({ data }) => {
  try {
    const answer = await (data.task === "load" ? load(data) : predict(data));
    self.postMessage({ id: data.id, answer });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error.message ?? error) });
  }
};
