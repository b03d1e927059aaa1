// The model's answers on the page.

import { auroc, coloured, mean, peak } from "./answers.js";

const digits = (value, n = 2) => value.toFixed(n);

function draw(canvas, rgba, side) {
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(new ImageData(rgba, side, side), 0, 0);
}

/** Whiten the pixels of the mask that have a neighbour outside it. */
function outline(rgba, mask, side) {
  for (let i = 0; i < mask.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    const inner = x > 0 && y > 0 && x < side - 1 && y < side - 1;
    if (mask[i] && !(inner && mask[i - 1] && mask[i + 1] && mask[i - side] && mask[i + side]))
      rgba.fill(255, i * 4, i * 4 + 4);
  }
  return rgba;
}

/** 256 colours (RGB) in base64. */
function palette(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function gradient(colours) {
  const stops = [0, 51, 102, 153, 204, 255].map((i) => `rgb(${colours.slice(3 * i, 3 * i + 3).join(" ")})`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

export class Show {
  constructor(at, { side, dim, samples, colours, pictures, suggestions, card }) {
    Object.assign(this, {
      at,
      side,
      dim,
      total: samples,
      colours: palette(colours.map),
      spread: palette(colours.spread),
    });
    at("map-scale").style.background = gradient(this.colours);
    at("std-scale").style.background = gradient(this.spread);
    at("suggestions").append(...suggestions.map((word) => new Option(word)));
    at("credits").textContent = `${[...new Set(pictures.map(({ credit }) => credit))].join(" ")} ${card.runtime}`;
    at("precision").textContent = card.precision;
  }

  /** The latest answer; it stays in `window.bayesPfl`, for the curious and the tests. */
  answer(answer) {
    const { at, side } = this;
    const { score, scoreStd, map, mapStd, mask, name, count, milliseconds } = answer;
    at("score").textContent = digits(score);
    at("spread").textContent = count > 1 ? `± ${digits(scoreStd, 3)} over ${count} samples` : "of one sample";
    this.untouched(answer.untouched, mask);
    const share = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;
    at("needle").style.left = share(score);
    Object.assign(at("whisker").style, { left: share(score - scoreStd), width: share(2 * scoreStd) });
    const highest = peak(map, side);
    const widest = peak(mapStd, side);
    draw(at("map"), outline(coloured(map, this.colours), mask, side), side);
    draw(at("map-std"), outline(coloured(mapStd, this.spread, widest.value || 1), mask, side), side);
    at("std-highest").textContent = digits(widest.value, 3);
    at("map").setAttribute(
      "aria-label",
      `Map. Its highest value, ${digits(highest.value)}, is at the ${highest.where}.`,
    );
    const spread = `The samples differ most, by ${digits(widest.value, 3)}, at the ${widest.where}.`;
    at("map-std").setAttribute("aria-label", `Spread of the map. ${spread}`);
    at("region").textContent = this.region(map, mask);
    at("code").textContent = code(name, count, this.total, this.dim);
    at("samples").replaceChildren();
    const seconds = digits(milliseconds / 1000, 1);
    at("said").textContent =
      `Score ${digits(score)}, computed in ${seconds} s. The map is highest at the ${highest.where}.`;
    window.bayesPfl = { answer, samples: [] };
  }

  /** How the map ranks the painted pixels. */
  region(map, mask) {
    const inside = mean(map, mask, 1);
    if (Number.isNaN(inside)) return "";
    const outside = mean(map, mask, 0);
    const rank = Number.isNaN(outside) ? "" : `, elsewhere ${digits(outside)}; pixel AUROC ${digits(auroc(map, mask))}`;
    return `Mean of the map on your paint ${digits(inside)}${rank}.`;
  }

  untouched(score, mask = window.bayesPfl.answer.mask) {
    this.at("untouched").textContent =
      mask.includes(1) && score !== undefined ? `(without your paint ${digits(score)})` : "";
    this.at("untouched").dataset.score = score ?? "";
  }

  sample(index, count, { score, map }) {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    draw(canvas, coloured(map, this.colours), this.side);
    canvas.setAttribute("role", "img");
    canvas.setAttribute(
      "aria-label",
      `Map of sample ${index + 1} of ${count}, highest at the ${peak(map, this.side).where}`,
    );
    item.append(canvas, `${index + 1}: ${digits(score)}`);
    this.at("samples").append(item);
    window.bayesPfl.samples.push({ score, map });
  }
}

/** The lines of Python that give the same numbers. */
function code(name, count, total, dim) {
  return `import numpy as np, pfl, torch
from pfl.data.transforms import image_tensor, read_image
from pfl.distributions import Noise

raw = torch.from_numpy(np.fromfile("noise.bin", np.float32)).view(3, ${total}, ${dim})
noise = Noise(context=raw[:1, :${count}], states=raw[1:, :${count}])
model = pfl.load("default")
image = image_tensor(read_image("picture.png"), model.clip.image_size)
prediction = model.predict(image[None], ${JSON.stringify(name)}, noise=noise)
print(prediction.score, prediction.score_std)`;
}
