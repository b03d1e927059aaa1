"""The results of the default: `python tests/benchmarks/measure_default.py --real FOLDER --out runs/measured`.

Bayes-PFL is trained with three seeds with the `tiny` preset and evaluated by the strict protocol on the drawn target,
the target of photographs, every third image of the packaged sets, and the real sets in FOLDER, each of them a folder as
`pfl.data.folder` reads it (class name: "NAME surface"). It is compared with hand-written prompts on the same CLIP and
with the same training on a CLIP whose learned part is random, on the same frozen stem; on the target also with a linear
head fitted to half of its own masks, as an upper bound for maps. Finished trainings are not repeated. For each seed,
the gain in image AUROC over hand-written prompts is printed with its bootstrap interval over images.

`--train` names the training sets: `workshop` (the drawn auxiliary split), or folders in MVTec's layout, as
`python -m pfl.workshop.photoscenes` writes one of photographs. `--brief` measures every third image of both targets and
leaves out the control and the upper bound: enough to compare training sets or weights.
"""

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F

import pfl
from pfl.baselines import HandwrittenPrompts
from pfl.clip import FrozenCLIP
from pfl.data import mvtec
from pfl.evaluation import measure
from pfl.losses import upsample
from pfl.metrics import PixelMetrics
from pfl.statistics import bootstrap_images
from pfl.workshop import tiny

COLUMNS = ["image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "pixel_pro"]
SHORT = {"image_auroc": "image", "pixel_auroc": "pixel", "pixel_pro": "PRO"}
GOALS = {  # of issue 25
    "workshop-target": ".98 / .99 / .96",
    "elpv": ".80",
    "road": ".95 / .95 / .78",
    "steel": ".92 / .91 / .72",
}


def trained(clip, seed: int, data: pfl.data.Dataset, epochs: int, out: Path) -> pfl.BayesPFL:
    if (out / "model.json").exists():
        return pfl.load(out, clip)
    scale = pfl.preset("tiny")
    model = pfl.BayesPFL(clip, scale.model, seed=seed)
    return pfl.train(model, data, replace(scale.train, seed=seed, epochs=epochs), out=out).model


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


def training_set(names: list[str]) -> pfl.data.Dataset:
    """The samples of all named training sets, one after another."""
    parts = [
        pfl.data.load("workshop", split="auxiliary") if name == "workshop" else mvtec.read(name, name=Path(name).name)
        for name in names
    ]
    return replace(parts[0], name=" + ".join(p.name for p in parts), samples=sum((p.samples for p in parts), ()))


def every_third(data: pfl.data.Dataset) -> pfl.data.Dataset:
    return data.subset(keep=set(data.samples[::3]).__contains__)


def data_sets(real: Path | None, brief: bool) -> list[pfl.data.Dataset]:
    """All sets to measure on, the drawn target first."""
    sets = [pfl.data.load("workshop", split="target"), pfl.data.load("photographs")]
    sets = [every_third(data) for data in sets] if brief else sets
    sets += [every_third(pfl.data.load(name)) for name in ("elpv", "textile")]
    folders = sorted(path for path in real.iterdir() if path.is_dir()) if real else []
    return sets + [pfl.data.folder(path, class_name=f"{path.name} surface") for path in folders]


def seconds(model, image_size: int) -> float:
    """Median time to predict one image with R = 10, after one that does not count."""
    image, times = torch.rand(1, 3, image_size, image_size), []
    for _ in range(8):
        began = time.perf_counter()
        model.predict(image, "object", num_samples=10, seed=0)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def summary(rows: list[dict]) -> pd.DataFrame:
    """The table of the strict protocol: a row a data set, image AUROC / pixel AUROC / PRO; sd of several seeds."""
    strict = pd.DataFrame(rows).query("protocol == 'strict'")
    table = {}
    for (name, what), group in strict.groupby(["data", "what"], sort=False):
        values = [group[column].dropna() for column in SHORT]
        parts = [f"{v.mean():.3f}" + (f" ± {v.std():.3f}" if len(v) > 1 else "") for v in values if len(v)]
        table.setdefault(name, {})[what] = " / ".join(parts)
    result = pd.DataFrame.from_dict(table, orient="index")
    result["goal"] = [GOALS.get(name, "") for name in result.index]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/measured"))
    parser.add_argument("--real", type=Path, help="folder of real sets, each in a folder of its name")
    parser.add_argument("--train", nargs="+", default=["workshop"], help="training sets, see above")
    parser.add_argument("--brief", action="store_true", help="a part of the targets, no control and no upper bound")
    parser.add_argument("--epochs", type=int, default=pfl.preset("tiny").train.epochs)
    parser.add_argument("--weights", type=Path, help="another tiny CLIP; default: the shipped one")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    settings, rows = pfl.preset("tiny").eval, []
    auxiliary = training_set(args.train)
    random_clip = pfl.load_clip("tiny-random")
    shipped = tiny.load(weights=args.weights or tiny.WEIGHTS)
    clip = FrozenCLIP(model=shipped, name="tiny", pretrained=None, feature_layers=random_clip.feature_layers)
    sets = data_sets(args.real, args.brief)
    # All models see the same images, so each is encoded only once.
    clip.memory, random_clip.memory = pfl.FeatureFolder(max_gb=8), pfl.FeatureFolder(max_gb=8)

    def record(what: str, model, data, seed: int) -> pd.DataFrame:
        result = measure(model, data, replace(settings, seed=seed))
        for protocol in ("strict", "official"):
            mean = result.table(protocol).loc["mean", COLUMNS]
            rows.append({"what": what, "data": data.name, "protocol": protocol, "seed": seed} | mean.to_dict())
        args.out.mkdir(parents=True, exist_ok=True)
        result.table().to_csv(args.out / f"{what}-{data.name}-seed{seed}.csv")
        print(pd.DataFrame(rows[-2:]).round(3).to_string(header=False), flush=True)
        return result.images

    baseline = {data.name: record("hand-written", HandwrittenPrompts(clip), data, 0) for data in sets}
    if not args.brief:
        print(f"upper bound on the target, pixel AUROC: {upper_bound(clip, sets[0]):.3f}", flush=True)
    for seed in range(args.seeds):
        model = trained(clip, seed, auxiliary, args.epochs, args.out / f"seed{seed}")
        for data in sets:
            gains = bootstrap_images(record("Bayes-PFL", model, data, seed), baseline[data.name])
            gain = gains.set_index(["category", "metric"]).loc[("mean", "image_auroc")]
            print(f"gain over hand-written prompts: {gain.value:.3f} ({gain.low:.3f} to {gain.high:.3f})", flush=True)
    if not args.brief:
        control = trained(random_clip, 0, auxiliary, args.epochs, args.out / "random")
        for data in sets:
            record("random CLIP", control, data, 0)
    pd.DataFrame(rows).to_csv(args.out / "table.csv", index=False)
    clip.memory = None
    weights = list(tiny.ASSETS.rglob("*.safetensors"))
    print(f"\nstrict protocol, R = 10, {args.seeds} seeds; image AUROC / pixel AUROC / PRO")
    print(summary(rows).to_string())
    print(f"weights in the package: {sum(path.stat().st_size for path in weights) / 1e6:.1f} MB (at most 16)")
    threads = torch.get_num_threads()
    print(f"predict, one image, R = 10, {threads} threads: {1e3 * seconds(model, clip.image_size):.0f} ms")


if __name__ == "__main__":
    main()
