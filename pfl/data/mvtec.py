"""The layout MVTec-AD made common.

CATEGORY/{train,test}/{good,DEFECT}/NAME.png with masks CATEGORY/ground_truth/DEFECT/NAME_mask.png.
"""

from pathlib import Path

from .files import Folder, Found
from .samples import Dataset, Sample, class_text

NORMAL = {"good", "ok", "normal"}
NAMELESS = {"anomaly", "bad", "ko", "defect", "defective"}  # folders that only say "not normal"


def tree(root: Folder) -> list[Found]:
    """All images of an MVTec-like tree, every split; root holds the categories, or is one itself.

    Any image format, any case, masks matched by stem with or without "_mask". Empty if root is no such tree.
    """
    within = {root.name: root} if _is_category(root) else root.folders
    return [found for category in within.values() if _is_category(category) for found in _category(category)]


def read(root: Path | str, *, name: str, split: str = "test") -> Dataset:
    """An MVTec-like folder as a Dataset; the prompt's words are the category folder's name.

    split is "train", "test" or "all". Raises FileNotFoundError where root is no such folder or the split is empty.
    """
    path = Path(root).expanduser().absolute()
    found = [one for one in tree(Folder(path)) if split in (one.split, "all")] if path.is_dir() else []
    if not found:
        raise FileNotFoundError(f"{root} holds no images CATEGORY/{split}/good/NAME: check the path and the split")
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
        for species in part.folders.values() if part else ():
            normal = species.name.lower() in NORMAL
            # One kind of defect: its masks may lie in ground_truth itself.
            masks = None if normal or truth is None else truth.folder(species.name) or truth
            for image in species.images:
                found.append(
                    Found(
                        image=image,
                        category=category.name,
                        split=split,
                        label=0 if normal else 1,
                        mask=masks and masks.mask_of(image),
                        defect="" if normal or species.name.lower() in NAMELESS else species.name,
                    )
                )
    return found
