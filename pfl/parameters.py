"""The parameters of a notebook. Papermill passes whatever was typed, so each value is checked before it is used."""

from pathlib import Path

from . import plotting
from .config import PRESETS
from .data import SPECS
from .parallel import check_device
from .ranges import RANGES

SETS = ("workshop", "photographs", "elpv", "textile", *sorted(SPECS))
LEAST = {  # whole numbers
    "seed": 0, "seeds": 1, "epochs": 0, "protocol_epochs": 0, "every": 1, "train_every": 1, "test_every": 1,
    "num_samples": 1, "per_category": 1, "count": 1, "real_images": 0, "rerun": 0,
}  # fmt: skip
MOST = 100_000  # of the numbers that `ranges` does not know
FOLDERS = ("folder", "normal")  # "" for none
CHOICES = {"preset": tuple(PRESETS), "auxiliary": SETS, "target": SETS}


def check_parameters(**values) -> None:
    """Raise ValueError, naming each parameter of a notebook whose value cannot be used, and what it may be."""
    wrong = [f"{name} is {value!r}: {why}" for name, value in values.items() if (why := _problem(name, value))]
    if wrong:
        raise ValueError("; ".join(wrong))


def place(path: str) -> Path | None:
    """The folder, absolute: seen from the working directory, or from the checkout. None if path is ""."""
    if not path:
        return None
    found = [one for one in (Path(path).expanduser(), plotting.root() / path) if one.is_dir()]
    if not found:
        raise ValueError(f"no folder {path}: give an absolute path, or one relative to {Path.cwd()}")
    return found[0].absolute()


def _problem(name: str, value) -> str:
    """What a parameter may be, if the value is not that; else ""."""
    if name in LEAST:
        most = int(RANGES[name].high) if name in RANGES else MOST
        fits = _is_whole(value, LEAST[name], most)
        return "" if fits else f"give a whole number from {LEAST[name]} to {most}"
    if name == "sizes":
        right = isinstance(value, list) and value and all(_is_whole(one, 1, MOST) for one in value)
        return "" if right else "give a list of whole numbers from 1 on, such as [8, 16]"
    if name == "false_alarms":
        right = isinstance(value, float) and 0 < value < 1
        return "" if right else "give a share between 0 and 1, such as 0.1"
    if not isinstance(value, str):
        return f"give text; on papermill's command line: -r {name} VALUE"
    try:
        if name in FOLDERS:
            place(value)
        elif name == "device":
            check_device(value)
        elif name in CHOICES and value not in CHOICES[name]:
            return f"choose one of {', '.join(CHOICES[name])}"
        elif name == "class_name" and not value.strip():
            return "say in a word or two what the images show"
    except ValueError as error:
        return str(error)
    return ""


def _is_whole(value, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
