"""Several processes, on one machine or many: a batch is shared out, and its losses are those of the whole batch.

Hugging Face Accelerate does the work; start with `torchrun --nproc-per-node 4 -m pfl train ...`, or, in a notebook,
with `accelerate.notebook_launcher`. Focal and Dice loss are of a batch at once, so a mean of the processes' losses
would be another loss: the outputs are gathered instead, and each process sends gradients through its own part.
"""

import os
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import gather_object


def accelerator(device: str = "cpu") -> Accelerator | None:
    """An engine that spans the processes that torchrun started, or None in a process that was started by itself.

    Args:
        device: "cpu" keeps it from the GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return None
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # each stage has its own parameters
    return Accelerator(cpu=device == "cpu", kwargs_handlers=[unused])


@dataclass(frozen=True)
class Share:
    """The part of a process: of a batch, or any list, every `world`-th item from item `rank` on."""

    rank: int = 0
    world: int = 1

    @classmethod
    def of(cls, engine: Accelerator | None) -> "Share":
        return cls(engine.process_index, engine.num_processes) if engine else cls()

    def of_batch(self, indices: list) -> list:
        """As `of_list`, but never empty: a process left over takes the first item, which `gather` drops again."""
        return self.of_list(indices) or indices[:1]

    def of_list(self, items):
        return items[self.rank :: self.world]

    def gather(self, part: Any, total: int) -> Any:
        """The batch of all processes, in order, from their parts: of tensors (b, ...), or in dataclasses of them.

        Gradients flow to this process's own part only.

        Args:
            total: images in the whole batch.
        """
        if self.world == 1:
            return part
        if is_dataclass(part):
            values = {f.name: getattr(part, f.name) for f in fields(part)}
            return replace(part, **{k: self.gather(v, total) for k, v in values.items() if not isinstance(v, bool)})
        most = -(-total // self.world)
        padded = torch.cat([part, part[:1].expand(most - len(part), *part.shape[1:])]).contiguous()
        parts = [torch.empty_like(padded) for _ in range(self.world)]
        torch.distributed.all_gather(parts, padded.detach())
        parts[self.rank] = padded
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]  # item i * world + rank


def gather_objects(engine: Accelerator | None, item: Any) -> list:
    """The items of all processes, in the order of their ranks."""
    return gather_object([item]) if engine else [item]
