// What the model answers, as colours and in words.

/** Values (side * side) -> RGBA for a canvas; `highest` has the last of the 256 colours (RGB, 256 * 3). */
export function coloured(values, colours, highest = 1) {
  const rgba = new Uint8ClampedArray(values.length * 4).fill(255);
  for (let i = 0; i < values.length; i++) {
    const level = Math.min(255, Math.max(0, Math.trunc((values[i] / highest) * 256)));
    rgba.set(colours.subarray(level * 3, level * 3 + 3), i * 4);
  }
  return rgba;
}

/** The largest value and where it is: its column, its row, and this in words. */
export function peak(values, side) {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  const [x, y] = [at % side, Math.floor(at / side)];
  const third = (position) => Math.min(2, Math.floor((3 * position) / side));
  const [row, column] = [["top", "", "bottom"][third(y)], ["left", "", "right"][third(x)]];
  return { value: values[at], x, y, where: `${row} ${column}`.trim() || "middle" };
}

/** Mean of the values where the mask is `painted` (1 or 0); NaN if there are none. */
export function mean(values, mask, painted) {
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (mask[i] !== painted) continue;
    sum += values[i];
    count += 1;
  }
  return count ? sum / count : Number.NaN;
}

/**
 * The area under the ROC curve of the pixels: the probability that a painted pixel has a higher value than another one.
 * Ties count half. NaN without painted pixels or without others.
 */
export function auroc(values, mask) {
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  let [rankSum, positives] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end += 1;
    for (let i = start; i < end; i++) {
      if (!mask[order[i]]) continue;
      rankSum += (start + end + 1) / 2; // the mean of the ranks start + 1 ... end
      positives += 1;
    }
    start = end;
  }
  const others = values.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * others);
}

/** The noise of samples first ... first + count - 1 of the shipped noise: context (30, D), then states (2, 30, D). */
export function samples(noise, total, dim, first, count) {
  const part = (start) => noise.subarray((start + first) * dim, (start + first + count) * dim);
  const states = new Float32Array(2 * count * dim);
  states.set(part(total), 0);
  states.set(part(2 * total), count * dim);
  return { context: Float32Array.from(part(0)), states };
}
