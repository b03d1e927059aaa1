"""The range of every number that a user can set: in a configuration, an argument or on the command line."""

import argparse
import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin

import numpy as np
import torch
from torch import Tensor

from .messages import shown


@dataclass(frozen=True)
class Range:
    """Numbers from low to high; `open` leaves out low itself."""

    low: float
    high: float
    whole: bool = False
    open: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return (
            f"{kind} above {self.low} and up to {self.high}" if self.open else f"{kind} from {self.low} to {self.high}"
        )

    def take(self, name: str, value: Any) -> int | float:
        """The value as int or float. Raises ValueError with value and range, also for True, "3" and nan."""
        kind = numbers.Integral if self.whole else numbers.Real
        fits = isinstance(value, kind) and not isinstance(value, bool) and not math.isnan(value)
        if not fits or not self.low <= value <= self.high or (self.open and value == self.low):
            raise ValueError(f"{name} is {shown(value)}; it must be {self}")
        return int(value) if self.whole else float(value)


def _whole(low: int, high: int) -> Range:
    return Range(low, high, whole=True)


SOS = 49406  # CLIP's first token; the next id is EOS
LARGEST_SEED = 2**63 - 1
RATE, SHARE = Range(0, 10), Range(0, 1)
RANGES = {
    # ModelConfig. The prompt's tokens must fit into CLIP's 77, with the class name.
    "num_prompts": _whole(1, 1000),
    "context_len": _whole(1, 70),
    "state_len": _whole(1, 70),
    "num_flows": _whole(1, 1000),
    "heads": _whole(1, 1000),
    "flow_init": Range(0, 1000),
    "base_variance": Range(0, 1000, open=True),
    # TrainConfig
    "epochs": _whole(1, 100_000),
    "stage2_epochs": _whole(0, 100_000),
    "batch_size": _whole(1, 100_000),
    "lr_prompts": RATE,
    "lr_flow": RATE,
    "lr_temperature": RATE,
    "lr_projection": RATE,
    "lr_stage2": RATE,
    "betas": Range(0, 0.999999),
    "horizon": _whole(1, 100_000),
    "warmup": SHARE,
    "kl_weight": Range(0, 1000),
    "name_dropout": SHARE,
    "mosaic": SHARE,
    "patience": _whole(0, 100_000),
    "max_epochs": _whole(1, 200_000),
    "workers": _whole(0, 1000),
    # EvalConfig and `predict`
    "num_samples": _whole(1, 10_000),
    "seed": _whole(0, LARGEST_SEED),
    "smoothing": SHARE,
    "top_fraction": Range(0, 1, open=True),
    "max_prompts_per_pass": _whole(1, 10**9),
    # other arguments and options
    "image_size": _whole(1, 10_000),
    "threshold": SHARE,
    "pro_limit": Range(0, 1, open=True),
    "false_alarms": Range(0, 1, open=True),
    "seeds": _whole(1, 10_000),
    "rounds": _whole(1, 10_000),
    "jobs": _whole(1, 1000),
}


OPTIONAL = {"max_prompts_per_pass", "image_size", "threshold"}  # their default is None


def check(**values: Any) -> None:
    """Raise ValueError for a value outside of the range of its name."""
    for name, value in values.items():
        if value is not None or name not in OPTIONAL:
            RANGES[name].take(name, value)


def check_config(config: Any) -> None:
    """Check each field of a frozen dataclass by its type and range, and store numbers as plain int and float."""
    for one in fields(config):
        value, kind, name = getattr(config, one.name), one.type, one.name
        if get_origin(kind) is Literal:
            if not isinstance(value, str) or value not in get_args(kind):
                raise ValueError(f"{name} {value!r} is unknown; choose one of {', '.join(get_args(kind))}")
        elif kind is bool:
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it must be True or False")
        elif get_origin(kind) is tuple:
            if not isinstance(value, list | tuple) or len(value) != len(get_args(kind)):
                raise ValueError(f"{name} is {value!r}; it must be {len(get_args(kind))} numbers")
            object.__setattr__(config, name, tuple(RANGES[name].take(name, part) for part in value))
        elif value is not None or type(None) not in get_args(kind):
            object.__setattr__(config, name, RANGES[name].take(name, value))


def of_type(name: str, value: Any, *kinds: type) -> Any:
    """The value, which must be of one of these types."""
    if not isinstance(value, kinds):
        raise ValueError(f"{name} is {shown(value)}; pass a {' or '.join(kind.__name__ for kind in kinds)}")
    return value


def list_of_names(names: Any) -> list[str]:
    """Class names as a list. Raises ValueError for anything but words."""
    names = list(of_type("class names", names, list, tuple, np.ndarray))
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"class names are {shown(names)}; pass words, such as 'metal plate'")
    return names


def check_names(names: Sequence[str], ids: Tensor) -> None:
    """Raise ValueError for a class name that is empty or contains a special token; ids (b, T) are without the SOS."""
    for name, tokens in zip(names, ids.tolist(), strict=True):
        if not name.strip():
            raise ValueError("a class name is empty; pass a word such as 'object'")
        if SOS in tokens or tokens.count(SOS + 1) > 1:
            raise ValueError(f"class name {shown(name, 40)} has a special token of CLIP's tokenizer; pass plain words")


def argument(name: str) -> Callable[[str], int | float]:
    """The type of an option of argparse: its text as a number in the range of that name."""
    limits = RANGES[name]

    def parse(text: str) -> int | float:
        try:
            return limits.take(name, int(text) if limits.whole else float(text))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}; it must be {limits}") from None

    return parse


def checked_images(images: Tensor | np.ndarray) -> Tensor:
    """Images (b, 3, H, H) in [0, 1] as a tensor. Raises ValueError for others: a CLIP gives numbers for any array."""
    try:
        if isinstance(images, list | tuple) and images and all(isinstance(one, Tensor) for one in images):
            images = torch.stack(list(images))
        elif not isinstance(images, Tensor):
            array = np.asarray(images)  # torch takes neither negative strides nor another byte order
            images = torch.as_tensor(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))
        if images.layout != torch.strided or images.is_meta:
            raise ValueError("they are sparse, or have no values")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"images are {type(images).__name__}; pass an array of floats (b, 3, H, H)") from error
    if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
        raise ValueError(f"images have shape {tuple(images.shape)}; pass (b, 3, H, H), at least one image, RGB first")
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype}; pass floats in [0, 1], such as images / 255")
    low, high = (float(value) for value in images.detach().aminmax())
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # written so that NaN is refused, too
        raise ValueError(
            f"images have values from {low:.4g} to {high:.4g}; pass pixels / 255, in [0, 1], not normalised"
        )
    return images


def check_finite(prediction: Any, images: Sequence, precision: str) -> Any:
    """The prediction for images, of which each has a name. Raises FloatingPointError if a score is NaN."""
    if (invalid := prediction.score.isnan()).any():
        i = int(invalid.int().argmax())
        raise FloatingPointError(
            f"the score of image {i + 1} of {len(invalid)} ({images[i]}) is NaN in {precision}; "
            "use another precision, or check the model's weights"
        )
    return prediction
