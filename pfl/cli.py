"""The command line: `pfl predict`, `train`, `evaluate`, `reproduce`, `export`, `data`, `bench` and `figures`."""

import argparse
import os
import sys
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import get_args

import torch

from . import commands, data, messages
from .config import PRESETS
from .export import Weights
from .parallel import check_device
from .ranges import argument


def main(argv: list[str] | None = None) -> int:
    """Run a command and return the exit status.

    0: done; 1: done, but images could not be read, or a check found problems; 2: an error, on one line; 130: Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text that a terminal can show
    args = parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"pfl: {message}", file=sys.stderr)
        try:
            status = args.run(args) or 0
            sys.stdout.flush()  # here, so that a closed pipe is an error of the command
            return status
        except (Exception, KeyboardInterrupt) as error:
            if args.debug:
                traceback.print_exc()
            if isinstance(error, BrokenPipeError):
                with suppress(OSError):  # what is left to write would fail again at exit
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            print(f"pfl: {messages.explain(error)}", file=sys.stderr)
            return messages.STATUS.get(type(error), 2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    top = _Parser(prog="pfl", description="Bayesian prompt flow learning for zero-shot anomaly detection.")
    top.add_argument("--debug", action="store_true", help="show where an error comes from")
    parsers = top.add_subparsers(required=True, metavar="COMMAND")

    command = parsers.add_parser(
        "predict", help="score the images of a folder; writes heat maps, a CSV and an HTML report"
    )
    command.add_argument("folder", type=_path)
    _add_folder_options(command)
    command.add_argument("--out", type=_path, help="default: runs/predict/ and the folder's name")
    command.add_argument("--model", default="default", help="folder of a trained model; default: the shipped one")
    _add_trust(command)
    command.add_argument(
        "--threshold", type=argument("threshold"), help="lowest score of an image that counts as defective"
    )
    command.add_argument("--normal", type=_path, help="calibrate the threshold on the normal images of this folder")
    command.add_argument(
        "--false-alarms",
        type=argument("false_alarms"),
        default=0.05,
        help="false-alarm rate allowed with --normal (default 0.05)",
    )
    command.add_argument(
        "--num-samples", type=argument("num_samples"), default=10, help="samples of the prompts (default 10)"
    )
    command.add_argument("--seed", type=argument("seed"), default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    command.add_argument("--no-heatmaps", dest="heatmaps", action="store_false", help="write scores alone")
    command.add_argument("--full-size", action="store_true", help="heat maps of large images are not made smaller")
    command.add_argument(
        "--resume", action="store_true", help="continue a run; images that had an error are tried again"
    )
    command.set_defaults(run=commands.predict)

    command = parsers.add_parser("train", help="train a model on an auxiliary data set")
    command.add_argument(
        "data", type=_name, help="a data set with masks: workshop, mvtec, visa, ..., or your own folder"
    )
    command.add_argument("--root", type=_path, help="folder of a published set; the workshop needs none")
    _add_folder_options(command)
    command.add_argument("--out", type=_path, required=True, help="folder of the run; an interrupted run is resumed")
    command.add_argument("--preset", default="tiny", choices=PRESETS)
    _add_epochs(command)
    _add_accept_incomplete(command)
    command.add_argument("--precision", choices=("fp32", "bf16"), help="default: the preset's")
    command.add_argument(
        "--select-on-target",
        type=_path,
        metavar="FOLDER",
        help="for --preset reference: choose stage switch, stop and "
        "checkpoint on five categories of the target's test set, in this folder, as the public implementation does",
    )
    command.add_argument("--seed", type=argument("seed"), default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.set_defaults(run=commands.train)

    command = parsers.add_parser("evaluate", help="evaluate a model on a data set of unseen categories")
    command.add_argument(
        "data", type=_name, help="workshop, photographs, elpv, textile, mvtec, ..., or your own folder with labels"
    )
    command.add_argument("--root", type=_path, help="folder of a published set")
    _add_folder_options(command)
    _add_accept_incomplete(command)
    command.add_argument(
        "--model",
        default="default",
        help="folder of a trained model, or a .pth file of the reference; default: the shipped one",
    )
    _add_trust(command)
    command.add_argument("--preset", choices=PRESETS, help="how to evaluate, and the CLIP of a .pth file")
    command.add_argument("--stage", type=int, choices=(1, 2), help="of a .pth file; default: from its name")
    command.add_argument("--protocol", choices=("strict", "official"), help="default: the preset's, else strict")
    command.add_argument("--seed", type=argument("seed"), default=0)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument(
        "--seeds", type=argument("seeds"), default=1, help="number of sampling seeds: mean, sd and interval"
    )
    command.add_argument(
        "--num-samples", type=argument("num_samples"), default=10, help="samples of the prompts (default 10)"
    )
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    command.add_argument("--csv", type=_path, help="also write the table here")
    command.add_argument(
        "--json", type=_path, help="also write results and all that is needed to repeat them, and NAME-images.csv"
    )
    command.set_defaults(run=commands.evaluate)

    command = parsers.add_parser(
        "reproduce", help="the paper's main experiment on your copies, next to published numbers"
    )
    command.add_argument(
        "--data-root",
        type=_path,
        required=True,
        help="contains the data sets, a folder each, called as their archives unpack or like the set",
    )
    _add_accept_incomplete(command)
    command.add_argument("--seeds", type=argument("seeds"), default=3)
    command.add_argument(
        "--only", help="sets to test on, such as mvtec,visa, all of which must be there; default: all found"
    )
    command.add_argument("--preset", default="paper", choices=PRESETS)
    _add_epochs(command)
    command.add_argument(
        "--select-on-target", action="store_true", help="for --preset reference: select on the target's test set, too"
    )
    command.add_argument("--out", type=_path, default=Path("runs/reproduce"), help="an interrupted run is resumed")
    command.add_argument("--device", type=_device, default="cuda" if torch.cuda.is_available() else "cpu")
    command.set_defaults(run=commands.reproduce)

    command = parsers.add_parser("export", help="write a model as one ONNX or .pt2 file, to run without this package")
    command.add_argument("model", type=_name, help="folder of a trained model, or default: the shipped one")
    command.add_argument("--to", type=_path, required=True, metavar="FILE", help="NAME.onnx, or NAME.pt2 for PyTorch")
    command.add_argument(
        "--weights",
        default="float32",
        choices=get_args(Weights),
        help="how an .onnx file stores them; smaller ones make the file smaller, not faster (default float32)",
    )
    command.add_argument(
        "--names", nargs="+", metavar="NAME", help="the only class names that the file takes; default: any name"
    )
    _add_trust(command)
    command.set_defaults(run=commands.export)

    command = parsers.add_parser("data", help="what a folder contains; where to get the published data sets")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("where", help="source, licence and layout of a data set")
    action.add_argument("name", choices=[*sorted(data.SPECS), "elpv", "textile"])
    action.set_defaults(run=commands.where)
    action = actions.add_parser(
        "check", help="what each file of your own folder is taken for; or whether a copy of a published set is complete"
    )
    action.add_argument(
        "name", type=_name, metavar="FOLDER|NAME", help=f"your own folder; or one of {', '.join(sorted(data.SPECS))}"
    )
    action.add_argument("root", type=_path, nargs="?", help="folder of the published set")
    _add_folder_options(action)
    action.add_argument("--subset", help="paper, whole, or another part listed by `pfl data where NAME`")
    action.add_argument("--all", action="store_true", help="list every problem; default: the first ten of each kind")
    action.set_defaults(run=commands.check)

    command = parsers.add_parser("bench", help="time of the method relative to the image encoder alone")
    command.add_argument("--clip", default="tiny", help="tiny, or a tag of open_clip such as ViT-B-16 (random weights)")
    command.add_argument("--image-size", type=argument("image_size"), help="in pixels; default: the CLIP's own")
    command.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    command.add_argument("--compile", action="store_true", help="through torch.compile; the first pass takes minutes")
    command.add_argument("--rounds", type=argument("rounds"), default=5)
    command.add_argument("--device", type=_device, default="cpu")
    command.add_argument("--json", type=_path, help="also write all numbers here")
    command.set_defaults(run=commands.bench)

    command = parsers.add_parser("figures", help="run the notebooks with papermill and regenerate figures/")
    command.add_argument("--preset", default="tiny", choices=PRESETS)
    command.add_argument("--only", default="", help="numbers of notebooks, such as 02,03")
    command.add_argument(
        "--jobs", type=argument("jobs"), help="notebooks to run at once; default: as many as fit, with tiny"
    )
    command.add_argument("--solutions", action="store_true", help="run the solutions of the exercises instead")
    command.set_defaults(run=commands.figures)
    return top


def _add_trust(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trust-model",
        action="store_true",
        help="load any CLIP that the model's folder names, from this disk or the network; default: only a shipped one",
    )


def _add_folder_options(command: argparse.ArgumentParser) -> None:
    """The options of `data.folder`; `commands.own_options` reads them."""
    group = command.add_argument_group(
        "your own folder", "where names do not tell; a folder or a pattern such as '*.png', repeatable"
    )
    group.add_argument("--class-name", help='what the images show, such as "metal plate"; default: the folder\'s name')
    group.add_argument("--images", action="append", metavar="NAMES", help="the only images")
    group.add_argument("--masks", action="append", metavar="NAMES", help="the only masks; '' for none")
    group.add_argument(
        "--normal-images", action="append", metavar="NAMES", help="the normal images; those beside them are anomalous"
    )
    group.add_argument(
        "--bit-depth", type=int, choices=data.BIT_DEPTHS, help="of files of 16 bits; default: what their values need"
    )


def _add_epochs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--epochs", type=argument("epochs"), help="of stage 1; default: the preset's; more stretch its schedule"
    )
    command.add_argument("--stage2-epochs", type=argument("stage2_epochs"), help="of stage 2; default: the preset's")


def _add_accept_incomplete(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-incomplete",
        action="store_true",
        help="use a copy whose counts differ from the published ones; results record what differs",
    )


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; pass . for the current folder")
    return text


def _path(text: str) -> Path:
    return Path(_name(text))


def _device(text: str) -> str:
    try:
        return check_device(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
