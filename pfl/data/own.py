"""A folder of one's own images, with or without labels, with or without masks."""

import os
from pathlib import Path

from .files import Folder, Found, with_foreground
from .mvtec import NAMELESS, NORMAL, tree
from .samples import Dataset, Sample, class_text

MASK_FOLDERS = ("masks", "mask", "ground_truth", "labels")
IMAGE_FOLDERS = ("images", "image", "imgs")


def folder(path: Path | str, *, class_name: str | None = None) -> Dataset:
    """One's own images as a Dataset; class_name is what the prompts call the object, by default the folder's name.

    What the folder holds is found by looking:

    - images and no more: labels unknown;
    - `good/` (or `ok/`, `normal/`) beside other sub-folders: those others hold anomalies, and name the defect;
    - sub-folders of any other names: each is a category, labels unknown;
    - `[CATEGORY/]{train,test}/...` and `ground_truth/`: MVTec's layout, its test images;
    - `images/` and `masks/`: an image without a mask, or with an empty one, is normal.

    Pictures that lie beside these folders are kept, labels unknown.

    In the first two a mask is `NAME_mask.png` beside the image, or lies under `masks/` or `ground_truth/`. In a mask
    whatever is not black is defect; JPEG masks, never quite black, are cut at half. Raises FileNotFoundError if
    there is no image, ValueError if no mask is of any image.
    """
    root = Folder(Path(os.path.abspath(Path(path).expanduser())))
    if not root.path.is_dir():
        raise FileNotFoundError(f"no folder {path}: give the folder that holds the images")
    found = _look(root)
    if not found:
        raise FileNotFoundError(f"no images in {path} or its sub-folders: png, jpg, bmp, tif and webp are read")
    samples = []
    for one in found:
        samples.append(
            Sample(
                image=one.image,
                category=one.category,
                class_name=class_name or class_text(one.category).replace("_", " "),
                label=one.label,
                mask=one.mask,
                defect=one.defect,
                mask_threshold=_threshold(one.mask) if one.mask else 128,
            )
        )
    return Dataset(name=root.name, samples=tuple(samples), layout="folder", part="whole")


def _look(root: Folder) -> list[Found]:
    if found := [one for one in tree(root) if one.split == "test"]:
        return found
    images, masks = root.folder(*IMAGE_FOLDERS), root.folder(*MASK_FOLDERS)
    if images and masks:
        return _unlabelled(root, root.name, None) + _pairs(root.name, images, masks)
    groups = {n: f for n, f in root.folders.items() if n.lower() not in MASK_FOLDERS and f.images}
    loose = _unlabelled(root, root.name, masks)
    if any(name.lower() in NORMAL for name in groups):
        return loose + [one for group in groups.values() for one in _labelled(root.name, group, masks)]
    named = {n: root.name if f is images else n for n, f in groups.items()}
    return loose + [one for n, f in groups.items() for one in _unlabelled(f, named[n], masks)]


def _pairs(category: str, images: Folder, masks: Folder) -> list[Found]:
    matched = {image: masks.mask_of(image) for image in images.images}
    if matched and masks.images and not any(matched.values()):  # else all would pass for normal
        raise ValueError(
            f"no mask in {masks.path} is named as an image, such as {masks.images[0].name}; "
            f"name the masks as the images are, with or without _mask: {images.images[0].stem}_mask.png"
        )
    by_threshold = {0: [], 128: []}
    for mask in filter(None, matched.values()):
        by_threshold[_threshold(mask)].append(mask)
    defective = set().union(*(with_foreground(group, threshold) for threshold, group in by_threshold.items()))
    return [
        Found(image=image, category=category, label=int(mask in defective), mask=mask if mask in defective else None)
        for image, mask in matched.items()
    ]


def _threshold(mask: Path) -> int:
    return 128 if mask.suffix.lower() in (".jpg", ".jpeg") else 0


def _labelled(category: str, group: Folder, masks: Folder | None) -> list[Found]:
    normal = group.name.lower() in NORMAL
    return [
        Found(
            image=image,
            category=category,
            label=0 if normal else 1,
            mask=None if normal else _mask(image, group, masks),
            defect="" if normal or group.name.lower() in NAMELESS else group.name,
        )
        for image in _pictures(group)
    ]


def _unlabelled(group: Folder, category: str, masks: Folder | None) -> list[Found]:
    """No folder says what is normal; only a mask can."""
    found = [(image, _mask(image, group, masks)) for image in _pictures(group)]
    return [
        Found(image=image, category=category, label=None if mask is None else 1, mask=mask) for image, mask in found
    ]


def _pictures(group: Folder) -> list[Path]:
    """The images of a folder that are not the mask of another."""
    stems = {path.stem.lower() for path in group.images}
    return [p for p in group.images if p.stem.lower().removesuffix("_mask") not in stems - {p.stem.lower()}]


def _mask(image: Path, group: Folder, masks: Folder | None) -> Path | None:
    beside = group.mask_of(image)
    if beside is not None and beside.stem.lower().endswith("_mask"):
        return beside
    return (masks.folder(group.name) or masks).mask_of(image) if masks else None
