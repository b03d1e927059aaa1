"""The paper's claims about prompts, decided: `python tests/benchmarks/claims.py --train FOLDER --out pfl/assets`.

Four variants, with the cross-modal attention in all, differ only in their prompts: one learned prompt, a bank without
distributions, Gaussian distributions, and the full model with flows. Each is trained with three seeds in four settings
where the paper's argument predicts a difference: on half of all auxiliary categories' images; on two categories; on two
images of each category, for many epochs; and, with `--train FOLDER` (MVTec's layout; `python -m
pfl.workshop.photoscenes` writes one), on photographs. All trainings take about the same number of steps. Each model is
tested by the strict protocol on the drawn target, on photographs, on solar cells (image level only), and on other
images of its training categories ("seen"). No setting is left out of the tables.

Intervals (95 %) are over test images and training seeds, paired in both (`pfl.resampling.paired_interval`): image
AUROC, pixel AUROC and PRO are all bootstrapped over images. "seen_from" is the half width of an interval, the smallest
difference that could have been seen. Metrics that end in "_kept" are unseen minus seen: higher is a smaller drop.

Every finished run is a file in `--work`, so a stop loses one run at most; features are cached in `$PFL_HOME/features`.
"""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import pfl
from pfl import claims
from pfl.data import mvtec
from pfl.data.files import read_json, require_same
from pfl.data.writing import write, write_json, write_table
from pfl.resampling import METRICS, Outcome, draw_images, outcome, paired_interval, resampled_metrics

# A run besides its images, and an image: trained on, tested, tested with each sample, encoded; one core, tiny preset.
CPU_SECONDS = {"run": 8, "pass": 0.024, "test": 0.020, "sample": 0.0045, "encode": 0.07}
ALL_TESTS = (*claims.TEST_SETS, "seen")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/claims"), help="folder of the finished runs")
    parser.add_argument("--out", type=Path, help="folder for claims.csv and claims_runs.csv; default: --work")
    parser.add_argument("--train", type=Path, help="training set of photographs in MVTec's layout")
    parser.add_argument("--passes", type=int, default=1600, help="training images of a run, repeats included")
    parser.add_argument("--drawn", type=int, default=20, help="normal and anomalous test images of a category")
    parser.add_argument("--photographs", type=int, default=12)
    parser.add_argument("--elpv", type=int, default=50)
    parser.add_argument("--seen", type=int, default=50, help="normal and anomalous seen images, of all categories")
    parser.add_argument("--samples", type=int, default=10, help="R; variants without distributions need one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--settings", nargs="+", choices=claims.SETTINGS, help="default: all, photographs with --train")
    parser.add_argument("--variants", nargs="+", choices=list(claims.variants(pfl.ModelConfig())))
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--auxiliary", nargs=2, metavar=("SET", "FOLDER"), help="in place of the drawn auxiliary set")
    parser.add_argument("--target", nargs=2, metavar=("SET", "FOLDER"), help="in place of the drawn target")
    parser.add_argument("--cache-gb", type=float, default=6)
    return parser.parse_args()


def data_sets(args: argparse.Namespace) -> tuple[dict[str, pfl.data.Dataset], dict[str, pfl.data.Dataset]]:
    """The auxiliary set of each setting, and the test sets."""
    auxiliary = pfl.data.load(*args.auxiliary) if args.auxiliary else pfl.data.load("workshop", split="auxiliary")
    target = pfl.data.load(*args.target) if args.target else pfl.data.load("workshop", split="target")
    sources = dict.fromkeys(claims.SETTINGS[:3], auxiliary)
    if args.train:
        sources["photographs"] = mvtec.read(args.train, name=args.train.name)
    wanted = args.settings or list(sources)
    if missing := set(wanted) - set(sources):
        raise SystemExit(f"the setting {missing.pop()} needs a training set: --train FOLDER")
    tests = {
        "drawn": claims.evenly(target, args.drawn),
        "photographs": claims.evenly(pfl.data.load("photographs"), args.photographs),
        "elpv": claims.evenly(pfl.data.load("elpv"), args.elpv),
    }
    return {name: sources[name] for name in wanted}, tests


def run(clip, scale, source, tests, setting: str, variant: str, seed: int, args) -> dict[str, np.ndarray]:
    """Train a variant and test it: the arrays of each `Outcome`, and the spread of its prompts."""
    config = claims.variants(scale.model)[variant]
    training, seen = claims.split(source, setting, seed, most=args.passes)
    model = pfl.BayesPFL(clip, config, seed=seed)
    pfl.train(model, training, claims.recipe(scale, training, passes=args.passes, seed=seed), progress=False)
    shown = tests | {"seen": claims.evenly(seen, -(-args.seen // len(seen.categories)))}
    arrays = {}
    for name, data in shown.items():
        found = outcome(model, data, num_samples=claims.samples(config, args.samples))
        arrays |= {f"{name}.{field}": values for field, values in vars(found).items()}
    batch = next(iter(pfl.data.loader(claims.evenly(tests["drawn"], 1), clip.image_size, 12)))
    x, _ = model.features(batch.images)
    spread = claims.text_spread(model, x, batch.class_names, num_samples=args.samples)
    return arrays | {f"spread.{name}": np.array(value) for name, value in spread.items()}


def values_of(file: Path, resamples: int) -> dict[str, dict[str, np.ndarray]]:
    """For each test set the metrics of every resample of a finished run; the first is the test set itself."""
    with np.load(file) as arrays:
        found = {}
        for name in ALL_TESTS:
            fields = {f: arrays[f"{name}.{f}"] for f in ("category", "label", "score", "histograms")}
            one = Outcome(**fields)
            found[name] = resampled_metrics(one, draw_images(one, num_resamples=resamples))
    for name in claims.TEST_SETS:
        kept = {f"{m}_kept": found[name][m] - found["seen"][m] for m in METRICS if m in found[name]}
        found[name] |= kept
    return found


def spread_of(file: Path) -> dict[str, float]:
    with np.load(file) as arrays:
        return {name.removeprefix("spread."): float(arrays[name]) for name in arrays.files if name[:7] == "spread."}


def tables(files: dict[tuple, Path], sizes: dict[str, int], args, clip) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The comparisons, and the metrics of each run."""
    rows, runs, values = [], [], {}
    for (setting, variant, seed), file in files.items():
        values[setting, variant, seed] = found = values_of(file, args.resamples)
        for test, metrics in found.items():
            row = {"setting": setting, "variant": variant, "seed": seed, "test_set": test}
            row |= {name: metrics[name][0] if name in metrics else np.nan for name in METRICS}
            row |= {"each": getattr(args, test), "passes": args.passes}
            runs.append(row | spread_of(file) | {"text_width": clip.dim, "clip": clip.fingerprint[:12]})
    for setting in dict.fromkeys(setting for setting, _, _ in files):
        for first, second in claims.COMPARISONS:
            seeds = [s for s in range(args.seeds) if (setting, first, s) in values and (setting, second, s) in values]
            if not seeds:
                continue
            for test in claims.TEST_SETS:
                for metric in values[setting, first, seeds[0]][test]:
                    ours, theirs = (
                        np.stack([values[setting, name, seed][test][metric] for seed in seeds], axis=1)
                        for name in (first, second)
                    )
                    value, low, high = paired_interval(ours - theirs)
                    row = {"setting": setting, "test_set": test, "comparison": f"{first} - {second}", "metric": metric}
                    row |= {"difference": value, "low": low, "high": high, "seen_from": (high - low) / 2}
                    row |= {"first": ours[0].mean(), "second": theirs[0].mean(), "seeds": len(seeds)}
                    rows.append(row | {"images": sizes[test], "verdict": claims.verdict(low, high)})
    return pd.DataFrame(rows), pd.DataFrame(runs)


def main() -> None:
    args = arguments()
    scale = pfl.preset(args.preset)
    clip = pfl.load_clip(**scale.clip, device=args.device)
    clip.memory = pfl.FeatureFolder(max_gb=args.cache_gb)
    sources, tests = data_sets(args)
    names = args.variants or list(claims.variants(scale.model))
    sizes = {name: len(data) for name, data in tests.items()}
    identity = {"CLIP": clip.fingerprint, "model": asdict(scale.model), "test images": sizes}
    identity |= {"passes": args.passes, "seen images": args.seen, "samples": args.samples}
    args.work.mkdir(parents=True, exist_ok=True)
    if (args.work / "run.json").exists():
        require_same(args.work, read_json(args.work / "run.json"), identity)
    write_json(args.work / "run.json", identity)

    # Seeds come first and settings next, so that a stop leaves complete comparisons.
    order = [(setting, name, seed) for seed in range(args.seeds) for setting in sources for name in names]
    files = {one: args.work / ("-".join(map(str, one)).replace(" ", "_") + ".npz") for one in order}
    left = [one for one in order if not files[one].exists()]
    images = sum(sizes.values()) + args.seen
    image = CPU_SECONDS["test"] + args.samples * CPU_SECONDS["sample"] / 2  # half of the variants draw samples
    unit = CPU_SECONDS["run"] + args.passes * CPU_SECONDS["pass"] + images * image
    encode = CPU_SECONDS["encode"] * (images + sum({data.name: len(data) for data in sources.values()}.values()))
    print(f"{len(left)} of {len(order)} runs left, {sizes} and {args.seen} seen test images, one core, tiny preset:")
    print(f"about {unit:.0f} s a run, and {encode / 60:.0f} min to encode images not in the cache")
    print(f"about {(len(left) * unit + encode) / 60:.0f} min in all", flush=True)
    began = time.process_time()
    for done, one in enumerate(left, 1):
        setting, variant, seed = one
        arrays = run(clip, scale, sources[setting], tests, setting, variant, seed, args)
        write(files[one], lambda file, arrays=arrays: np.savez_compressed(file, **arrays))
        cost = (time.process_time() - began) / done
        rest = (len(left) - done) * cost / 60
        print(
            f"{done}/{len(left)} {setting}, {variant}, seed {seed}: {cost:.0f} s a run, {rest:.0f} min left", flush=True
        )

    table, runs = tables(files, sizes, args, clip)
    out = args.out or args.work
    write_table(out / "claims.csv", table, float_format="%.5f")
    write_table(out / "claims_runs.csv", runs, float_format="%.5f")
    means = runs.groupby(["setting", "variant", "test_set"], sort=False)[[*METRICS]].mean()
    print(f"\nmeans over {args.seeds} seeds\n{means.round(3).to_string()}")
    spread = runs.groupby(["setting", "variant"], sort=False)[["prompts", "samples", "states", "directions"]].mean()
    print(f"\ncosine distances of text embeddings, width {clip.dim}\n{spread.round(4).to_string()}")
    print(f"\n{claims.tally(table).round(4).to_string()}\n\n{claims.sentences(table)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
