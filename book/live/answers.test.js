import assert from "node:assert/strict";
import { test } from "node:test";
import { auroc, coloured, mean, peak, samples } from "./answers.js";

test("values become colours, from the first at 0 to the last at the highest value", () => {
  const colours = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const rgba = coloured(Float32Array.of(0, 0.5, 1, 2, -1), colours, 1);
  assert.deepEqual([0, 1, 2, 3, 4].map((i) => rgba[4 * i]), [0, 128, 255, 255, 0]); // biome-ignore format: short
  assert.ok([3, 7, 11].every((i) => rgba[i] === 255));
});

test("the peak is found and named", () => {
  const values = new Float32Array(36);
  values[5] = 0.7;
  assert.equal(peak(values, 6).where, "top right");
  assert.deepEqual(peak(Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0), 3), { value: 1, x: 1, y: 1, where: "middle" });
});

test("AUROC is 1 for a map that ranks all painted pixels first, one half for a constant one", () => {
  const mask = Uint8Array.of(0, 1, 0, 1);
  assert.equal(auroc(Float32Array.of(0.1, 0.9, 0.2, 0.8), mask), 1);
  assert.equal(auroc(Float32Array.of(0.4, 0.4, 0.4, 0.4), mask), 0.5);
  assert.equal(auroc(Float32Array.of(0.5, 0.4, 0.1, 0.6), mask), 0.75);
  assert.ok(Number.isNaN(auroc(Float32Array.of(0, 1), Uint8Array.of(0, 0))));
  assert.equal(mean(Float32Array.of(1, 2, 3, 5), mask, 1), 3.5);
});

test("the noise of some samples is cut out of context and both states", () => {
  const noise = Float32Array.from({ length: 3 * 4 * 2 }, (_, i) => i); // 4 samples of width 2
  const { context, states } = samples(noise, 4, 2, 1, 2);
  assert.deepEqual([...context], [2, 3, 4, 5]);
  assert.deepEqual([...states], [10, 11, 12, 13, 18, 19, 20, 21]);
});
