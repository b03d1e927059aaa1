"""Which epochs a training keeps, where it does not run a fixed number: validation by average precision.

The public implementation validates on five categories of the *target's test set*. What it selects so has seen the
target; we offer it to reproduce published numbers, and never by default.
"""

from dataclasses import replace
from typing import Any

from accelerate import Accelerator

from .config import EvalConfig, Preset, TrainConfig
from .data.samples import Dataset
from .model import BayesPFL

TARGET_CATEGORIES = {  # of the test set on which the reference validates
    "mvtec": ("bottle", "hazelnut", "wood", "zipper", "leather"),
    "visa": ("chewinggum", "cashew", "pipe_fryum", "capsules", "candle"),
}


def target_of(auxiliary: str) -> str:
    """The data set whose test images the reference validates on, when it trains on another: VisA's for MVTec-AD."""
    return "visa" if auxiliary == "mvtec" else "mvtec"


def target_validation(data: Dataset) -> Dataset:
    """The part of MVTec-AD's or VisA's test set that the reference validates on; ValueError for another data set."""
    if data.name not in TARGET_CATEGORIES:
        raise ValueError(f"the reference validates on {' or '.join(TARGET_CATEGORIES)}, not on {data.name}")
    return data.subset(categories=TARGET_CATEGORIES[data.name])


def refusal() -> str:
    """Why a training that selects on the target is not run unless asked to, and what to do."""
    categories = "; ".join(f"{name}: {', '.join(which)}" for name, which in TARGET_CATEGORIES.items())
    return (
        f"this preset chooses stage switch, stop and checkpoint on the target's test set ({categories}), which "
        "zero-shot forbids; ask for it with --select-on-target, or fix --epochs and --stage2-epochs"
    )


def choose_epochs(
    preset: Preset, name: str, *, on_target: bool, epochs: int | None = None, stage2_epochs: int | None = None
) -> Preset:
    """The preset, its epochs selected on the target if asked for, else fixed: those given, or the preset's own.

    Raises ValueError unless a preset (of that name) that selects on the target gets exactly one of the two.
    """
    options = {"epochs": epochs, "stage2_epochs": stage2_epochs}
    given: dict[str, Any] = {option: value for option, value in options.items() if value is not None}
    if on_target and preset.train.selection != "target":
        raise ValueError(f"--select-on-target is for a preset that selects on the target, not for {name}")
    if on_target and given:
        raise ValueError("--select-on-target chooses the epochs that --epochs and --stage2-epochs fix; use one")
    if on_target:
        return preset
    if preset.train.selection == "target" and len(given) < 2:
        raise ValueError(refusal())
    train, epochs = preset.train, given.get("epochs", preset.train.epochs)
    horizon = None if train.horizon is None else max(train.horizon, epochs)  # more epochs stretch the schedule
    return replace(preset, train=replace(train, selection="fixed", max_epochs=None, horizon=horizon, **given))


def check_selection(config: TrainConfig, validation: Dataset | None) -> None:
    """Raise ValueError unless validation data is given exactly where the configuration selects by it."""
    source = {"auxiliary": "held-out auxiliary categories", "target": "the target's test set, which zero-shot forbids"}
    if validation is None and config.selection != "fixed":
        raise ValueError(
            f"selection {config.selection!r} chooses stage switch, stop and checkpoint on {source[config.selection]}; "
            'pass that as validation=, or set selection="fixed" and the numbers of epochs'
        )
    if validation is not None and config.selection == "fixed":
        raise ValueError(
            f'selection "fixed" uses no validation data, but {validation.name!r} is given; say what it is: '
            'selection="auxiliary" or "target"'
        )
    needed = {"image", "pixel"} if config.criterion == "stage" else set()
    if validation is not None and not (validation.level and needed <= validation.level):
        raise ValueError(
            f"validation set {validation.name!r} cannot be measured; it needs normal images, anomalous ones and masks"
        )


def validation_score(model: BayesPFL, data: Dataset, config: TrainConfig, engine: Accelerator | None = None) -> float:
    """Average precision on validation data, the mean over categories, with five samples as in the reference.

    `config.criterion` "both" takes the mean of images and pixels by the strict protocol. "stage" takes what the
    reference does: in stage 1 that of the unfiltered map, in stage 2 that of the text score.
    """
    from .evaluation import image_table, measure  # imported here: evaluation is a layer above training

    settings = EvalConfig(num_samples=5, precision=model.clip.precision, workers=config.workers)
    if config.criterion == "both":
        mean = measure(model, data, settings, engine=engine, strict=True).table("strict").loc["mean"]
        return float(mean[["image_ap", "pixel_ap"]].mean())
    result = measure(model, data, replace(settings, smoothing=0.0), engine=engine, strict=True)
    table = result.pixels["pixel_ap"] if model.stage == 1 else image_table(result.images, "text_score")["image_ap"]
    return float(table.mean())
