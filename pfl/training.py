"""The training loop: two stages, the published optimiser groups and schedule, and resumable runs."""

import io
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from .checkpoint import CARD, WEIGHTS, write_model
from .config import TrainConfig
from .data.files import require_same
from .data.loading import loader
from .data.samples import Dataset
from .data.writing import check_free, remove_leftovers, write, write_table
from .model import BayesPFL
from .optimisation import Step, optimizer_of, schedule
from .parallel import Share, reading
from .ranges import of_type
from .selection import check_selection, validation_score

PROGRESS = "progress.pt"  # in the run's folder: the state to resume from
HISTORY = "history.csv"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished training run.

    history has one row per epoch: stage, epoch (counted from 1 in each stage), the mean of each loss over the epoch's
    steps (`loss_*`, and `loss`, their sum), lr (of the first parameter group, at the epoch's last step), seconds, and,
    with validation data, `validation` (its average precision). Stage 2 has the classification loss alone.
    """

    model: BayesPFL
    history: pd.DataFrame
    folder: Path | None


def train(
    model: BayesPFL,
    data: Dataset,
    config: TrainConfig | None = None,
    *,
    out: str | Path | None = None,
    validation: Dataset | None = None,
    engine: Accelerator | None = None,
    progress: bool = True,
    after_epoch: Callable[[dict], None] | None = None,
) -> Run:
    """Train `model` in place on an auxiliary data set with labels and masks (paper section 4.1).

    All random numbers of an epoch follow from `config.seed` and the epoch. So an interrupted run resumes after its last
    epoch when called again with the same arguments, and gives the same result as an uninterrupted one.

    Args:
        out: folder for the finished model (as `pfl.save` writes it), history.csv, and the state to resume from.
        validation: the data that `config.selection` chooses epochs by: held-out categories of the auxiliary data set,
            or categories of the target, which is recorded with the model.
        engine: from `parallel.accelerator`, if this is called in each of several processes: they split every batch and
            all end with the model that one process would give. All must use the same `out`; the first one writes.
        after_epoch: called with each row of the history as it is made, with the model in evaluation mode: to log, or
            to measure the model on the way. It must not change the model.

    Raises:
        ValueError: labels or masks are missing, `out` contains another run, or the CLIP would cache augmented images.
        FileExistsError: `out` contains such files, but no run.
        FloatingPointError: the loss is not finite.
    """
    config, out = TrainConfig() if config is None else config, Path(out) if out else None
    of_type("config", config, TrainConfig), of_type("data", data, Dataset)
    _check_data(data)
    check_selection(config, validation)
    if model.clip.memory is not None and config.alters_images:
        raise ValueError(
            "clip.memory would cache augmented images, which never repeat; "
            "set augment=False and mosaic=0, or clip.memory = None"
        )
    if out:
        out.mkdir(parents=True, exist_ok=True)  # fails now rather than after an epoch
    identity = _run_identity(model, data, config, validation) if out else {}
    state = _initial_state(model, identity, out)
    history, first = state["history"], engine is None or engine.is_main_process
    if engine:
        engine.wait_for_everyone()  # all processes read the state before the first one writes
    if out and first:
        remove_leftovers(out)
        if history:
            _save_history(state, out)  # a kill may have come between the state and its history

    for stage, epochs in ((1, config.epochs), (2, config.stage2_epochs)):
        if stage < state["stage"] or not epochs:
            continue
        if stage > state["stage"]:  # the previous stage is finished
            if len(history) >= config.total_epochs:
                break  # no epoch is left for a new stage: its head would stay as initialised
            state |= {"stage": stage, "epoch": 0, "optimizer": None, "best": None}
        model.stage = stage
        optimizer = optimizer_of(model, config)
        if state["optimizer"]:
            optimizer.load_state_dict(state["optimizer"])
        while state["epoch"] < epochs and len(history) < config.total_epochs and not _stalled(state, config.patience):
            row = _train_epoch(model, data, config, optimizer, state["epoch"], epochs, engine, progress)
            if validation:
                row["validation"] = validation_score(model, validation, config, engine)
                if state["best"] is None or row["validation"] >= state["best"]["value"]:
                    weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
                    state["best"] = {"value": row["validation"], "epoch": state["epoch"], "weights": weights}
            history.append(row)
            if after_epoch:
                after_epoch(row)
            state |= {"epoch": state["epoch"] + 1, "optimizer": optimizer.state_dict()}
            if out and first:
                _save_progress(model, state, identity, out)
        if state["best"]:
            model.load_state_dict(state["best"]["weights"])

    model.card = metadata(config, data, validation)
    if out and first:
        write_model(model, out)
    if engine:
        engine.wait_for_everyone()
        engine.free_memory()  # otherwise it keeps the model of every stage
    return Run(model=model, history=pd.DataFrame(history), folder=out)


def metadata(config: TrainConfig, data: Dataset, validation: Dataset | None) -> dict:
    """Metadata of a training run, to store with its model."""
    summary = {"data": data.name, "images": len(data), "data_fingerprint": data.fingerprint(), "notes": data.notes}
    selected_on = validation and {
        "data": validation.name,
        "categories": validation.categories,
        "data_fingerprint": validation.fingerprint(),
    }
    return {"training": asdict(config)} | summary | {"selected_on": selected_on}


def _train_epoch(
    model: BayesPFL,
    data: Dataset,
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    epochs: int,
    engine: Accelerator | None,
    progress: bool,
) -> dict:
    """Train for one epoch and return its row of the history."""
    started = time.perf_counter()
    # Each epoch has its own seed, so resuming needs no stored random state.
    seed = (config.seed, model.stage, epoch)
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    share = Share.of(engine)
    batches = loader(
        data,
        model.clip.image_size,
        shuffle=True,
        seed=seed,
        augment=config.augment,
        mosaic=config.mosaic,
        share=share.of_batch,
        **reading(model.clip.device, config),
    )
    per_epoch = len(batches)
    sums: dict[str, float] = {}
    model.train()
    step = engine.prepare_model(Step(model)) if engine else Step(model)
    progress = progress and share.rank == 0
    bar = tqdm(batches, desc=f"stage {model.stage} {epoch + 1}/{epochs}", disable=not progress)
    for i, batch in enumerate(bar):
        horizon = (config.horizon or config.epochs) * per_epoch
        rate = schedule(epoch * per_epoch + i, horizon, config.warmup) if model.stage == 1 else 1.0
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        size = min(config.batch_size, len(data) - i * config.batch_size)
        parts = step(batch, config, generator, share, size)
        total = sum(parts.values())
        optimizer.zero_grad(set_to_none=True)
        (total * share.world).backward()  # Accelerate averages gradients over processes; we need their sum
        values = torch.stack([total, *parts.values()]).tolist()  # the only wait for a GPU in a step
        if not math.isfinite(values[0]):
            raise FloatingPointError(
                f"the loss is {values[0]} in stage {model.stage}, epoch {epoch + 1}, step {i + 1}; "
                "lower the learning rates or flow_init"
            )
        optimizer.step()
        for name, value in zip(["loss", *(f"loss_{name}" for name in parts)], values, strict=True):
            sums[name] = sums.get(name, 0.0) + value
        bar.set_postfix(loss=f"{sums['loss'] / (i + 1):.3f}")
    model.eval()
    row = {"stage": model.stage, "epoch": epoch + 1} | {k: v / per_epoch for k, v in sums.items()}
    return row | {"lr": optimizer.param_groups[0]["lr"], "seconds": time.perf_counter() - started}


def _check_data(data: Dataset) -> None:
    if not len(data):
        raise ValueError(f"data set {data.name!r} is empty; check its root folder")
    if data.unreadable:
        file = data.unreadable[0]
        raise ValueError(f"{file.path} cannot be read ({file.why}); training needs every image: repair it or remove it")
    for sample in data.samples:
        if sample.label is None:
            raise ValueError(f"{sample.image} has no label; training needs images labelled normal or anomalous")
        if sample.label == 1 and sample.mask is None:
            raise ValueError(f"{sample.image} is anomalous but has no mask; add the mask, or leave the image out")
    if not any(sample.label == 1 for sample in data.samples):
        raise ValueError(f"data set {data.name!r} has no anomalous image; training needs some with masks")


def _run_identity(model: BayesPFL, data: Dataset, config: TrainConfig, validation: Dataset | None) -> dict:
    """Everything that determines the result of a run; a run is resumed only with the same values."""
    return {
        "train configuration": {k: v for k, v in asdict(config).items() if k != "workers"},
        "model configuration": asdict(model.config),
        "CLIP": model.clip.fingerprint,
        "set of initial weights": model.initial,
        "data set": data.fingerprint(),
        "validation set": validation.fingerprint() if validation else None,
    }


def _stalled(state: dict, patience: int) -> bool:
    return state["best"] is not None and state["epoch"] - 1 - state["best"]["epoch"] > patience


def _save_progress(model: BayesPFL, state: dict, identity: dict, out: Path) -> None:
    """Save the state to resume from, in one file that is written whole, and the history, a copy of what it contains."""
    content = io.BytesIO()  # torch.save would report a full disk as an error of its own
    torch.save({"identity": identity, "state": state, "weights": model.state_dict()}, content)
    write(out / PROGRESS, content.getbuffer())
    _save_history(state, out)


def _save_history(state: dict, out: Path) -> None:
    write_table(out / HISTORY, pd.DataFrame(state["history"]))


def _initial_state(model: BayesPFL, identity: dict, out: Path | None) -> dict:
    """Return the state of the run: a new one, or the one found in `out`, whose weights are loaded into the model."""
    fresh: dict[str, Any] = {"stage": 1, "epoch": 0, "optimizer": None, "best": None, "history": []}
    if out is None or not (file := out / PROGRESS).exists():
        if out:
            check_free(out, HISTORY, CARD, WEIGHTS)
        return fresh
    try:
        found = torch.load(file, map_location=model.clip.device, weights_only=True)
        recorded, state, weights = found["identity"], found["state"], found["weights"]
        if not set(fresh) <= set(state):
            raise KeyError("state")
    except OSError:
        raise
    except Exception as error:  # a damaged file raises errors of many types
        raise ValueError(
            f"{file} is damaged ({type(error).__name__}); choose another folder, or delete this one to start again"
        ) from error
    require_same(out, recorded, identity)
    model.load_state_dict(weights)
    return state
