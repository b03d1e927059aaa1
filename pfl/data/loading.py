"""Batches of a data set, the same for a seed however many workers read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import DataLoader

from . import transforms
from .samples import Dataset, Sample


@dataclass(frozen=True, kw_only=True)
class Batch:
    """images (b, 3, H, H) in [0, 1], not normalised; masks (b, H, H) float 0/1; labels (b,) long, -1 where unknown."""

    images: torch.Tensor
    masks: torch.Tensor
    labels: torch.Tensor
    class_names: list[str]
    samples: list[Sample]

    def __len__(self) -> int:
        return len(self.samples)

    def pin_memory(self) -> "Batch":
        """The same in memory from which copies to a GPU are fast; torch's loader calls it."""
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
) -> DataLoader:
    """An iterable of Batch at size x size pixels, with a length; every pass over it gives the same batches.

    seed fixes order, augmentation and mosaics; training passes (seed, stage, epoch) and so can resume at any epoch.
    share takes the part of this process out of the indices of a batch (`parallel.Share`); pin helps copies to a GPU.
    mosaic is the fraction of samples replaced by a 2x2 of four anomalous images of their category (method, section 5).
    """
    if not len(dataset):
        raise ValueError(f"{dataset.name} holds no samples: choose another split or other categories")
    seed = (seed,) if isinstance(seed, int) else tuple(seed)
    order = np.random.default_rng(seed).permutation(len(dataset)) if shuffle else np.arange(len(dataset))
    order = order.tolist()
    return DataLoader(
        _Items(dataset, size, seed, augment, mosaic),
        batch_sampler=[share(order[i : i + batch_size]) for i in range(0, len(order), batch_size)],
        num_workers=workers,
        pin_memory=pin,
        collate_fn=_collate,
        generator=torch.Generator(),  # torch draws a seed per pass; not from the global state
    )


class _Items(torch.utils.data.Dataset):
    def __init__(self, dataset, size, seed, augment, mosaic):
        self.samples, self.size, self.seed, self.augment, self.mosaic = dataset.samples, size, seed, augment, mosaic
        self.anomalies = {}
        for sample in dataset.samples:
            if sample.label == 1 and sample.mask is not None:
                self.anomalies.setdefault(sample.category, []).append(sample)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        # A generator of its own for each sample: who reads it, and when, cannot change what is drawn.
        rng = np.random.default_rng((*self.seed, 1, index))
        sample, label = self.samples[index], self.samples[index].label
        pool = self.anomalies.get(sample.category) if self.mosaic else None
        if pool and rng.random() < self.mosaic:
            chosen = [pool[i] for i in rng.choice(len(pool), 4, replace=len(pool) < 4)]
            # Tiles at the smaller half, then up to size: an odd side has no exact middle.
            image, mask = transforms.mosaic(*zip(*(self.read(one, self.size // 2) for one in chosen), strict=True))
            image, mask, label = _fit(image, self.size), _fit(mask, self.size), 1
        else:
            image, mask = self.read(sample, self.size)
        if self.augment:
            image, mask = transforms.augment(image, mask, rng)
        return image, mask, -1 if label is None else label, sample

    def read(self, sample, size):
        return transforms.image_tensor(transforms.read_image(sample.image), size), transforms.read_mask(sample, size)


def _fit(tensor, size):
    """Repeat the last row and column of a square (..., h, h) where size is one more than h."""
    if tensor.shape[-1] < size:
        tensor = torch.cat([tensor, tensor[..., -1:, :]], dim=-2)
        tensor = torch.cat([tensor, tensor[..., :, -1:]], dim=-1)
    return tensor


def _collate(items):
    images, masks, labels, samples = zip(*items, strict=True)
    return Batch(
        images=torch.stack(images),
        masks=torch.stack(masks).float(),
        labels=torch.tensor(labels),
        class_names=[sample.class_name for sample in samples],
        samples=list(samples),
    )
