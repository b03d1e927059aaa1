"""The cost of the method: times of prediction and training as ratios to the frozen image encoder alone.

A ratio is taken within one round of measurements, so a machine that is busy for a while slows both sides; the median
over rounds is reported.
"""

import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .clip import FrozenCLIP
from .config import EvalConfig, TrainConfig
from .data.loading import Batch
from .distributions import draw_noise
from .model import BayesPFL
from .optimisation import optimizer_of, step_losses
from .parallel import reading
from .prediction import summarise

NAME = "bottle"  # one token, like most categories of MVTec-AD


class Operations(TorchDispatchMode):
    """Counts the operations that PyTorch dispatches within a `with`: most of the time of small work on a GPU.

    A view counts, too, although it starts no kernel; an operation that starts several counts once.

    Attributes:
        count: all operations.
        casts: those that copy a weight of the frozen CLIP into another precision.
    """

    def __init__(self, clip: FrozenCLIP):
        super().__init__()
        self.count = self.casts = 0
        self._frozen = {weight.untyped_storage().data_ptr() for weight in clip.parameters()}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        if func is torch.ops.aten._to_copy.default and args[0].untyped_storage().data_ptr() in self._frozen:
            self.casts += 1
        return func(*args, **(kwargs or {}))


def bench(
    model: BayesPFL,
    *,
    samples: tuple[int, ...] = (1, 5, 10, 20),
    batches: tuple[int, ...] = (1, 4),
    rounds: int = 5,
    precision: Literal["fp32", "bf16"] = "fp32",
) -> dict:
    """Time the encoder alone, predictions, and a training step of 4 images, on noise; weights do not matter.

    Args:
        samples: numbers R of samples, for predictions of one image.
        batches: numbers of images, for predictions with R = 10.
        rounds: measurements of each; medians are returned.
        precision: "fp32" or "bf16", for both sides of a ratio, and for the profile.

    Returns:
        a flat dict for JSON: predict_ratio (R = 10, one image) and train_ratio (four images) over the encoder's forward
        pass on as many images; seconds, ratios and operations (`Operations.count`) by name, and frozen_casts
        (`Operations.casts`), of all; profile, the seconds of each stage of a prediction; and peak_memory_mb, of the
        GPU, or of this whole process on a CPU.

    Raises:
        ValueError: the CLIP caches image features, so that its encoder would not run.
    """
    if model.clip.memory is not None:
        raise ValueError("a CLIP that caches image features cannot be timed; set clip.memory = None")
    model = model.in_precision(precision)
    device = model.clip.device
    images = {b: _noise(model, b) for b in {1, 4, *batches}}

    def encode(b: int) -> None:
        model.features(images[b])

    def predict(b: int, r: int) -> None:
        model.predict(images[b], NAME, num_samples=r, precision=precision)

    cases: dict[str, Callable[[], None]] = {f"encode b={b}": partial(encode, b) for b in images}
    cases |= {f"predict R={r} b=1": partial(predict, 1, r) for r in {*samples, 10}}
    cases |= {f"predict R=10 b={b}": partial(predict, b, 10) for b in batches}
    cases["train b=4"] = _training_step(model, images[4], precision)

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    times: dict[str, list[float]] = {name: [] for name in cases}
    for round in range(rounds + 1):
        for name, run in cases.items():
            seconds = _seconds(run, device)
            if round:  # the first is a warm-up
                times[name].append(seconds)
    operations, casts = {}, 0
    for name, run in cases.items():
        with Operations(model.clip) as counted:
            run()
        operations[name] = counted.count
        casts += counted.casts
    per_round = {name: np.array(values) for name, values in times.items()}
    ratio = {
        name: float(np.median(value / per_round[f"encode b={name.split('b=')[1]}"]))
        for name, value in per_round.items()
        if not name.startswith("encode")
    }
    return {
        "clip": model.clip.name,
        "image_size": model.clip.image_size,
        "prompts": model.config.num_prompts,
        "precision": precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": rounds,
        "predict_ratio": ratio["predict R=10 b=1"],
        "train_ratio": ratio["train b=4"],
        "ratios": ratio,
        "seconds": {name: float(np.median(value)) for name, value in per_round.items()},
        "operations": operations,
        "frozen_casts": casts,
        "profile": profile(model, images[1], rounds=rounds),
        "peak_memory_mb": _peak_memory(device),
    }


@torch.no_grad()
def profile(model: BayesPFL, image: Tensor, *, num_samples: int = 10, rounds: int = 5) -> dict[str, float]:
    """Seconds of each stage of predicting one image (1, 3, H, H), in order; medians over rounds."""
    noise = draw_noise(model.clip.dim, num_samples, torch.Generator().manual_seed(0))
    stages: dict[str, list[float]] = {}

    def stage(name: str, run: Callable[[], Any]) -> Any:
        kept: list[Any] = []
        stages.setdefault(name, []).append(_seconds(lambda: kept.append(run()), model.clip.device))
        return kept[0]

    def once() -> None:
        x, patches = stage("image encoder", lambda: model.features(image))
        context, states = stage("prompt flow", lambda: model.sample(x, noise))
        text = stage("text tower", lambda: model.text_embeddings(context, states, [NAME]))
        logits, maps = stage(
            "cross-modal attention", lambda: (model.image_logits(x, patches, text), model.map_logits(patches, text))
        )
        sizes = {"smoothing": EvalConfig.smoothing * model.clip.image_size, "top_fraction": EvalConfig.top_fraction}
        stage(
            "maps and summary",
            lambda: summarise(
                torch.sigmoid(logits[:, 1] - logits[:, 0]), model.sample_maps(maps[:, :, 1] - maps[:, :, 0]), **sizes
            ),
        )

    for _ in range(rounds + 1):
        once()
    return {name: float(np.median(values[1:])) for name, values in stages.items()}


def _training_step(model: BayesPFL, images: Tensor, precision: Literal["fp32", "bf16"]) -> Callable[[], None]:
    """A function that runs a training step on images (b, 3, H, H), every second one anomalous."""
    config = TrainConfig(precision=precision)
    masks = torch.zeros(len(images), *images.shape[-2:])
    masks[::2, : masks.shape[1] // 4, : masks.shape[2] // 4] = 1
    batch = Batch(
        images=images, masks=masks, labels=masks.amax((1, 2)).long(), class_names=[NAME] * len(images), samples=[]
    )
    optimizer, generator = optimizer_of(model, config), torch.Generator().manual_seed(0)
    for group in optimizer.param_groups:
        group["lr"] = 0.0  # the same work, without changing the model

    def step() -> None:
        parts = step_losses(model, batch, config, generator)
        sum(parts.values(), start=torch.zeros((), device=model.clip.device)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def image_seconds(model: BayesPFL, config: EvalConfig) -> float:
    """Seconds per image of predicting a batch with `config`; the faster of two runs."""
    images = _noise(model, reading(model.clip.device, config)["batch_size"])
    run = lambda: model.predict(images, NAME, num_samples=config.num_samples, precision=config.precision)  # noqa: E731
    return min(_seconds(run, model.clip.device) for _ in range(2)) / len(images)


def step_seconds(model: BayesPFL, config: TrainConfig) -> float:
    """Seconds of a training step with `config`; the faster of two runs."""
    run = _training_step(model, _noise(model, config.batch_size), config.precision)
    return min(_seconds(run, model.clip.device) for _ in range(2))


def _noise(model: BayesPFL, b: int) -> Tensor:
    """Noise images (b, 3, H, H) on the model's device."""
    side = model.clip.image_size
    return torch.rand(b, 3, side, side, generator=torch.Generator().manual_seed(0)).to(model.clip.device)


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - start


def _peak_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if platform.system() == "Darwin" else 2**10)


def _processor() -> str:
    try:
        lines = open("/proc/cpuinfo").read().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
