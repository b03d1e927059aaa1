"""Validation on ten categories of objects unseen by the tiny CLIP and the default, and not in the target.

`python tests/benchmarks/unmet.py [--model FOLDER]` draws them with the auxiliary split's defects and evaluates
Bayes-PFL and hand-written prompts by the strict protocol. Use it for choices about the tiny CLIP or the default: the
target is for the final measurement only, and auxiliary categories are trained on. To stay valid, none of these objects
may ever be used in pre-training or training.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import pfl
from pfl import workshop
from pfl.baselines import HandwrittenPrompts
from pfl.data import mvtec
from pfl.evaluation import measure
from pfl.workshop import splits
from pfl.workshop.fields import colour, rotation
from pfl.workshop.shapes import Part, box, disc, metal

Rng = np.random.Generator
COLUMNS = ["image_auroc", "pixel_auroc", "pixel_pro"]


def bulb(rng: Rng) -> Part:
    glass, w = colour(rng, (30, 70), (0, 0.4), (0.7, 1)), rng.uniform(0.16, 0.22)
    screw = box(0.35, -w, 0.9, w), metal(rng)
    threads = [(box(x, -w, x + 0.04, w), screw[1] * 0.6) for x in np.arange(0.42, 0.85, 0.12)]
    wire = [(box(-0.1, y - 0.02, 0.4, y + 0.02), glass * 0.5) for y in (-0.08, 0.08)]
    neck = np.array([(-0.1, -0.45), (0.4, -w), (0.4, w), (-0.1, 0.45)])
    outline = (disc(rng.uniform(0.5, 0.58), (-0.4, 0)), neck, screw[0], disc(0.1, (0.9, 0)))
    return Part(outline=outline, colour=glass, layers=(*wire, screw, *threads), bevel=0.2, rough=0.01)


def cassette(rng: Rng) -> Part:
    body, label = colour(rng, value=(0.1, 0.9)), colour(rng, saturation=(0, 0.5), value=(0.6, 1))
    reels = [(disc(r, (x, -0.05)), c) for x in (-0.4, 0.4) for r, c in ((0.2, label * 0.3), (0.12, label))]
    lines = [(box(-0.75, y, 0.75, y + 0.03), label * 0.6) for y in (-0.48, -0.4)]
    foot = np.array([(-0.6, 0.62), (-0.52, 0.42), (0.52, 0.42), (0.6, 0.62)]), body * 0.7
    layers = ((box(-0.82, -0.52, 0.82, 0.32, 0.06), label), *lines, *reels, foot)
    return Part(outline=(box(-0.97, -0.62, 0.97, 0.62, 0.06),), colour=body, layers=layers, rough=0.02)


def padlock(rng: Rng) -> Part:
    tint, r = colour(rng, (30, 60), (0.2, 0.7), (0.5, 0.9)), rng.uniform(0.36, 0.46)
    steel = metal(rng)
    shackle, inside = disc(r, (0, -0.3)), disc(r - 0.14, (0, -0.3))
    body = box(-0.62, -0.15, 0.62, 0.95, rng.uniform(0.03, 0.2))
    slot = (disc(0.1, (0, 0.35)), tint * 0.3), (box(-0.04, 0.35, 0.04, 0.6), tint * 0.3)
    hole = np.minimum(inside, (9, -0.15))
    return Part(outline=(shackle, body), holes=(hole,), colour=tint, layers=((shackle, steel), (body, tint), *slot))


def propeller(rng: Rng) -> Part:
    tint, n, w = colour(rng), int(rng.integers(2, 6)), rng.uniform(0.14, 0.22)
    t = np.linspace(0, np.pi, 30)
    top = np.stack([0.5 - 0.48 * np.cos(t), w * np.sin(t) * (1 - 0.4 * np.cos(t))], 1)
    blade = np.concatenate([top, np.stack([top[::-1, 0], -0.4 * top[::-1, 1]], 1)])
    blades = tuple(blade @ rotation(2 * np.pi * i / n).T for i in range(n))
    hub = (disc(0.2), metal(rng))
    return Part(outline=(*blades, disc(0.2)), holes=(disc(0.07),), colour=tint, layers=(hub,), bevel=0.1)


def scissors(rng: Rng) -> Part:
    steel, grip, spread = metal(rng), colour(rng), rng.uniform(0.12, 0.35)
    blade = np.array([(0, -0.07), (0.9, -0.01), (0.98, 0.02), (0, 0.07)])
    shank, ring, hole = box(-0.5, -0.06, 0.05, 0.06), disc(0.25, (-0.7, -0.1)), disc(0.15, (-0.7, -0.1))
    outline, layers, holes = [], [], []
    for side in (1, -1):
        turn = rotation(side * spread)
        flip = np.array((1, side))
        parts = [p * flip @ turn.T for p in (blade, shank, ring, hole)]
        outline += parts[:3]
        layers += [(parts[0], steel), (parts[2], grip), (parts[1], grip)]
        holes.append(parts[3])
    layers.append((disc(0.06), steel * 0.5))
    return Part(outline=tuple(outline), holes=tuple(holes), colour=grip, layers=tuple(layers), bevel=0.05)


def tray(rng: Rng) -> Part:
    tint, rows, columns = colour(rng), int(rng.integers(2, 4)), int(rng.integers(2, 5))
    round_ = rng.random() < 0.5
    cups = []
    for x in np.linspace(-0.65, 0.65, columns):
        for y in np.linspace(-0.4, 0.4, rows):
            r = 0.42 * min(1.3 / columns, 0.8 / (rows - 1))
            cups += [(disc(r, (x, y), 40 if round_ else 4), tint * 0.6), (disc(0.8 * r, (x, y), 40), tint * 0.75)]
    return Part(outline=(box(-0.98, -0.72, 0.98, 0.72, 0.12),), colour=tint, layers=tuple(cups), bevel=0.08)


def anchor(rng: Rng) -> Part:
    tint, w = metal(rng) if rng.random() < 0.5 else colour(rng), rng.uniform(0.06, 0.1)
    outer, inner = disc(rng.uniform(0.7, 0.8), (0, 0.1)), disc(0.55, (0, 0.1))
    below = np.maximum(outer, (-9, 0.3))
    tips = [np.array([(s * 0.5, 0.3), (s * 0.95, 0.3), (s * 0.72, 0.05)]) for s in (-1, 1)]
    stock = box(-0.35, -0.45 - w, 0.35, w - 0.45, w), box(-w, -0.7, w, 0.8)
    gaps = np.clip(inner, (w, 0.3), (9, 9)), np.clip(inner, (-9, 0.3), (-w, 9))
    ring = disc(0.2, (0, -0.8))
    return Part(outline=(below, *tips, *stock, ring), holes=(*gaps, disc(0.1, (0, -0.8))), colour=tint, bevel=0.08)


def fish(rng: Rng) -> Part:
    tint, fin, h = colour(rng), colour(rng), rng.uniform(0.25, 0.42)
    body = disc(1.0) * (0.7, h) - (0.25, 0)
    tail = np.array([(0.3, 0), (0.95, -0.4), (0.8, 0), (0.95, 0.4)])
    back = np.array([(-0.5, -0.6 * h), (-0.1, -1.6 * h), (0.2, -0.6 * h)])
    scales = [
        (disc(0.05, (x, y), 12), tint * rng.choice([0.8, 0.85]))
        for x in np.arange(-0.5, 0.25, 0.13)
        for y in np.arange(-0.4, 0.41, 0.2) * h
    ]
    eye = (disc(0.08, (-0.7, -0.25 * h)), np.ones(3)), (disc(0.04, (-0.7, -0.25 * h)), np.zeros(3))
    gill = (box(-0.52, -0.6 * h, -0.49, 0.6 * h), tint * 0.6)
    layers = ((tail, fin), (back, fin), (body, tint), *scales, gill, *eye)
    return Part(outline=(body, tail, back), colour=tint, layers=layers, bevel=0.15)


def spectacles(rng: Rng) -> Part:
    frame, glass = colour(rng, value=(0.05, 0.7)), colour(rng, saturation=(0, 0.5), value=(0.3, 0.95))
    n, r = int(rng.choice([4, 6, 8, 40])), rng.uniform(0.34, 0.4)
    eyes = [disc(r, (x, 0), n) for x in (-0.5, 0.5)]
    panes = [(disc(r - 0.07, (x, 0), n), glass) for x in (-0.5, 0.5)]
    arms = [box(s * 0.9 - 0.1, -0.12, s * 0.9 + 0.1, -0.04) for s in (-1, 1)]
    bridge = box(-0.2, -0.1, 0.2, -0.02)
    return Part(outline=(*eyes, *arms, bridge), colour=frame, layers=tuple(panes), bevel=0.04, rough=0.01)


def tower(rng: Rng) -> Part:
    wall, roof, w = colour(rng, saturation=(0, 0.6)), colour(rng), rng.uniform(0.28, 0.4)
    body, top = box(-w, -0.45, w, 0.98), np.array([(-w - 0.12, -0.45), (0, -0.98), (w + 0.12, -0.45)])
    dark = colour(rng, value=(0.05, 0.3))
    windows = [
        (box(x - 0.06, y - 0.08, x + 0.06, y + 0.08), dark)
        for y in np.linspace(-0.2, 0.45, int(rng.integers(2, 5)))
        for x in np.linspace(-0.55, 0.55, int(rng.integers(1, 4))) * w
    ]
    door = (box(-0.12, 0.65, 0.12, 1.0), dark)
    return Part(outline=(body, top), colour=wall, layers=((top, roof), *windows, door), rough=0.1)


OBJECTS = (bulb, cassette, padlock, propeller, scissors, tray, anchor, fish, spectacles, tower)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default", help="a run's folder, or the name of a shipped model")
    args = parser.parse_args()
    clip = pfl.load_clip("tiny")
    clip.memory = {}  # both models see the same images
    with tempfile.TemporaryDirectory() as folder:
        splits.IMAGES["unmet"] = splits.IMAGES["target"]
        splits.SPLITS["unmet"] = {part.__name__: workshop.Kind(part=part) for part in OBJECTS}
        splits.make(Path(folder) / "unmet", "unmet")
        data = mvtec.read(Path(folder) / "unmet", name="unmet")
        for name, model in (("Bayes-PFL", pfl.load(args.model, clip)), ("hand-written", HandwrittenPrompts(clip))):
            table = measure(model, data, pfl.preset("tiny").eval).table("strict")[COLUMNS]
            print(f"{name}\n{table.round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
