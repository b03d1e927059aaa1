"""A data set: a named tuple of samples, each an image with its metadata."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from .account import Account, LeftOut

# The reference's words in prompts for some category folders; every other name is used in lower case.
CLASS_TEXT = {
    "macaroni1": "macaroni",
    "macaroni2": "macaroni",
    "pcb1": "printed circuit board",
    "pcb2": "printed circuit board",
    "pcb3": "printed circuit board",
    "pcb4": "printed circuit board",
    "pipe_fryum": "pipe fryum",
    "chewinggum": "chewing gum",
    "metal_nut": "metal nut",
}


def class_text(category: str) -> str:
    """The words used in prompts for a category's folder name (method, section 2)."""
    return CLASS_TEXT.get(category.lower(), category.lower())


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image and its metadata.

    label is 0 (normal), 1 (anomalous) or None (unknown). The mask's foreground is grey > mask_threshold, of 255;
    mask_threshold is 0 if the file stores class ids, and None in own folders, where the file's values decide
    (`masking`). A normal image has no mask: all of it is background. more_masks are further files, whose union with
    mask is the mask. white is the value of a 16-bit image that is shown as white; None: 65535.
    """

    image: Path
    category: str
    class_name: str
    label: int | None
    mask: Path | None = None
    defect: str = ""
    mask_threshold: int | None = 128
    more_masks: tuple[Path, ...] = ()
    white: int | None = None

    @property
    def masks(self) -> tuple[Path, ...]:
        return (self.mask, *self.more_masks) if self.mask else ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Samples in a fixed order.

    layout and part say in which layout a published set was found and which part of it this is; notes, a line each, what
    the copy lacks or has otherwise. A complete copy, and any set without published counts, has no notes. account, of an
    own folder, says what each of its files was taken for.
    """

    name: str
    samples: tuple[Sample, ...]
    layout: str = ""
    part: str = ""
    notes: tuple[str, ...] = ()
    account: Account | None = None

    def __post_init__(self):
        object.__setattr__(self, "samples", tuple(self.samples))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    @property
    def unreadable(self) -> tuple[LeftOut, ...]:
        """Of an own folder, what was left out because it cannot be read."""
        return self.account.unreadable if self.account else ()

    @cached_property
    def level(self) -> frozenset[str]:
        """Levels of metrics: "image" if both labels occur, "pixel" if there are anomalous images and all have masks."""
        anomalies = [sample for sample in self.samples if sample.label == 1]
        levels = set()
        if anomalies and any(sample.label == 0 for sample in self.samples):
            levels.add("image")
        if anomalies and all(sample.mask for sample in anomalies):
            levels.add("pixel")
        return frozenset(levels)

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories in order of appearance."""
        return tuple(dict.fromkeys(sample.category for sample in self.samples))

    def subset(
        self, *, categories: Iterable[str] | None = None, keep: Callable[[Sample], bool] | None = None
    ) -> "Dataset":
        """The samples of the given categories (default: all) for which keep(sample) is true, in the same order."""
        samples = self.samples
        if categories is not None:
            wanted = {categories} if isinstance(categories, str) else set(categories)
            if unknown := wanted - set(self.categories):
                raise ValueError(f"{self.name} has no category {sorted(unknown)}; it has {list(self.categories)}")
            samples = tuple(sample for sample in samples if sample.category in wanted)
        if keep is not None:
            samples = tuple(sample for sample in samples if keep(sample))
        return replace(self, samples=samples)

    def fingerprint(self) -> str:
        """SHA-256 of every sample's metadata and file contents, in order; it does not depend on the files' location.

        Files are read once, on the first call; later changes to them are not noticed. A file that is gone or may not be
        read counts as such.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for sample in self.samples:
            facts = (sample.category, sample.class_name, sample.label, sample.defect, sample.mask_threshold)
            digest.update(repr((*facts, sample.white) if sample.white else facts).encode())
            for path in (sample.image, sample.mask, *sample.more_masks):
                digest.update(_digest(path))
        return digest.hexdigest()


def _digest(path: Path | None) -> bytes:
    if path is None:
        return b"-"
    try:
        return hashlib.sha256(path.read_bytes() if path.is_file() else b"unreadable").digest()  # a pipe would wait
    except OSError:
        return hashlib.sha256(b"unreadable").digest()
