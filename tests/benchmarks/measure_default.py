"""The README's results of the default: `python tests/benchmarks/measure_default.py --out runs/measured`.

Bayes-PFL is trained with three seeds on the auxiliary workshop with the `tiny` preset, and evaluated by the strict
protocol on all images of the target workshop. It is compared with hand-written prompts on the same CLIP, with the same
training on a CLIP with random weights, and, as an upper bound for maps, with a linear head trained on half of the
target's own masks. It is also evaluated on every third image of the two real sets, whose results were not used for any
choice. Finished trainings are not repeated. For each seed, the gain in image AUROC over hand-written prompts is printed
with its bootstrap interval over images.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F

import pfl
from pfl.baselines import HandwrittenPrompts
from pfl.evaluation import measure
from pfl.losses import upsample
from pfl.metrics import PixelMetrics
from pfl.statistics import bootstrap_images

COLUMNS = ["image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "pixel_pro"]


def trained(clip, seed: int, out: Path) -> pfl.BayesPFL:
    if (out / "model.json").exists():
        return pfl.load(out, clip)
    scale = pfl.preset("tiny")
    model = pfl.BayesPFL(clip, scale.model, seed=seed)
    data = pfl.data.load("workshop", split="auxiliary")
    return pfl.train(model, data, replace(scale.train, seed=seed), out=out).model


def upper_bound(clip, data) -> float:
    """Pixel AUROC, mean over categories, of a linear head on all patch tokens, fitted to every second image."""
    parts = []
    for batch in pfl.data.loader(data, clip.image_size, 32):
        _, patches = clip.encode_image(clip.normalise(batch.images))
        patches = F.layer_norm(torch.stack(patches, dim=2), (clip.width,)).flatten(2)
        coarse = F.adaptive_avg_pool2d(batch.masks[:, None], clip.grid).flatten(1)
        parts.append((patches, coarse, batch.masks, [s.category for s in batch.samples]))
    tokens, coarse, masks = (torch.cat([part[i] for part in parts]) for i in range(3))
    categories = [name for part in parts for name in part[3]]
    head = torch.nn.Linear(tokens.shape[-1], 1)
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3, weight_decay=1e-4)
    x, y = tokens[::2].flatten(0, 1), coarse[::2].flatten()
    weight = torch.where(y > 0, (y == 0).sum() / (y > 0).sum(), 1.0)
    for _ in range(300):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(head(x)[:, 0], y, weight=weight).backward()
        optimizer.step()
    with torch.no_grad():
        evidence = head(tokens)[..., 0].unflatten(1, (clip.grid, clip.grid))
        maps = torch.sigmoid(upsample(evidence, masks.shape[-1]))
    values = []
    for name in dict.fromkeys(categories):
        index = [i for i, category in enumerate(categories) if category == name and i % 2]
        stream = PixelMetrics()
        stream.update(maps[index], masks[index])
        values.append(stream.result()["auroc"])
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/measured"))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    settings, rows = pfl.preset("tiny").eval, []
    target = pfl.data.load("workshop", split="target")
    clip, random_clip = pfl.load_clip("tiny"), pfl.load_clip("tiny-random")
    clip.memory, random_clip.memory = {}, {}  # all models see the same images

    def record(what: str, model, data, seed: int) -> pd.DataFrame:
        result = measure(model, data, replace(settings, seed=seed))
        for protocol in ("strict", "official"):
            mean = result.table(protocol).loc["mean", COLUMNS]
            rows.append({"what": what, "data": data.name, "protocol": protocol, "seed": seed} | mean.to_dict())
        args.out.mkdir(parents=True, exist_ok=True)
        result.table().to_csv(args.out / f"{what}-{data.name}-seed{seed}.csv")
        print(pd.DataFrame(rows[-2:]).round(3).to_string(header=False), flush=True)
        return result.images

    baseline = record("hand-written", HandwrittenPrompts(clip), target, 0)
    print(f"upper bound, pixel AUROC: {upper_bound(clip, target):.3f}", flush=True)
    for seed in range(args.seeds):
        model = trained(clip, seed, args.out / f"seed{seed}")
        gains = bootstrap_images(record("Bayes-PFL", model, target, seed), baseline).set_index(["category", "metric"])
        gain = gains.loc[("mean", "image_auroc")]
        print(f"gain over hand-written prompts: {gain.value:.3f} ({gain.low:.3f} to {gain.high:.3f})", flush=True)
        for name in ("elpv", "textile"):
            data = pfl.data.load(name)
            data = data.subset(keep=set(data.samples[::3]).__contains__)
            record("Bayes-PFL", model, data, seed)
            if seed == 0:
                record("hand-written", HandwrittenPrompts(clip), data, 0)
    record("random CLIP", trained(random_clip, 0, args.out / "random"), target, 0)
    table = pd.DataFrame(rows)
    table.to_csv(args.out / "table.csv", index=False)
    print(table.groupby(["data", "what", "protocol"])[COLUMNS].agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
