"""Parts of a training step: the losses of a batch, the optimizer's parameter groups, the learning-rate schedule."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from . import losses
from .config import TrainConfig
from .data.loading import Batch
from .distributions import draw_noise
from .model import BayesPFL
from .parallel import Share
from .words import known_words

HEAD = ("class_mapping", "image_mapping", "fusion")  # what stage 2 trains


def optimizer_of(model: BayesPFL, config: TrainConfig) -> torch.optim.Adam:
    """Return Adam with the published parameter groups of the model's current stage; `peak` is its highest rate."""
    groups: dict[str, dict[str, Any]] = {
        "prompts": {"params": [], "peak": config.lr_prompts},
        "flow": {"params": [], "peak": config.lr_flow},  # outside the inference networks
        "temperature": {"params": [], "peak": config.lr_temperature},
        "projection": {"params": [], "peak": config.lr_projection if model.stage == 1 else config.lr_stage2},
    }
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        if model.stage == 2 and part not in HEAD or model.stage == 1 and part in ("image_mapping", "fusion"):
            continue  # not trained in this stage
        elif part == "prompts":
            group = "prompts"
        elif part in ("isd", "iad") and ".inference." not in name:
            group = "flow"
        elif part.startswith("temperature"):
            group = "temperature"
        else:
            group = "projection"
        groups[group]["params"].append(parameter)
    return torch.optim.Adam(
        [group | {"lr": group["peak"]} for group in groups.values() if group["params"]], betas=config.betas
    )


def schedule(step: int, steps: int, warmup: float) -> float:
    """Fraction of the highest learning rate at a step of stage 1: linear warm-up, then a cosine, 0 at `steps`.

    Step k = 0, 1, ... of the warm-up has (k + 1) / the number of its steps.
    """
    warmup_steps = max(1, int(warmup * steps))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, steps - warmup_steps)))


def step_losses(
    model: BayesPFL,
    batch: Batch,
    config: TrainConfig,
    generator: torch.Generator,
    share: Share = Share(),  # noqa: B008, it is immutable
    total: int | None = None,
) -> dict[str, Tensor]:
    """Return the losses of one step in the model's current stage, with one sample and one random prompt of the bank.

    Args:
        generator: draws the replaced class names, the noise and the prompt index.
        share, total: which part of a batch of `total` images this is; the losses are those of the whole batch.
    """
    model = model.in_precision(config.precision)
    device, class_names, total = model.clip.device, list(batch.class_names), total or len(batch)
    for i in torch.nonzero(torch.rand(total, generator=generator) < config.name_dropout).flatten().tolist():
        word = known_words()[int(torch.randint(len(known_words()), (), generator=generator))]
        if i % share.world == share.rank:
            class_names[i // share.world] = word
    masks, labels = batch.masks.to(device, non_blocking=True).float(), batch.labels.to(device, non_blocking=True)
    noise = draw_noise(model.clip.dim, 1, generator, batch=total)
    noise = replace(noise, context=torch.stack(share.of_batch(list(noise.context))))
    index = int(torch.randint(model.config.num_prompts, (), generator=generator))
    labels = share.gather(labels, total)
    x, patches = model.features(batch.images)
    if model.stage == 2:  # the prompts are fixed
        with torch.no_grad():
            text = model.text_embeddings(*model.sample(x, noise), class_names)
        logits = model.image_logits(x, patches, text[..., index : index + 1, :])
        logits = share.gather(_at_least_float32(logits), total)
        return {"class": losses.classification(logits[:, :, 0, 0], labels)}
    output = model(x, patches, class_names, noise)
    output = replace(  # losses in full precision, and of the whole batch
        output,
        context=output.context if output.context.is_point else share.gather(output.context, total),
        states=output.states if share.rank == 0 else output.states.detach(),  # the same in all processes: counted once
        text=share.gather(_at_least_float32(output.text), total),
        image_logits=share.gather(_at_least_float32(output.image_logits), total),
        map_logits=share.gather(_at_least_float32(output.map_logits), total),
    )
    return losses.stage1(
        output,
        share.gather(masks, total),
        labels,
        index,
        kl_kind=config.kl,
        kl_weight=config.kl_weight,
        orthogonal=config.orthogonal,
    )


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Step(torch.nn.Module):
    """`step_losses` as a module, which Accelerate can run in several processes."""

    def __init__(self, model: BayesPFL):
        super().__init__()
        self.model = model

    def forward(self, *args) -> dict[str, Tensor]:
        return step_losses(self.model, *args)
