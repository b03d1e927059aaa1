"""Folders of your own images, with or without labels and masks; each file below them is accounted for."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .. import formats
from ..account import Account, LeftOut, shown, some
from ..files import cached
from ..samples import Dataset, Sample, class_text
from . import truth, unusable
from .places import Choice
from .roles import Sorted, sort

Names = str | Path | Sequence[str | Path]
BIT_DEPTHS = (8, 10, 12, 14, 16)


def folder(
    path: Path | str,
    *,
    class_name: str | None = None,
    images: Names | None = None,
    masks: Names | None = None,
    normal: Names | None = None,
    bit_depth: int | None = None,
    need_labels: bool = True,
) -> Dataset:
    """Load your own images; `Dataset.account` says what each file below the folder was taken for.

    Each file is an image, the mask of an image, or left out with a reason. The names of folders and files decide:

    - `good/` (or `ok/`, `normal/`): normal images; `defect/` (or `bad/`, `ng/`): anomalous ones, and `defect/TYPE/`
      names the defect. If only the first is there, the folders beside it contain anomalous images, and name the defect,
      but for `docs/`, `results/`, `backup/` and the like.
    - `masks/`, `ground_truth/`, `gt/`, `annotations/`, `labels/`, also `NAME_masks/`: masks, matched to images by the
      names of files and folders, with or without `_mask`. The files of a folder called like an image are together its
      mask (MVTec LOCO).
    - Beside an image, `NAME_mask.png`, `NAME_gt.png` and the like are its mask; so is `NAME.png` beside `NAME.jpg`, if
      it looks like one.
    - `images/` beside `masks/`: an image without a mask is normal. Everywhere else its label is unknown.
    - `[CATEGORY/]{train,test}/{good,DEFECT}` and `ground_truth/` (MVTec-AD): the test images. In other layouts train
      and test are both used.
    - Folders with any other name are a category each, labels unknown.

    In a mask black is the background; soft edges are cut at half, JPEG masks at 128. An empty mask makes its image
    normal. Boxes and polygons (COCO, YOLO, LabelMe) are not read: the labels stay unknown.

    Args:
        class_name: what the prompts call the object; default: the category's name, or the folder's.
        images, masks, normal: folders (names or relative paths) or patterns such as "*.png", where names do not tell:
            the only images; the only masks ("" for none: what is called and looks like one is left out); the normal
            images, whose neighbours are anomalous.
        bit_depth: of a camera that stores 10, 12 or 14 bits in files of 16; default: the fewest that hold all values.
        need_labels: False for scores alone: images that look like masks are then noted, and no error.

    Raises:
        FileNotFoundError: there is no folder, or no image in it.
        ValueError: the files contradict each other, or what they mean is unclear; the message names files and remedy.
    """
    data, account = survey(
        path, class_name, images=images, masks=masks, normal=normal, bit_depth=bit_depth, need_labels=need_labels
    )
    if account.problems:
        more = f" ({len(account.problems) - 1} more problems: see `pfl data check`)" * (len(account.problems) > 1)
        raise ValueError(f"{shown(account.root)}: {account.problems[0]}{more}")
    if not account.images:
        raise FileNotFoundError(f"{no_images(path)} ({account})")
    return data


def survey(
    path: Path | str,
    class_name: str | None = None,
    *,
    images: Names | None = None,
    masks: Names | None = None,
    normal: Names | None = None,
    bit_depth: int | None = None,
    need_labels: bool = True,
) -> tuple[Dataset, Account]:
    """What `folder` loads, also if there are problems."""
    if not isinstance(path, str | Path):
        raise ValueError(f"the folder is {path!r}; pass its path")
    if not str(path):
        raise ValueError("the name of the folder is empty; pass . for the current folder")
    root = Path(os.path.abspath(Path(path).expanduser()))
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(f"no folder {path}: it {what}; pass the folder of the images")
    if class_name is not None and not (isinstance(class_name, str) and class_name.strip()):
        raise ValueError(f"class_name is {class_name!r}; pass a word or two for what the images show, as 'metal plate'")
    given = {"images": images, "masks": masks, "normal": normal}
    choices = {name: made for name, value in given.items() if (made := Choice.of(name, value, root)) is not None}
    found = sort(root, choices)
    _check_choices(found)
    unusable.claim(found)
    labels = truth.decide(found, need_labels)
    white = _white(found, bit_depth)
    samples = []
    for image in found.images:
        if image.out:
            continue
        label, used = labels[image.parts], [found.path(mask) for mask in image.masks]
        samples.append(
            Sample(
                image=found.path(image),
                category=image.place.category,
                class_name=class_name or class_text(image.place.class_name).replace("_", " "),
                label=label,
                mask=used[0] if used and label else None,
                more_masks=tuple(used[1:]) if label else (),
                defect=image.place.defect,
                mask_threshold=None,
                white=white if found.headers[image.parts].deep else None,
            )
        )
    account = _account(found, _labels(samples))
    return Dataset(name=root.name, samples=tuple(samples), layout="folder", part="whole", account=account), account


def no_images(path: Path | str) -> str:
    return f"no images in {shown(path)} or its sub-folders; read are {', '.join(formats.SUFFIXES)}"


def _check_choices(found: Sorted) -> None:
    """Raise ValueError for an option that names nothing."""
    for name, choice in found.choices.items():
        for item in choice.items:
            one = Choice(name, (item,))
            if not any(one.folder(parts[:-1]) or one.file(parts) for parts in found.tree.files):
                folders = some(sorted("/".join(parts) for parts in found.tree.folders if parts), limit=5)
                raise ValueError(f"{name}={item} names no file of {shown(found.tree.root)}; its folders are {folders}")


def _white(found: Sorted, bit_depth: int | None) -> int | None:
    """The largest value of 16-bit images: of the given bit depth, or of the smallest that holds all their values."""
    if bit_depth is not None and bit_depth not in BIT_DEPTHS:
        raise ValueError(f"bit_depth is {bit_depth!r}; choose one of {', '.join(map(str, BIT_DEPTHS))}")
    deep = [image for image in found.images if not image.out and found.headers[image.parts].deep]
    if bit_depth is not None and not deep:
        raise ValueError(f"bit_depth={bit_depth} is for images of 16 bits; {shown(found.tree.root)} has none")
    if not deep:
        return None
    if bit_depth is None:
        largest = cached("largest", [found.path(image) for image in deep], _largest)
        for image, value in zip(deep, largest, strict=True):
            if isinstance(value, str):
                image.out, image.detail = "unreadable", value
        highest = max((value for value in largest if not isinstance(value, str)), default=0)
        bit_depth = next(depth for depth in BIT_DEPTHS if highest < 2**depth) if highest else 16
        found.notes.append(
            f"{len(deep)} images of 16 bits have values up to {highest}: read with {bit_depth} bits, so that "
            f"{2**bit_depth - 1} is white; --bit-depth says otherwise"
        )
    return 2**bit_depth - 1


def _largest(path: Path) -> int | str:
    try:
        return formats.largest_value(path)
    except OSError as error:
        return str(error)


def _labels(samples: Sequence[Sample]) -> tuple[str, ...]:
    """A line for each category: its normal, anomalous and unknown images, and its defects."""
    counts: dict[str, Counter] = {}
    for sample in samples:
        what = {0: "normal", 1: "anomalous", None: "of unknown label"}[sample.label]
        counts.setdefault(sample.category, Counter()).update([what] + [f"of {sample.defect}"] * bool(sample.defect))
    return tuple(
        f"{shown(category)}: " + ", ".join(f"{number} {shown(what)}" for what, number in counter.items())
        for category, counter in counts.items()
    )


def _account(found: Sorted, labels: tuple[str, ...]) -> Account:
    left_out = list(found.tree.left_out)
    left_out += [LeftOut(found.path(image), image.out, image.detail) for image in found.images if image.out]
    masks = []
    for mask in found.masks:
        if mask.image is None:
            left_out.append(LeftOut(found.path(mask), "masks without an image"))
        elif mask.image.out:
            left_out.append(LeftOut(found.path(mask), "masks of images left out"))
        else:
            masks.append((found.path(mask), found.path(mask.image)))
    return Account(
        root=found.tree.root,
        images=tuple(found.path(image) for image in found.images if not image.out),
        masks=tuple(masks),
        labels=labels,
        left_out=tuple(sorted(left_out, key=lambda one: (one.why, one.path))),
        notes=tuple(found.notes),
        problems=tuple(found.problems),
    )
