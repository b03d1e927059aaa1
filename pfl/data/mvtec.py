"""The folder layout of MVTec-AD.

CATEGORY/{train,test}/{good,DEFECT}/NAME.png with masks CATEGORY/ground_truth/DEFECT/NAME_mask.png.
"""

from pathlib import Path

from .files import Folder, Found
from .samples import Dataset, Sample, class_text

NORMAL = {"good", "ok", "normal"}
NAMELESS = {"anomaly", "bad", "ko", "defect", "defective"}  # names that give no defect type


def tree(root: Folder) -> list[Found]:
    """All images of all splits of an MVTec-like tree; root contains the categories, or is one itself.

    Any image format and case; masks are matched by stem, with or without "_mask". Empty if root is not such a tree.
    """
    within = {root.name: root} if _is_category(root) else root.folders
    return [found for category in within.values() if _is_category(category) for found in _category(category)]


def read(root: Path | str, *, name: str, split: str = "test") -> Dataset:
    """Load an MVTec-like folder; prompts use the names of the category folders.

    split is "train", "test" or "all". Raises FileNotFoundError if root is not such a folder or the split is empty.
    """
    path = Path(root).expanduser().absolute()
    found = [one for one in tree(Folder(path)) if split in (one.split, "all")] if path.is_dir() else []
    if not found:
        raise FileNotFoundError(f"{root} has no images CATEGORY/{split}/good/NAME: check the path and the split")
    samples = (
        Sample(
            image=one.image,
            category=one.category,
            class_name=class_text(one.category),
            label=one.label,
            mask=one.mask,
            defect=one.defect,
        )
        for one in found
    )
    return Dataset(name=name, samples=tuple(samples), layout="mvtec", part="whole")


def _is_category(folder: Folder) -> bool:
    return "test" in folder._lower or "train" in folder._lower


def _category(category: Folder) -> list[Found]:
    found = []
    truth = category.folder("ground_truth")
    for split in ("train", "test"):
        part = category.folder(split)
        for group in part.folders.values() if part else ():
            normal = group.name.lower() in NORMAL
            # With one defect type the masks may be in ground_truth itself.
            masks = None if normal or truth is None else truth.folder(group.name) or truth
            for image in group.images:
                found.append(
                    Found(
                        image=image,
                        category=category.name,
                        split=split,
                        label=0 if normal else 1,
                        mask=masks.mask_of(image) if masks else None,
                        defect="" if normal or group.name.lower() in NAMELESS else group.name,
                    )
                )
    return found
