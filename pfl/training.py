"""The training loop: two stages, the published optimiser groups and schedule, and runs that survive being killed."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from .checkpoint import save
from .config import EvalConfig, TrainConfig
from .data.files import require_same, write
from .data.loading import loader
from .data.samples import Dataset
from .model import BayesPFL
from .optimisation import Step, optimizer_of, schedule
from .parallel import Share

PROGRESS = "progress.pt"  # in the run's folder: all that a killed run needs to go on
HISTORY = "history.csv"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished training.

    history has one row an epoch: stage, epoch (counted from 1 in each stage), the mean of each loss over the epoch's
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
) -> Run:
    """Train `model` in place on an auxiliary data set with labels and masks (paper section 4.1).

    Everything random follows from `config.seed`, epoch by epoch. So a run that was killed goes on from its last epoch
    when called again with the same arguments, and ends where it would have ended undisturbed.

    Args:
        out: folder for the finished model (as `pfl.save` writes it), history.csv, and the state to resume from.
        validation: where given, each stage stops after `config.patience` epochs without a better average precision on
            it and keeps its best epoch; else the number of epochs is fixed. "Zero-shot" asks for categories of the
            auxiliary data here; the reference's official protocol took them from the target's test set.
        engine: of `parallel.accelerator`, called in each of several processes: they share out every batch and end with
            the model that one process would have made. All must see the same `out`; the first one writes.

    Raises:
        ValueError: data without labels or masks, a folder that holds another run, or a CLIP whose memory would keep
            every augmented image.
        FloatingPointError: a loss that is no longer finite.
    """
    config, out = config or TrainConfig(), Path(out) if out else None
    _check(data)
    if validation is not None and not validation.level:
        raise ValueError(
            f"validation set {validation.name!r} cannot be measured: give one with normal and anomalous images"
        )
    if model.clip.memory is not None and config.alters_images:
        raise ValueError(
            "no augmented image comes twice, so remembering them only fills the memory; "
            "set augment=False and mosaic=0, or clip.memory = None"
        )
    identity = _identity(model, data, config, validation) if out else {}
    state = _resume(model, identity, out)
    history, first = state["history"], engine is None or engine.is_main_process
    if engine:
        engine.wait_for_everyone()  # all have read the state before the first process writes another

    for stage, epochs in ((1, config.epochs), (2, config.stage2_epochs)):
        if stage < state["stage"] or not epochs:
            continue
        if stage > state["stage"]:  # the stage before is over
            state |= {"stage": stage, "epoch": 0, "optimizer": None, "best": None}
        model.stage = stage
        optimizer = optimizer_of(model, config)
        if state["optimizer"]:
            optimizer.load_state_dict(state["optimizer"])
        while state["epoch"] < epochs and not _stalled(state, config.patience):
            row = _epoch(model, data, config, optimizer, state["epoch"], epochs, engine, progress)
            if validation:
                row["validation"] = average_precision(model, validation, engine)
                if state["best"] is None or row["validation"] > state["best"]["value"]:
                    weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
                    state["best"] = {"value": row["validation"], "epoch": state["epoch"], "weights": weights}
            history.append(row)
            state |= {"epoch": state["epoch"] + 1, "optimizer": optimizer.state_dict()}
            if out and first:
                _keep(model, state, identity, out)
        if state["best"]:
            model.load_state_dict(state["best"]["weights"])

    if out and first:
        save(model, out, card=_card(config, data))
    if engine:
        engine.wait_for_everyone()
        engine.free_memory()  # else it keeps the model of every stage
    return Run(model=model, history=pd.DataFrame(history), folder=out)


def _card(config: TrainConfig, data: Dataset) -> dict:
    told = {"data": data.name, "images": len(data), "data_fingerprint": data.fingerprint()}
    return {"training": asdict(config)} | told


def average_precision(model: BayesPFL, data: Dataset, engine: Accelerator | None = None) -> float:
    """What validation goes by: the mean over categories of the average precision of images and of pixels (strict)."""
    from .evaluation import evaluate  # only here: evaluation stands above training

    mean = evaluate(model, data, EvalConfig(num_samples=5), engine=engine).loc["mean"]  # 5 samples, as in the reference
    return float(mean[["image_ap", "pixel_ap"]].mean())


def _epoch(
    model: BayesPFL,
    data: Dataset,
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    epochs: int,
    engine: Accelerator | None,
    progress: bool,
) -> dict:
    """One pass over the data; returns its row of the history."""
    started = time.perf_counter()
    # Each epoch has a seed of its own: so nothing random need be stored to resume.
    seed = (config.seed, model.stage, epoch)
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    share = Share.of(engine)
    batches = loader(
        data,
        model.clip.image_size,
        config.batch_size,
        shuffle=True,
        seed=seed,
        augment=config.augment,
        mosaic=config.mosaic,
        workers=config.workers,
        share=share.of_batch,
        pin=model.clip.device.type == "cuda",
    )
    per_epoch = len(batches)
    sums = {}
    model.train()
    step = engine.prepare_model(Step(model)) if engine else Step(model)
    progress = progress and share.rank == 0
    bar = tqdm(batches, desc=f"stage {model.stage} {epoch + 1}/{epochs}", disable=not progress)
    for i, batch in enumerate(bar):
        rate = schedule(epoch * per_epoch + i, epochs * per_epoch, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        size = min(config.batch_size, len(data) - i * config.batch_size)
        parts = step(batch, config, generator, share, size)
        total = sum(parts.values())
        if not torch.isfinite(total):
            raise FloatingPointError(
                f"the loss is {total.item()} in stage {model.stage}, epoch {epoch + 1}, step {i + 1}; "
                "lower the learning rates or flow_init"
            )
        optimizer.zero_grad(set_to_none=True)
        (total * share.world).backward()  # the engine takes the mean over processes; what is wanted is their sum
        optimizer.step()
        for name, value in ({"loss": total} | {f"loss_{name}": value for name, value in parts.items()}).items():
            sums[name] = sums.get(name, 0.0) + value.item()
        bar.set_postfix(loss=f"{sums['loss'] / (i + 1):.3f}")
    model.eval()
    row = {"stage": model.stage, "epoch": epoch + 1} | {k: v / per_epoch for k, v in sums.items()}
    return row | {"lr": optimizer.param_groups[0]["lr"], "seconds": time.perf_counter() - started}


def _check(data: Dataset) -> None:
    if not len(data):
        raise ValueError(f"data set {data.name!r} is empty; check its root folder")
    for sample in data.samples:
        if sample.label is None:
            raise ValueError(f"{sample.image} has no label; training needs normal and anomalous images, told apart")
        if sample.label == 1 and sample.mask is None:
            raise ValueError(f"{sample.image} is anomalous but has no mask; training needs one, or leave the image out")
    if not any(sample.label == 1 for sample in data.samples):
        raise ValueError(f"data set {data.name!r} has no anomalous image; training needs some, with masks")


def _identity(model: BayesPFL, data: Dataset, config: TrainConfig, validation: Dataset | None) -> dict:
    """All that decides how a run goes; a folder goes on only with the same."""
    return {
        "train configuration": {k: v for k, v in asdict(config).items() if k != "workers"},
        "model configuration": asdict(model.config),
        "CLIP": model.clip.fingerprint,
        "data set": data.fingerprint(),
        "validation set": validation.fingerprint() if validation else None,
    }


def _stalled(state: dict, patience: int) -> bool:
    return state["best"] is not None and state["epoch"] - 1 - state["best"]["epoch"] >= patience


def _keep(model: BayesPFL, state: dict, identity: dict, out: Path) -> None:
    """Write all that a killed run needs, in one file that is whole or absent."""
    content = {"identity": identity, "state": state, "weights": model.state_dict()}
    write(out / PROGRESS, lambda file: torch.save(content, file))
    write(out / HISTORY, pd.DataFrame(state["history"]).to_csv(index=False).encode())


def _resume(model: BayesPFL, identity: dict, out: Path | None) -> dict:
    """The state of a run: a fresh one, or the one found in `out`, with the model put back to it."""
    fresh = {"stage": 1, "epoch": 0, "optimizer": None, "best": None, "history": []}
    if out is None or not (out / PROGRESS).is_file():
        return fresh
    found = torch.load(out / PROGRESS, map_location=model.clip.device, weights_only=True)
    require_same(out, found["identity"], identity)
    model.load_state_dict(found["weights"])
    return found["state"]
