"""Readers of the published layouts, one each: from a folder to its images, or an empty list for another layout.

A reader returns all images of all splits; the caller selects.
"""

import csv
from pathlib import Path

from .files import Folder, Found, read_json, with_foreground
from .mvtec import NAMELESS, NORMAL, tree


def standard_tree(root: Folder) -> list[Found]:
    """The reference's standardised tree without its list: all anomalous images are in test/anomaly."""
    found = tree(root)
    folders = {one.image.parent.name for one in found if one.label}
    return found if folders == {"anomaly"} else []


def listed(root: Folder, file: str) -> list[Found]:
    """Images listed in the reference's meta_NAME.json or the meta.json of AnomalyCLIP and AdaCLIP, below root.

    Top-level keys may have any case; placeholders (empty img_path) are skipped; of an absolute path from another
    machine only the end that exists below root is used. A missing image is noted (`_note_missing`); a missing mask
    counts as none, since the lists of image-level sets name masks that do not exist.
    """
    path = root.file(file)
    if path is None:
        return []
    try:
        meta = {key.lower(): value for key, value in read_json(path).items()}
        rows = [
            (split, category, entry["img_path"], entry["mask_path"], entry["anomaly"], entry["specie_name"])
            for split in ("train", "test")
            for category, entries in meta.get(split, {}).items()
            for entry in entries
            if entry["img_path"]
        ]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a list of train and test images ({error!r}); download it again") from error
    found, missing = [], []
    for split, category, image_path, mask_path, anomaly, species in rows:
        image = _listed_file(root, image_path)
        if image is None:
            missing.append((category, image_path))
            continue
        defect = species if anomaly and species.lower() not in NAMELESS | NORMAL else ""
        mask = _listed_file(root, mask_path) if mask_path else None
        found.append(Found(image=image, category=category, split=split, label=int(anomaly), mask=mask, defect=defect))
    _note_missing(root, missing, found, path.name)
    return found


def _note_missing(root: Folder, missing: list[tuple[str, str]], found: list[Found], table: str) -> None:
    """Note each listed image that is missing, except of categories without any image: those are missing as a whole."""
    present = {one.category for one in found}
    root.notes.extend(
        f"missing image: {root.path / image}, listed in {table}" for category, image in missing if category in present
    )


def _listed_file(root: Folder, path: str) -> Path | None:
    """The file of a listed path below root, whole or its end; at least two parts, as 000.png alone is ambiguous."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    tails = ("/".join(parts[start:]) for start in range(max(1, len(parts) - 1)))
    return next((file for tail in tails if (file := root.file(tail))), None)


def pairs(root: Folder, *, images: tuple[str, ...], masks: tuple[str, ...]) -> list[Found]:
    """A folder of images, all anomalous, and one of masks; each is the first of the given names that exists."""
    pictures, truth = root.folder(*images), root.folder(*masks)
    if pictures is None or truth is None:
        return []
    return [Found(image=image, category=root.name, label=1, mask=truth.mask_of(image)) for image in pictures.images]


def yes_no(root: Folder) -> list[Found]:
    """no/ contains the normal images and yes/ the anomalous ones; other folders are ignored."""
    normal, anomalous = root.folder("no"), root.folder("yes")
    if normal is None or anomalous is None:
        return []
    both = ((0, normal), (1, anomalous))
    return [Found(image=image, category=root.name, label=label) for label, part in both for image in part.images]


def head_ct(root: Folder) -> list[Found]:
    """head_ct/NNN.png, nested once or twice, and labels.csv with the columns id and hemorrhage."""
    table, images = root.file("labels.csv"), root.folder("head_ct/head_ct", "head_ct")
    if table is None or images is None:
        return []
    by_id = {int(path.stem): path for path in images.images if path.stem.isdigit()}
    found = []
    for identity, hemorrhage in _rows(table, 2):
        image = by_id.get(int(identity))
        if image is None:
            root.notes.append(f"missing image: {images.path / identity.strip()}.png, listed in labels.csv")
            continue
        found.append(Found(image=image, category=root.name, label=int(hemorrhage)))
    return found


def visa(root: Folder) -> list[Found]:
    """CATEGORY/Data/Images/{Normal,Anomaly} with the authors' one-class split, split_csv/1cls.csv (`_note_missing`)."""
    table = root.file("split_csv/1cls.csv")
    if table is None:
        return []
    found, missing = [], []
    for category, split, label, image_path, mask_path in _rows(table, 5):
        image = root.file(image_path)
        if image is None:
            missing.append((category, image_path))
            continue
        mask = root.file(mask_path) if mask_path else None
        found.append(Found(image=image, category=category, split=split, label=int(label == "anomaly"), mask=mask))
    _note_missing(root, missing, found, "split_csv/1cls.csv")
    return found


def ksdd2(root: Folder) -> list[Found]:
    """{train,test}/NNNNN.png with the mask NNNNN_GT.png; defective if the mask has any non-zero pixel.

    Only names made of digits count: the archive contains copies ("10301 (copy).png", "10301_GT (copy).png").
    """
    rows = []
    for split in ("train", "test"):
        part = root.folder(split)
        if part:
            rows += [(split, image, part.mask_of(image)) for image in part.images if image.stem.isdigit()]
    if not any(mask for _, _, mask in rows):
        return []
    defective = with_foreground(mask for _, _, mask in rows if mask)
    root.notes.extend(f"missing mask: {image}, so its label is unknown" for _, image, mask in rows if mask is None)
    return [
        Found(
            image=image,
            category=root.name,
            split=split,
            label=None if mask is None else int(mask in defective),
            mask=mask,
        )
        for split, image, mask in rows
    ]


def rsdd(root: Folder) -> list[Found]:
    """Type-{I,II} RSDDs dataset/{Rail surface images,GroundTruth}/rail_N.jpg; every image is defective."""
    found = []
    for kind in ("Type-I", "Type-II"):
        part = root.folder(f"{kind} RSDDs dataset")
        images, masks = part and part.folder("Rail surface images"), part and part.folder("GroundTruth")
        if images and masks:
            for image in images.images:
                found.append(Found(image=image, category=root.name, label=1, mask=masks.mask_of(image), defect=kind))
    return found


def dagm(root: Folder) -> list[Found]:
    """ClassK/{Train,Test}/NNNN.PNG, anomalous if Label/NNNN_label.PNG exists; in the order of the file numbers."""
    found = []
    for category in root.folders.values():
        rows = []
        for split in ("Train", "Test"):
            part = category.folder(split)
            labels = part and part.folder("Label")
            for image in part.images if part else ():
                mask = labels.mask_of(image) if labels else None
                rows.append(
                    Found(
                        image=image, category=category.name, split=split.lower(), label=int(mask is not None), mask=mask
                    )
                )
        found += sorted(rows, key=lambda one: (one.image.stem, one.split))
    return found if any(one.label for one in found) else []


def colon_barcelona(root: Folder) -> list[Found]:
    """The 300 frames of the Barcelona page: N.bmp with the polyp in pN.bmp; sN.bmp and cN.bmp are other regions."""
    frames = [path for path in root.images if path.stem.isdigit()]
    masks = {path.stem.lower(): path for path in root.images}
    found = [Found(image=image, category=root.name, label=1, mask=masks.get(f"p{image.stem}")) for image in frames]
    return found if any(one.mask for one in found) else []


def _rows(table: Path, columns: int) -> list[list[str]]:
    """The rows of a CSV file below its header."""
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if row][1:]
    for row in rows:
        if len(row) != columns or "" in row[:2]:
            raise ValueError(f"{table}: the row {','.join(row)} does not have {columns} values; download it again")
    return rows
