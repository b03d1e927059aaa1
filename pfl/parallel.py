"""Distributed training on one machine or many: processes split each batch, and losses cover all of it.

It is built on Hugging Face Accelerate. Start it with `torchrun --nproc-per-node 4 -m pfl train ...`, or, in a notebook,
with `accelerate.notebook_launcher`. Focal and Dice loss are defined over a batch, so the mean of the processes' losses
would be a different loss. Instead, outputs are gathered, and each process backpropagates through its own part.
"""

import os
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import gather_object

from .config import EvalConfig, TrainConfig


def accelerator(device: str = "cpu") -> Accelerator | None:
    """Return an Accelerator over the processes that torchrun started, or None if there is only one process.

    Args:
        device: "cpu" uses no GPU.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return None
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # each stage trains its own parameters
    return Accelerator(cpu=device == "cpu", kwargs_handlers=[unused])


def check_device(name: str) -> str:
    """Return the name of a device that this machine has. Raises ValueError for any other."""
    kind, _, index = name.partition(":")
    found = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count() if hasattr(torch, "xpu") else 0,
    }
    if kind not in found or not (index.isdecimal() or name == kind):
        raise ValueError(f"{name} is not a device; use cpu, cuda, cuda:1 for the second GPU, or mps")
    if int(index or 0) >= found[kind]:
        raise ValueError(f"{name}: PyTorch finds {found[kind]} {kind} devices here; leave device out to use the CPU")
    return name


def reading(device: torch.device, config: TrainConfig | EvalConfig) -> dict[str, Any]:
    """Arguments of `data.loader` for images that go to a device: batch_size, workers, and pinned memory for a GPU.

    Where `config` leaves workers open, the processes on this machine share its cores to read for their GPUs; on a CPU,
    which is busy computing, there are none.
    """
    gpu, workers = device.type == "cuda", config.workers
    if workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if gpu else 0
    return {"batch_size": config.batch_size or (32 if gpu else 8), "workers": workers, "pin": gpu}


@dataclass(frozen=True)
class Share:
    """The part of a batch or list that a process takes: every `world`-th item, starting at item `rank`."""

    rank: int = 0
    world: int = 1

    @classmethod
    def of(cls, engine: Accelerator | None) -> "Share":
        return cls(engine.process_index, engine.num_processes) if engine else cls()

    def of_batch(self, indices: list) -> list:
        """As `of_list`, but never empty: a process without items takes the first one, which `gather` drops again."""
        return self.of_list(indices) or indices[:1]

    def of_list(self, items):
        return items[self.rank :: self.world]

    def gather(self, part: Any, total: int) -> Any:
        """Gather the parts of all processes into the whole batch, in order: tensors (b, ...), or dataclasses of them.

        Gradients flow only to this process's own part.

        Args:
            total: images in the whole batch.
        """
        if self.world == 1:
            return part
        if is_dataclass(part) and not isinstance(part, type):
            values = {f.name: getattr(part, f.name) for f in fields(part)}
            return replace(part, **{k: self.gather(v, total) for k, v in values.items() if not isinstance(v, bool)})
        most = -(-total // self.world)
        padded = torch.cat([part, part[:1].expand(most - len(part), *part.shape[1:])]).contiguous()
        parts = [torch.empty_like(padded) for _ in range(self.world)]
        torch.distributed.all_gather(parts, padded.detach())
        parts[self.rank] = padded
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]  # item i * world + rank


def gather_objects(engine: Accelerator | None, item: Any) -> list:
    """Return the items of all processes, in the order of their ranks."""
    return gather_object([item]) if engine else [item]
