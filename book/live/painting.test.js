import assert from "node:assert/strict";
import { test } from "node:test";
import { distances, KINDS, painted, radius } from "./painting.js";

const SIDE = 32;
const grey = (value) => new Uint8Array(SIDE * SIDE * 3).fill(value);
const stroke = (kind, points = [[8, 16], [24, 16]]) => ({ kind, radius: 4, points }); // biome-ignore format: short

test("the distance from a stroke is that of the nearest of its segments", () => {
  const away = distances(stroke("hole"), SIDE, 6);
  assert.equal(away[16 * SIDE + 16], 0.5); // the pixel's centre is half a pixel below the line
  assert.ok(Math.abs(away[16 * SIDE + 5] - Math.hypot(2.5, 0.5)) < 1e-6); // left of the stroke's end
  assert.equal(away[0], Infinity);
});

test("every defect changes the picture where its mask is and nowhere far from it", () => {
  for (const kind of KINDS) {
    const { rgb, mask } = painted(grey(150), [stroke(kind)], SIDE);
    assert.ok(mask.includes(1));
    for (let i = 0; i < mask.length; i++) {
      if (mask[i]) assert.notEqual(rgb[3 * i], 150, kind);
      if (Math.abs(Math.floor(i / SIDE) - 16) > 8) assert.equal(rgb[3 * i], 150, kind);
    }
  }
});

test("a hole is dark, a stain keeps some of the picture, a scratch stands out on dark and on bright pictures", () => {
  const middle = (kind, value) => painted(grey(value), [stroke(kind)], SIDE).rgb[3 * (16 * SIDE + 16)];
  assert.equal(middle("hole", 200), 10);
  assert.ok(middle("stain", 200) > middle("stain", 100));
  assert.ok(middle("scratch", 200) < 100 && middle("scratch", 50) > 150);
});

test("strokes one after the other give what all give at once, and the picture itself stays", () => {
  const picture = Uint8Array.from(grey(0), (_, i) => (i * 37) % 251);
  const copy = Uint8Array.from(picture);
  const strokes = KINDS.map((kind, i) => stroke(kind, [[4 * i, 3], [20, 8 * i]])); // biome-ignore format: short
  let now = picture;
  for (const one of strokes) now = painted(now, [one], SIDE).rgb;
  assert.deepEqual(now, painted(picture, strokes, SIDE).rgb);
  assert.deepEqual(picture, copy);
});

test("a stroke may leave the picture, and a single point is a dab", () => {
  const { mask } = painted(grey(90), [stroke("hole", [[-20, 50], [60, -9]]), stroke("hole", [[31.5, 0]])], SIDE); // biome-ignore format: short
  assert.equal(mask[31], 1);
  assert.ok(radius("scratch", 10) < radius("stain", 10));
});
