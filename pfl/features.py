"""Frozen features of images, kept on disk: what one notebook has encoded, the next one only reads."""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .data.files import home

Key = tuple[Any, ...]  # anything that decides the features, the last two their dtype and device
Features = tuple[Tensor, list[Tensor]]  # of an image: x (D,) and L tensors of patch tokens (N, W)
CHECK = 64  # files that are written before the folder's size is measured again


class FeatureFolder:
    """A folder of frozen features in half precision, for `clip.memory`; several processes can share it.

    An entry is found by the image tower's weights, the layers, the precision and the pixels, so none can be out of
    date. Half precision rounds by at most 0.05 %. Once the folder is full, the oldest files are deleted.

    Args:
        path: default: `features` in `home()`. It can be deleted at any time.
        max_gb: of the folder, in 10^9 bytes; exceeded by at most 64 files and process.
    """

    def __init__(self, path: Path | str | None = None, *, max_gb: float = 4.0):
        self.path, self.max_bytes, self.written = Path(path or home() / "features"), int(max_gb * 1e9), 0
        self.path.mkdir(parents=True, exist_ok=True)
        self.bound()

    def get(self, key: Key) -> Features | None:
        """The features of an image, or None; a file that cannot be read counts as missing."""
        try:
            tensors = load(self._file(key).read_bytes())
        except (OSError, SafetensorError):
            return None
        *_, dtype, device = key
        x, patches = (tensors[name].to(device, dtype) for name in ("x", "patches"))
        return x, list(patches)

    def setdefault(self, key: Key, features: Features) -> Features:
        """Keep features that are missing, and return them as they will be read."""
        tensors = {"x": features[0].cpu(), "patches": torch.stack(features[1]).cpu()}
        largest = torch.finfo(torch.half).max
        halves = {name: t.half() if t.abs().max() < largest else t.contiguous() for name, t in tensors.items()}
        file = self._file(key)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(save(halves))
        os.replace(part, file)
        self.written += 1
        if self.written % CHECK == 0:
            self.bound()
        x, patches = (halves[name].to(features[0]) for name in ("x", "patches"))
        return x, list(patches)

    def bound(self) -> None:
        """Delete the oldest files of a folder that is too large, down to nine tenths of what it may have."""
        files = self._files()
        size = sum(stat.st_size for _, stat in files)
        if size > self.max_bytes:
            for path, stat in sorted(files, key=lambda file: file[1].st_mtime_ns):
                path.unlink(missing_ok=True)
                size -= stat.st_size
                if size <= 0.9 * self.max_bytes:
                    break

    def __len__(self) -> int:
        return len(self._files())

    def __repr__(self) -> str:
        size = sum(stat.st_size for _, stat in self._files())
        return (
            f"features of {len(self)} images, {size / 1e9:.1f} GB of at most {self.max_bytes / 1e9:.1f}, in {self.path}"
        )

    def _file(self, key: Key) -> Path:
        *facts, device = key
        kind = getattr(device, "type", device)  # cuda:0 and cuda:1 compute the same
        return self.path / f"{hashlib.sha256(repr((*facts, kind)).encode()).hexdigest()}.safetensors"

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for entry in os.scandir(self.path):
            try:
                found.append((Path(entry.path), entry.stat()))
            except FileNotFoundError:  # another process has just deleted it, or given it its name
                continue
        return found
