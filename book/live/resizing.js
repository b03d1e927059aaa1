// Pillow's bicubic resizing of 8-bit images, with its integer arithmetic, so that the pixels equal those of `pfl`.

const BITS = 22; // of the fraction in Pillow's fixed-point weights

function bicubic(x) {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** For each output pixel: the first input pixel it depends on, and the weights of this and the next ones. */
function weights(from, to) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const found = Array.from({ length: last - first }, (_, x) => bicubic((x + first - centre + 0.5) / stretch));
    const sum = found.reduce((a, b) => a + b, 0);
    const whole = found.map((w) => Math.trunc((w / sum) * 2 ** BITS + (w < 0 ? -0.5 : 0.5)));
    return { first, whole };
  });
}

/** One pass: lines of `from` pixels become lines of `to`; strides are in values, between lines and between pixels. */
function pass(input, output, from, to, lines, inStrides, outStrides) {
  const all = weights(from, to);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      const { first, whole } = all[i];
      const start = line * inStrides.line + first * inStrides.pixel;
      const target = line * outStrides.line + i * outStrides.pixel;
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (BITS - 1);
        for (let x = 0; x < whole.length; x++) sum += input[start + x * inStrides.pixel + channel] * whole[x];
        output[target + channel] = Math.min(255, Math.max(0, sum >> BITS));
      }
    }
  }
}

/**
 * An RGB image as a square: antialiased when it becomes smaller, exactly as `Image.resize(..., BICUBIC)` of Pillow.
 *
 * @param {Uint8Array | Uint8ClampedArray} rgb height * width * 3
 * @returns {Uint8Array} side * side * 3
 */
export function toSquare(rgb, width, height, side) {
  let image = rgb;
  if (width !== side) {
    const output = new Uint8Array(height * side * 3);
    pass(image, output, width, side, height, { line: width * 3, pixel: 3 }, { line: side * 3, pixel: 3 });
    image = output;
  }
  if (height !== side) {
    const output = new Uint8Array(side * side * 3);
    pass(image, output, height, side, side, { line: 3, pixel: side * 3 }, { line: 3, pixel: side * 3 });
    image = output;
  }
  return new Uint8Array(image);
}

/** RGBA as a canvas returns it -> RGB; transparent parts become white. */
export function onWhite(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, j = 0; i < rgba.length; i += 4, j += 3) {
    const alpha = rgba[i + 3];
    for (let c = 0; c < 3; c++) rgb[j + c] = Math.round((rgba[i + c] * alpha + 255 * (255 - alpha)) / 255);
  }
  return rgb;
}

/** RGB (side * side * 3, 8 bit) -> RGBA for a canvas. */
export function opaque(rgb) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0, j = 0; j < rgb.length; i += 4, j += 3) rgba.set(rgb.subarray(j, j + 3), i);
  return rgba;
}

/** RGB (side * side * 3, 8 bit) -> the model's input (3 * side * side) in [0, 1]; the model normalises it itself. */
export function planes(rgb) {
  const pixels = rgb.length / 3;
  const output = new Float32Array(rgb.length);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) output[c * pixels + i] = rgb[i * 3 + c] / 255;
  return output;
}
