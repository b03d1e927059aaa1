"""The command line: `pfl predict`, `train`, `evaluate`, `reproduce`, `data`, `bench` and `figures`."""

import argparse
import sys
from pathlib import Path

import torch

from . import commands, data
from .config import PRESETS


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
    parsers = top.add_subparsers(required=True, metavar="COMMAND")

    command = parsers.add_parser(
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
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    command.add_argument("--no-heatmaps", dest="heatmaps", action="store_false", help="write scores alone")
    command.add_argument("--resume", action="store_true", help="continue an interrupted run")
    command.set_defaults(run=commands.predict)

    command = parsers.add_parser("train", help="train a model on an auxiliary data set")
    command.add_argument("data", help="a data set with masks: workshop, mvtec, visa, ...")
    command.add_argument("--root", type=Path, help="its folder; the workshop needs none")
    command.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run is resumed")
    command.add_argument("--preset", default="tiny", choices=PRESETS)
    _add_epochs(command)
    _add_accept_incomplete(command)
    command.add_argument("--precision", choices=("fp32", "bf16"), help="default: the preset's")
    command.add_argument(
        "--select-on-target",
        type=Path,
        metavar="FOLDER",
        help="for --preset reference: choose stage switch, stop and "
        "checkpoint on five categories of the target's test set, in this folder, as the public implementation does",
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.set_defaults(run=commands.train)

    command = parsers.add_parser("evaluate", help="evaluate a model on a data set of unseen categories")
    command.add_argument("data", help="workshop, elpv, textile, mvtec, visa, ...")
    command.add_argument("--root", type=Path)
    _add_accept_incomplete(command)
    command.add_argument(
        "--model",
        default="default",
        help="folder of a trained model, or a .pth file of the reference; default: the shipped one",
    )
    command.add_argument("--preset", choices=PRESETS, help="how to evaluate, and the CLIP of a .pth file")
    command.add_argument("--protocol", choices=("strict", "official"), help="default: the preset's, else strict")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--seeds", type=_positive, default=1, help="number of sampling seeds: mean, sd and interval")
    command.add_argument("--num-samples", type=_positive, default=10, help="samples of the prompts (default 10)")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    command.add_argument("--csv", type=Path, help="also write the table here")
    command.add_argument(
        "--json", type=Path, help="also write results and all that is needed to repeat them, and NAME-images.csv"
    )
    command.set_defaults(run=commands.evaluate)

    command = parsers.add_parser(
        "reproduce", help="the paper's main experiment on your copies, next to published numbers"
    )
    command.add_argument(
        "--data-root",
        type=Path,
        required=True,
        help="contains the data sets, a folder each, called as their archives unpack or like the set",
    )
    _add_accept_incomplete(command)
    command.add_argument("--seeds", type=_positive, default=3)
    command.add_argument(
        "--only", help="sets to test on, such as mvtec,visa, all of which must be there; default: all found"
    )
    command.add_argument("--preset", default="paper", choices=PRESETS)
    _add_epochs(command)
    command.add_argument(
        "--select-on-target", action="store_true", help="for --preset reference: select on the target's test set, too"
    )
    command.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="an interrupted run is resumed")
    command.add_argument("--device", type=_device, default="cuda" if torch.cuda.is_available() else "cpu")
    command.set_defaults(run=commands.reproduce)

    command = parsers.add_parser("data", help="where to get the published data sets, and whether a copy is complete")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("where", help="source, licence and layout of a data set")
    action.add_argument("name", choices=[*sorted(data.SPECS), "elpv", "textile"])
    action.set_defaults(run=commands.where)
    action = actions.add_parser("check", help="compare counts with the expected ones and list the problems")
    action.add_argument("name", choices=sorted(data.SPECS))
    action.add_argument("root", type=Path)
    action.add_argument("--subset", help="paper, whole, or another part listed by `pfl data where NAME`")
    action.add_argument("--all", action="store_true", help="list every problem; default: the first ten of each kind")
    action.set_defaults(run=commands.check)

    command = parsers.add_parser("bench", help="time of the method relative to the image encoder alone")
    command.add_argument("--clip", default="tiny", help="tiny, or a tag of open_clip such as ViT-B-16 (random weights)")
    command.add_argument("--image-size", type=int, help="in pixels; default: the CLIP's own")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    command.add_argument("--compile", action="store_true", help="through torch.compile; the first pass takes minutes")
    command.add_argument("--rounds", type=_positive, default=5)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--json", type=Path, help="also write all numbers here")
    command.set_defaults(run=commands.bench)

    command = parsers.add_parser("figures", help="run the notebooks with papermill and regenerate figures/")
    command.add_argument("--preset", default="tiny", choices=PRESETS)
    command.add_argument("--only", default="", help="numbers of notebooks, such as 02,03")
    command.add_argument("--jobs", type=_positive, help="notebooks to run at once; default: as many as fit, with tiny")
    command.set_defaults(run=commands.figures)
    return top


def _add_epochs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--epochs", type=_positive, help="of stage 1; default: the preset's")
    command.add_argument("--stage2-epochs", type=_count, help="of stage 2; default: the preset's")


def _add_accept_incomplete(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-incomplete",
        action="store_true",
        help="use a copy whose counts differ from the published ones; results record what differs",
    )


def _count(text: str) -> int:
    return 0 if text == "0" else _positive(text)


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
