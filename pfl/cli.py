"""The command line: `pfl predict`, `train`, `evaluate`, `reproduce`, `data`, `bench` and `figures`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from . import checkpoint, comparison, config, data, figures, inspection, parallel, reproduce
from .bench import bench
from .clip import load_clip
from .data.files import write, write_json
from .evaluation import measure
from .model import BayesPFL
from .statistics import spread
from .training import train


def main(argv: list[str] | None = None) -> int:
    """Run a command and return the exit status. A user's mistake prints one line, not a traceback."""
    args = parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except (OSError, ImportError, ValueError, FloatingPointError) as error:
        print(f"pfl: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="pfl", description="Bayesian prompt flow learning for zero-shot anomaly detection."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "predict", help="score the images of a folder; writes heat maps, a CSV and an HTML report"
    )
    command.add_argument("folder", type=Path)
    command.add_argument(
        "--class-name", help='what the images show, such as "metal plate"; default: the folder\'s name'
    )
    command.add_argument("--out", type=Path, help="default: runs/predict/ and the folder's name")
    command.add_argument("--model", default="default", help="folder of a trained model; default: the shipped one")
    command.add_argument("--threshold", type=float, help="lowest score of an image that counts as defective")
    command.add_argument("--normal", type=Path, help="calibrate the threshold on the normal images of this folder")
    command.add_argument(
        "--false-alarms", type=float, default=0.05, help="false-alarm rate allowed with --normal (default 0.05)"
    )
    command.add_argument("--num-samples", type=_positive, default=10, help="samples of the prompts (default 10)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--resume", action="store_true", help="continue an interrupted run")
    command.set_defaults(run=_predict)

    command = commands.add_parser("train", help="train a model on an auxiliary data set")
    command.add_argument("data", help="a data set with masks: workshop, mvtec, visa, ...")
    command.add_argument("--root", type=Path, help="its folder; the workshop needs none")
    command.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run is resumed")
    command.add_argument("--preset", default="tiny", choices=("tiny", "small", "paper"))
    command.add_argument("--epochs", type=_positive)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.set_defaults(run=_train)

    command = commands.add_parser("evaluate", help="evaluate a model on a data set of unseen categories")
    command.add_argument("data", help="workshop, elpv, textile, mvtec, visa, ...")
    command.add_argument("--root", type=Path)
    command.add_argument("--model", default="default", help="folder of a trained model; default: the shipped one")
    command.add_argument("--protocol", default="strict", choices=("strict", "official"))
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--seeds", type=_positive, default=1, help="number of sampling seeds: mean, sd and interval")
    command.add_argument("--num-samples", type=_positive, default=10, help="samples of the prompts (default 10)")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    command.add_argument("--csv", type=Path, help="also write the table here")
    command.add_argument(
        "--json", type=Path, help="also write results and all that is needed to repeat them, and NAME-images.csv"
    )
    command.set_defaults(run=_evaluate)

    command = commands.add_parser(
        "reproduce", help="the paper's main experiment on your copies, next to published numbers"
    )
    command.add_argument("--data-root", type=Path, required=True, help="contains the data sets, one folder each")
    command.add_argument("--seeds", type=_positive, default=3)
    command.add_argument("--only", help="sets to test on, such as mvtec,visa; default: all found")
    command.add_argument("--preset", default="paper", choices=("tiny", "small", "paper"))
    command.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="an interrupted run is resumed")
    command.add_argument("--device", type=_device, default="cuda" if torch.cuda.is_available() else "cpu")
    command.set_defaults(run=_reproduce)

    command = commands.add_parser("data", help="where to get the published data sets, and whether a copy is complete")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("where", help="source, licence and layout of a data set")
    action.add_argument("name", choices=[*sorted(data.SPECS), "elpv", "textile"])
    action.set_defaults(run=lambda args: print(data.where(args.name)))
    action = actions.add_parser("check", help="compare counts with the expected ones and list all problems")
    action.add_argument("name", choices=sorted(data.SPECS))
    action.add_argument("root", type=Path)
    action.add_argument("--subset", help="paper, whole, or another part listed by `pfl data where NAME`")
    action.set_defaults(run=_check)

    command = commands.add_parser("bench", help="time of the method relative to the image encoder alone")
    command.add_argument("--clip", default="tiny", help="tiny, or a tag of open_clip such as ViT-B-16 (random weights)")
    command.add_argument("--image-size", type=int, help="in pixels; default: the CLIP's own")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    command.add_argument("--rounds", type=_positive, default=5)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--json", type=Path, help="also write all numbers here")
    command.set_defaults(run=_bench)

    command = commands.add_parser("figures", help="run the notebooks with papermill and regenerate figures/")
    command.add_argument("--preset", default="tiny", choices=("tiny", "small", "paper"))
    command.add_argument("--only", default="", help="numbers of notebooks, such as 02,03")
    command.set_defaults(run=_figures)
    return top


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive integer")
    return int(text)


def _device(text: str) -> str:
    try:
        device = torch.device(text)
    except RuntimeError:
        raise argparse.ArgumentTypeError(
            f"{text} is not a device; use cpu, cuda, or cuda:1 for the second GPU"
        ) from None
    found = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= found:
        raise argparse.ArgumentTypeError(f"{text}: PyTorch finds {found} GPUs here; leave --device out to use the CPU")
    return text


def _predict(args) -> None:
    if args.threshold is not None and args.normal is not None:
        raise ValueError("--threshold and --normal both set the threshold; use one")
    model = checkpoint.load(args.model, device=args.device)
    images = data.folder(args.folder, class_name=args.class_name)
    sampling = {"num_samples": args.num_samples, "seed": args.seed}
    threshold = args.threshold
    if args.normal is not None:
        name = args.class_name or images[0].class_name
        normal = data.folder(args.normal, class_name=name).subset(keep=lambda sample: sample.label != 1)
        if not len(normal):
            raise ValueError(f"all images of {args.normal} are defective; give --normal a folder with normal ones")
        threshold = inspection.calibrate(inspection.scores_of(model, normal, **sampling), args.false_alarms)
        print(f"threshold {threshold:.4f}, from {len(normal)} normal images:", end=" ")
        print(f"a new one is above it with a probability of at most {args.false_alarms:.1%}")
    out = args.out or Path("runs") / "predict" / args.folder.resolve().name
    table = inspection.inspect(
        model, images, out, root=args.folder, threshold=threshold, resume=args.resume, **sampling
    )
    print(table.drop(columns="heatmap").head(10).to_string(index=False, float_format="%.3f"))
    print(f"{len(table)} images; all scores in {out / 'results.csv'}, the report in {out / 'report.html'}")


def _check(args) -> int:
    report = data.check(args.name, args.root, subset=args.subset)
    print(report)
    return 0 if report.ok else 1


def _train(args) -> None:
    preset = config.preset(args.preset)
    split = "auxiliary" if args.data == "workshop" else "test"
    engine = parallel.accelerator(args.device)
    device = engine.device if engine else args.device
    model = BayesPFL(load_clip(**preset.clip, device=device), preset.model, seed=args.seed)
    auxiliary = data.load(args.data, args.root, split=split)
    settings = preset.train_on(auxiliary.name, seed=args.seed, **({"epochs": args.epochs} if args.epochs else {}))
    if not (settings.alters_images or engine):
        model.clip.memory = {}  # without augmentation an image is encoded only once
    run = train(model, auxiliary, settings, out=args.out, engine=engine)
    if engine is None or engine.is_main_process:
        print(run.history.to_string(index=False, float_format="%.4g"))


def _evaluate(args) -> None:
    engine = parallel.accelerator(args.device)
    model = checkpoint.load(args.model, device=engine.device if engine else args.device)
    settings = config.EvalConfig(
        protocol=args.protocol, seed=args.seed, num_samples=args.num_samples, precision=args.precision
    )
    split = "target" if args.data == "workshop" else "test"
    tested = data.load(args.data, args.root, split=split)
    tables, main = {}, engine is None or engine.is_main_process
    for seed in range(args.seed, args.seed + args.seeds):
        one = replace(settings, seed=seed)
        result = measure(model, tested, one, engine=engine, progress=True)
        tables[seed] = result.table(args.protocol)
        if args.json and main:
            name = args.json.name if args.seeds == 1 else f"{args.json.stem}-seed{seed}{args.json.suffix}"
            reproduce.save_result(args.json.with_name(name), result, model, tested, one)
    if not main:
        return
    table = tables[args.seed]
    if args.seeds > 1:
        table = spread(tables)
        table = table.dropna(subset=["mean"]).set_index(["category", "metric"])
    _print(table)
    if args.csv:
        write(args.csv, table.to_csv().encode())


def _reproduce(args) -> None:
    engine = parallel.accelerator(args.device)
    only = args.only.split(",") if args.only else None
    preset = config.preset(args.preset)
    table = reproduce.reproduce(
        args.data_root, preset, out=args.out, seeds=args.seeds, only=only, device=args.device, engine=engine
    )
    if engine and not engine.is_main_process:
        return
    wide = table.drop(columns=["low", "high"])
    _print(wide.set_index(["set", "protocol", "metric"]))
    print(f"ours: {preset.clip['name']} and your copies; published: second-hand, on other weights or copies")
    print("; ".join(f"{key} {name}" for key, name in comparison.SOURCES.items()))
    print(f"table and figure of the differences: {args.out}")


def _print(table: pd.DataFrame) -> None:
    with pd.option_context("display.width", 200):
        print(table.to_string(float_format="%.3f", na_rep="-"))


def _bench(args) -> None:
    tiny = args.clip.startswith("tiny")
    clip = load_clip(args.clip, pretrained=None if tiny else "random", image_size=args.image_size, device=args.device)
    result = bench(BayesPFL(clip), rounds=args.rounds, precision=args.precision)
    print(f"{result['clip']}, {result['image_size']} px, {result['precision']}, {result['device']}")
    for name, seconds in result["seconds"].items():
        ratio = f"{result['ratios'][name]:6.2f} x the encoder" if name in result["ratios"] else ""
        print(f"  {name:20} {seconds * 1e3:9.1f} ms {ratio}")
    total = sum(result["profile"].values())
    print("where a prediction's time goes (R = 10, one image)")
    for name, seconds in result["profile"].items():
        print(f"  {name:22} {seconds * 1e3:7.1f} ms {seconds / total:6.1%}")
    print(f"peak memory {result['peak_memory_mb']:.0f} MB")
    if args.json:
        write_json(args.json, result)


def _figures(args) -> int:
    results = figures.run(args.preset, args.only)
    print("\nnotebook                             minutes  result")
    for name, seconds, error in results:
        print(f"{name:36} {seconds / 60:7.1f}  {error.splitlines()[0] if error else 'done'}")
    return 1 if any(error for *_, error in results) else 0
