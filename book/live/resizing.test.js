import assert from "node:assert/strict";
import { test } from "node:test";
import { CASES } from "./pillow.cases.js";
import { onWhite, opaque, planes, toSquare } from "./resizing.js";

test("resizing gives Pillow's pixels, smaller, larger, and along one side only", () => {
  for (const { width, height, side, rgb, expected } of CASES)
    assert.deepEqual([...toSquare(Uint8Array.from(rgb), width, height, side)], expected, `${width} x ${height}`);
});

test("a picture of the right size keeps its pixels, in a copy", () => {
  const rgb = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const copy = toSquare(rgb, 2, 2, 2);
  assert.deepEqual(copy, rgb);
  assert.notEqual(copy, rgb);
});

test("the model's input is planes of red, green and blue in [0, 1]", () => {
  const input = planes(Uint8Array.of(255, 0, 51, 0, 255, 102));
  assert.deepEqual([...input], [...Float32Array.of(1, 0, 0, 1, 0.2, 0.4)]);
});

test("transparent parts become white, and a canvas gets opaque pixels", () => {
  assert.deepEqual([...onWhite(Uint8ClampedArray.of(9, 9, 9, 0, 10, 20, 30, 255))], [255, 255, 255, 10, 20, 30]);
  assert.deepEqual([...opaque(Uint8Array.of(1, 2, 3))], [1, 2, 3, 255]);
});
