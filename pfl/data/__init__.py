"""Data sets: the fifteen of the paper, two packaged ones, the workshop's, and folders of your own images."""

from pathlib import Path

from . import catalogue, copies, packaged
from .catalogue import SPECS
from .checking import Report, check, where
from .copies import require_complete
from .finding import find
from .loading import Batch, loader
from .own import BIT_DEPTHS, folder, survey
from .samples import Dataset, Sample, class_text
from .spec import Spec

__all__ = [
    "BIT_DEPTHS",
    "SPECS",
    "Batch",
    "Dataset",
    "Report",
    "Sample",
    "Spec",
    "check",
    "class_text",
    "find",
    "folder",
    "load",
    "loader",
    "require_complete",
    "survey",
    "where",
]


def load(name: str, root: Path | str | None = None, *, split: str | None = None, subset: str | None = None) -> Dataset:
    """Load a data set by name; its layout, original or the reference's standardised one, is detected.

    name is one of SPECS (root is the folder of your copy), "workshop" (synthetic, drawn on first use), "photographs"
    (pictures inside scikit-image with painted defects, made on first use), "elpv" or "textile" (packages, image level
    only). split is "test" (default), "train" or "all"; for the workshop "target" (default) or "auxiliary". subset is
    "paper", "whole", or another part named in the set's note (where(name)); the default is the paper's part if the copy
    contains it, and Dataset.part names the part loaded. A copy with other counts than published is loaded as it is, and
    Dataset.notes says what differs. Raises FileNotFoundError if the copy or files of it are missing, ValueError for an
    unknown name, split or part, and for a folder that is another set's by its name or counts.
    """
    if name == "workshop":
        from .. import workshop  # here, so that the package works without it

        return workshop.load(root, split=split or "target")
    if name in ("photographs", "elpv", "textile"):
        if split not in (None, "test", "all"):
            raise ValueError(f"{name} has no split {split!r}: all its images are test images")
        if name == "photographs":
            from .. import workshop

            return workshop.load(root, split=name)
        return getattr(packaged, name)()
    return copies.load_copy(catalogue.spec(name), root, split=split or "test", subset=subset)
