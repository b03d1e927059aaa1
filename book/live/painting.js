// Defects as strokes of a brush. A picture is RGB, 8 bit, side * side * 3; all lengths are in pixels of the picture.

export const KINDS = ["scratch", "stain", "hole"];
const STAIN = [0.55, 0.42, 0.25]; // the share of light that a stain lets through
const HOLE = 10; // the grey value of a hole
const VISIBLE = 0.4; // a pixel with at least this opacity counts as defective

/**
 * A stroke through points.
 *
 * @typedef {{kind: string, radius: number, points: number[][]}} Stroke
 */

/** The distance of a point from the segment from a to b. */
function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** The distance of each pixel's centre from a stroke, up to `reach`; farther pixels have Infinity. */
export function distances({ points }, side, reach) {
  const found = new Float32Array(side * side).fill(Infinity);
  for (let i = 0; i < points.length; i++) {
    const [a, b] = [points[Math.max(0, i - 1)], points[i]];
    const bound = (c, sign) => Math.ceil((sign < 0 ? Math.min : Math.max)(a[c], b[c]) + sign * (reach + 1));
    for (let y = Math.max(0, bound(1, -1)); y < Math.min(side, bound(1, 1)); y++) {
      for (let x = Math.max(0, bound(0, -1)); x < Math.min(side, bound(0, 1)); x++) {
        const away = distance(x + 0.5, y + 0.5, a, b);
        if (away <= reach && away < found[y * side + x]) found[y * side + x] = away;
      }
    }
  }
  return found;
}

/** The opacity of a pixel of a stroke at this distance from its middle. */
function opacity({ kind, radius }, away) {
  if (kind === "stain") return 0.85 * Math.min(1, Math.max(0, (radius * 1.2 - away) / (radius * 0.4)));
  return Math.min(1, Math.max(0, radius + 0.5 - away)) * (kind === "scratch" ? 0.75 : 1);
}

/** What a stroke makes of a colour value: c is 0, 1 or 2 for red, green or blue. */
function tint(stroke, value, c, away, bright) {
  if (stroke.kind === "scratch") return bright ? 240 : 15;
  if (stroke.kind === "hole") return HOLE;
  const rim = Math.exp(-(((away - stroke.radius) / (0.15 * stroke.radius + 0.5)) ** 2)); // as where a drop dried
  return value * STAIN[c] * (1 - 0.3 * rim);
}

/** Whether a scratch is bright: where the picture is dark around the stroke's first point. */
function startsDark(rgb, side, [x, y]) {
  let [sum, count] = [0, 0];
  for (let row = Math.max(0, Math.floor(y) - 6); row < Math.min(side, y + 6); row++) {
    for (let column = Math.max(0, Math.floor(x) - 6); column < Math.min(side, x + 6); column++) {
      for (let c = 0; c < 3; c++) sum += rgb[(row * side + column) * 3 + c];
      count += 3;
    }
  }
  return sum < 128 * count;
}

/**
 * A picture with strokes painted on, and the mask of what was painted.
 *
 * @param {Uint8Array} picture
 * @param {Stroke[]} strokes
 * @returns {{rgb: Uint8Array, mask: Uint8Array}} mask: side * side, 1 where painted
 */
export function painted(picture, strokes, side) {
  const rgb = Uint8Array.from(picture);
  const mask = new Uint8Array(side * side);
  for (const stroke of strokes) {
    const bright = startsDark(picture, side, stroke.points[0]);
    const away = distances(stroke, side, stroke.radius * 1.2 + 1);
    for (let i = 0; i < away.length; i++) {
      const alpha = away[i] === Infinity ? 0 : opacity(stroke, away[i]);
      if (!alpha) continue;
      for (let c = 0; c < 3; c++) {
        const value = rgb[i * 3 + c];
        rgb[i * 3 + c] = Math.round(value + alpha * (tint(stroke, value, c, away[i], bright) - value));
      }
      if (alpha >= VISIBLE) mask[i] = 1;
    }
  }
  return { rgb, mask };
}

/** The radius of a stroke of this kind: scratches are thin. */
export function radius(kind, size) {
  return kind === "scratch" ? size / 5 : size;
}
