"""Batches of a data set; a seed gives the same batches with any number of workers.

A file that cannot be read stops a training; in prediction it becomes an `Unread`, and the run continues without it.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from . import augmentation, transforms
from .samples import Dataset, Sample


@dataclass(frozen=True)
class Unread:
    """A sample whose image or mask could not be read, and why, on one line."""

    sample: Sample
    error: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """images (b, 3, H, H) in [0, 1], not normalised; masks (b, H, H) float 0/1; labels (b,) long, -1 where unknown.

    pictures are the images (h, w, 3) uint8 with at most the pixels asked for; none, if none were asked for. unread are
    further samples of the batch, whose files could not be read; b may be 0.
    """

    images: torch.Tensor
    masks: torch.Tensor
    labels: torch.Tensor
    class_names: list[str]
    samples: list[Sample]
    pictures: tuple[np.ndarray, ...] = ()
    unread: tuple[Unread, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def pin_memory(self) -> "Batch":
        """The same batch in pinned memory, for fast copies to a GPU; called by torch's DataLoader."""
        return replace(self, images=self.images.pin_memory(), masks=self.masks.pin_memory())


def loader(
    dataset: Dataset,
    size: int,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int | Sequence[int] = 0,
    augment: bool = False,
    mosaic: float = 0.0,
    workers: int = 0,
    share: Callable[[list], list] = list,
    pin: bool = False,
    by_category: bool = False,
    pictures: int | None = None,
    unread: bool = False,
) -> DataLoader:
    """A DataLoader of Batch at size x size pixels; every pass over it gives the same batches.

    Where worker processes are not forked (Windows, macOS), a script that uses them must start its own work below
    `if __name__ == "__main__":`.

    seed fixes order, augmentation and mosaics; training passes (seed, stage, epoch), so it can resume at any epoch.
    share selects this process's part of a batch's indices (`parallel.Share`); pin uses pinned memory. mosaic is the
    fraction of samples replaced by a 2x2 mosaic of four anomalous images of their category (method, section 5).
    by_category: one category after the other, and no batch with images of two. pictures: longest side of
    `Batch.pictures`. unread: return files that cannot be read as `Batch.unread`; otherwise OSError names the first one.
    """
    if not len(dataset):
        raise ValueError(f"{dataset.name} has no samples: choose another split or other categories")
    seed = (seed,) if isinstance(seed, int) else tuple(seed)
    order = np.random.default_rng(seed).permutation(len(dataset)) if shuffle else np.arange(len(dataset))
    groups: dict[str, list[int]] = {}
    for i in order.tolist():
        groups.setdefault(dataset[i].category if by_category else "", []).append(i)
    return (DataLoader if unread else _Strict)(
        _Items(dataset, size, seed, augment, mosaic, pictures),
        batch_sampler=[share(g[i : i + batch_size]) for g in groups.values() for i in range(0, len(g), batch_size)],
        num_workers=workers,
        worker_init_fn=_one_thread,
        pin_memory=pin,
        collate_fn=_collate,
        generator=torch.Generator(),  # torch draws a seed per pass: not from the global generator
    )


def warn_unread(errors: Sequence[str], total: int) -> None:
    """Warn, on one line, that images are left out of a result."""
    if errors:
        more = f" and {len(errors) - 1} more" * (len(errors) > 1)
        warnings.warn(f"{len(errors)} of {total} images could not be read: {errors[0]}{more}", stacklevel=3)


class _Strict(DataLoader):
    """Raises the errors of files in the calling process, also those that a worker process met."""

    def __iter__(self) -> Any:
        for batch in super().__iter__():
            if batch.unread:
                raise OSError(batch.unread[0].error)
            yield batch


class _Items(torch.utils.data.Dataset):
    def __init__(self, dataset, size, seed, augment, mosaic, pictures):
        self.samples, self.size, self.seed, self.augment, self.mosaic = dataset.samples, size, seed, augment, mosaic
        self.pictures = pictures
        self.anomalies = {}
        for sample in dataset.samples:
            if sample.label == 1 and sample.mask is not None:
                self.anomalies.setdefault(sample.category, []).append(sample)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        try:
            return self.item(index)
        except Exception as error:  # of any type, such as a decoder's: it must reach the calling process as data
            sample, text = self.samples[index], " ".join(str(error).split("\n"))
            named = isinstance(error, OSError | ValueError) and str(sample.image.parent) in text
            return Unread(sample, text if named else f"cannot read {sample.image} ({type(error).__name__}: {text})")

    def item(self, index):
        # One generator per sample: neither the worker nor the order of reading changes what is drawn.
        rng = np.random.default_rng((*self.seed, 1, index))
        sample, label = self.samples[index], self.samples[index].label
        pool = self.anomalies.get(sample.category) if self.mosaic else None
        tiled = bool(pool) and rng.random() < self.mosaic
        if not (tiled or self.augment):
            image, mask = transforms.read_image(sample.image, sample.white), transforms.read_mask(sample, self.size)
            picture = np.asarray(transforms.bounded(image, self.pictures)) if self.pictures else None
            return transforms.image_tensor(image, self.size), mask, -1 if label is None else label, sample, picture
        if tiled:
            chosen = [pool[i] for i in rng.integers(len(pool), size=4)]  # with repeats, as in the reference
            image, mask = augmentation.mosaic(*zip(*map(self.pixels, chosen), strict=True))
            label = 1
        else:
            image, mask = self.pixels(sample)
        if self.augment:
            image, mask = augmentation.augment(image, mask, rng)
        image, mask = (
            transforms.image_tensor(Image.fromarray(image), self.size),
            transforms.mask_tensor(mask, self.size),
        )
        return image, mask, -1 if label is None else label, sample, None

    def pixels(self, sample):
        """The image (H, W, 3) uint8 and its mask (H, W) bool at the file's own size."""
        image, mask = np.asarray(transforms.read_image(sample.image, sample.white)), transforms.mask_pixels(sample)
        if mask is None:
            return image, np.zeros(image.shape[:2], bool)
        if mask.shape != image.shape[:2]:
            raise ValueError(
                f"{sample.mask} is {mask.shape[1]} x {mask.shape[0]} pixels and its image {sample.image} "
                f"{image.shape[1]} x {image.shape[0]}; augmentation needs them of the same size"
            )
        return image, mask


def _one_thread(worker):
    cv2.setNumThreads(0)  # one process for each core is enough; torch does the same by itself


def _collate(items):
    unread = tuple(item for item in items if isinstance(item, Unread))
    read = [item for item in items if not isinstance(item, Unread)]
    images, masks, labels, samples, pictures = zip(*read, strict=True) if read else [()] * 5
    return Batch(
        images=torch.stack(images) if images else torch.empty(0, 3, 0, 0),
        masks=torch.stack(masks).float() if masks else torch.empty(0, 0, 0),
        labels=torch.tensor(labels, dtype=torch.long),
        class_names=[sample.class_name for sample in samples],
        samples=list(samples),
        pictures=tuple(picture for picture in pictures if picture is not None),
        unread=unread,
    )
