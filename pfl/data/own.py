"""Folders of your own images, with or without labels and masks."""

import os
from pathlib import Path

from .files import Folder, Found, with_foreground
from .mvtec import NAMELESS, NORMAL, tree
from .samples import Dataset, Sample, class_text

MASK_FOLDERS = ("masks", "mask", "ground_truth", "labels")
IMAGE_FOLDERS = ("images", "image", "imgs")


def folder(path: Path | str, *, class_name: str | None = None) -> Dataset:
    """Load your own images; class_name is what the prompts call the object, by default the folder's name.

    The layout is detected:

    - only images: labels unknown;
    - `good/` (or `ok/`, `normal/`) and other sub-folders: the others contain anomalous images, and name the defect;
    - sub-folders with any other names: each is a category, labels unknown;
    - `[CATEGORY/]{train,test}/...` and `ground_truth/`: MVTec's layout, its test images;
    - `images/` and `masks/`: an image without a mask, or with an empty one, is normal.

    Images next to these folders are included, labels unknown.

    In the first two layouts a mask is `NAME_mask.png` next to the image, or is under `masks/` or `ground_truth/`. Every
    pixel of a mask that is not black is defective; JPEG masks, never quite black, are thresholded at 128. Raises
    FileNotFoundError if there are no images, ValueError if no mask matches an image.
    """
    root = Folder(Path(os.path.abspath(Path(path).expanduser())))
    if not root.path.is_dir():
        raise FileNotFoundError(f"no folder {path}: pass the folder of the images")
    found = _images(root)
    if not found:
        raise FileNotFoundError(
            f"no images in {path} or its sub-folders: the formats read are png, jpg, bmp, tif and webp"
        )
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


def _images(root: Folder) -> list[Found]:
    """All images of the folder, by the first layout that fits."""
    if found := [one for one in tree(root) if one.split == "test"]:
        return found
    images, masks = root.folder(*IMAGE_FOLDERS), root.folder(*MASK_FOLDERS)
    if images and masks:
        return _unlabelled(root, root.name, None) + _pairs(root.name, images, masks)
    groups = {n: f for n, f in root.folders.items() if n.lower() not in MASK_FOLDERS and f.images}
    others = _unlabelled(root, root.name, masks)
    if any(name.lower() in NORMAL for name in groups):
        return others + [one for group in groups.values() for one in _labelled(root.name, group, masks)]
    named = {n: root.name if f is images else n for n, f in groups.items()}
    return others + [one for n, f in groups.items() for one in _unlabelled(f, named[n], masks)]


def _pairs(category: str, images: Folder, masks: Folder) -> list[Found]:
    """Images with their masks; without foreground in its mask an image is normal."""
    matched = {image: masks.mask_of(image) for image in images.images}
    if matched and masks.images and not any(matched.values()):  # otherwise all images would count as normal
        raise ValueError(
            f"no mask in {masks.path} matches an image, for example {masks.images[0].name}; name each mask like its"
            f" image, with or without _mask, for example {images.images[0].stem}_mask.png"
        )
    by_threshold: dict[int, list[Path]] = {0: [], 128: []}
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
        for image in _without_masks(group)
    ]


def _unlabelled(group: Folder, category: str, masks: Folder | None) -> list[Found]:
    """Images of a folder that implies no label; an image with a mask is anomalous."""
    found = [(image, _mask(image, group, masks)) for image in _without_masks(group)]
    return [
        Found(image=image, category=category, label=None if mask is None else 1, mask=mask) for image, mask in found
    ]


def _without_masks(group: Folder) -> list[Path]:
    """The images of a folder that are not the mask of another image."""
    stems = {path.stem.lower() for path in group.images}
    return [p for p in group.images if p.stem.lower().removesuffix("_mask") not in stems - {p.stem.lower()}]


def _mask(image: Path, group: Folder, masks: Folder | None) -> Path | None:
    neighbour = group.mask_of(image)
    if neighbour is not None and neighbour.stem.lower().endswith("_mask"):
        return neighbour
    return (masks.folder(group.name) or masks).mask_of(image) if masks else None
