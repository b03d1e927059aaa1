"""Sort the image files of a folder into images and masks, by the names of folders and files, and by what is in them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .. import formats, masking
from ..account import LeftOut, some
from ..files import cached
from ..formats import FORMAT_OF, LOSSY, Header, Unusable
from ..masking import Mask
from .matching import File, Index, is_union
from .places import Choice, Parts, Place, Places, alike, image_stems, without_mask_word
from .walking import Tree, walk

ANNOTATIONS = {
    ".json": (b'"shapes"', b'"annotations"', b'"images"', b'"licenses"', b'"regions"', b'"bbox"'),  # LabelMe, COCO, VIA
    ".xml": (b"<annotation",),  # Pascal VOC, CVAT
    ".csv": (b"EncodedPixels",),  # runs of pixels, as Kaggle has them
}
UNREAD = set(".heic .heif .eps .ps .psd .svg .dng .cr2 .cr3 .nef .arw .raw .tga .exr .hdr .dcm .nii .npy .mat".split())
SAMPLED = 300  # JPEG files that are decoded, at most, to see whether they are masks of files of the same name
SAY = "say what is meant with images=, masks= or normal= (on the command line --images, --masks, --normal-images)"


@dataclass
class Sorted:
    """Images and masks, matched to each other; and what is left out, noted, or contradictory."""

    tree: Tree
    choices: dict[str, Choice]
    places: Places
    images: list[File] = field(default_factory=list)
    masks: list[File] = field(default_factory=list)
    headers: dict[Parts, Header] = field(default_factory=dict)
    others: list[Parts] = field(default_factory=list)  # without the suffix of an image
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    claimed: set[Parts] = field(default_factory=set)  # images whose mask cannot be used
    _looks: dict[Parts, Mask] = field(default_factory=dict)

    def path(self, file: File) -> Path:
        return self.tree.path(file.parts)

    def place(self, parts: Parts) -> Place:
        """What the folder of a file says."""
        return self.places.of(parts[:-1])

    def some(self, files: Iterable[File]) -> str:
        return some(["/".join(file.parts) for file in files])

    def may_be_exact_mask(self, file: File) -> bool:
        """Whether a file's format loses nothing, and it is small enough for a mask: half a byte for each pixel."""
        header = self.headers[file.parts]
        small = self.path(file).stat().st_size < 500 + header.size[0] * header.size[1] / 2
        return header.format not in LOSSY and (small or header.format in ("BMP", "TIFF", "PPM"))  # not compressed

    def look(self, files: Iterable[File]) -> Callable[[File], Mask]:
        """Decode files as masks, unless that is done; gives the result of each."""
        new = [file for file in files if file.parts not in self._looks]
        results = cached("masks-2", [self.path(file) for file in new], lambda path: asdict(masking.examine(path)))
        self._looks |= {file.parts: Mask(**result) for file, result in zip(new, results, strict=True)}
        return lambda file: self._looks[file.parts]


def sort(root: Path, choices: dict[str, Choice]) -> Sorted:
    """Walk a folder, sort its files, and match masks to images."""
    tree = walk(root)
    found = Sorted(tree, choices, Places(root.name or "images", tree.folders, choices))
    by_name(found)
    leave_out_training(found)
    read_headers(found)
    if "masks" in choices and not choices["masks"].items and "images" not in choices:
        leave_out_masks(found)
    if "masks" not in choices:
        by_ending(found)
        by_twin(found)
    match(found)
    return found


def by_name(found: Sorted) -> None:
    """Sort by suffix, by the names of folders, and by what the options name."""
    images, masks = found.choices.get("images"), found.choices.get("masks")
    for parts in found.tree.files:
        place = found.place(parts)
        file = File(parts, place)
        if Path(parts[-1]).suffix.lower() not in FORMAT_OF:
            found.others.append(parts)
        elif place.mask or (masks and masks.file(parts)):
            found.masks.append(file)
        else:
            if images and not (place.image or images.file(parts)):
                file.out = f"not in {images}"
            found.images.append(file)
    for parts in found.others:
        found.tree.left_out.append(_not_an_image(found.tree.path(parts)))


def _not_an_image(path: Path) -> LeftOut:
    """Why a file without the suffix of an image is left out; files of boxes and polygons are called that."""
    suffix = path.suffix.lower()
    try:
        with open(path, "rb") as file:
            start = file.read(4096) if suffix in (*ANNOTATIONS, ".txt") else b""
    except OSError as error:
        return LeftOut(path, "unreadable", formats.reason(error))
    if any(word in start for word in ANNOTATIONS.get(suffix, ())):
        return LeftOut(path, "annotations, not masks", "boxes, polygons or runs; only masks are read as truth")
    if suffix == ".txt" and _is_yolo(start):
        return LeftOut(path, "annotations, not masks", "YOLO's boxes or polygons; only masks are read as truth")
    if suffix in UNREAD:
        return LeftOut(path, "of kinds that are not read", "save it as PNG or JPEG")
    return LeftOut(path, "not images")


def _is_yolo(start: bytes) -> bool:
    """Whether a text file is rows of a class and at least four numbers in [0, 1]."""
    words = start.splitlines()[0].split() if start.strip() else []
    try:
        return len(words) >= 5 and words[0].isdigit() and all(0 <= float(word) <= 1 for word in words[1:])
    except ValueError:
        return False


def leave_out_training(found: Sorted) -> None:
    """In MVTec-AD's layout, leave out all but the test images of each category that has some."""
    tested = {image.place.category for image in found.images if image.place.split == "test"}
    for image in found.images:
        if image.place.split in ("train", "val") and image.place.category in tested:
            image.out = "training images" if image.place.split == "train" else "validation images"


def leave_out_masks(found: Sorted) -> None:
    """If no masks are wanted, leave out what is called like a mask and looks like one: it is no image either."""
    called = [
        file
        for file in found.images
        if not file.out and any(without_mask_word(part) is not None for part in (*file.parts[:-1], file.stem))
    ]
    look = found.look(called)
    for file in called:
        if not (look(file).photograph or look(file).problem):
            file.out, file.detail = "masks that are not used", "name them with images= (--images) if they are images"


def read_headers(found: Sorted) -> None:
    """Mark the images that cannot be read as left out, and note those whose content is not what their suffix says."""
    differ = []
    for file in found.images:
        if file.out:
            continue
        try:
            header = formats.header(found.path(file))
        except Unusable as error:
            file.out, file.detail = error.why, error.detail
            continue
        found.headers[file.parts] = header
        if header.format != FORMAT_OF[Path(file.name).suffix.lower()]:
            differ.append(file)
    if differ:
        found.notes.append(f"read by content, not by suffix: {found.some(differ)}")


def by_ending(found: Sorted) -> None:
    """Files called like a mask (NAME_mask, mask_NAME, NAME_gt, ...) are masks, unless they are photographs."""
    stems = defaultdict(list)
    for file in found.images:
        stems[file.parts[:-1], alike(file.stem)].append(file)
    called = [file for file in found.images if not file.out and without_mask_word(file.stem) is not None]
    look, masks, doubtful = found.look(called), set(), []
    for file in called:
        beside = any((file.parts[:-1], stem) in stems for stem in image_stems(file.stem)[1:])
        if not look(file).photograph and (beside or not look(file).problem):
            masks.add(file.parts)
        elif beside:
            doubtful.append(file)
    if doubtful:
        found.problems.append(f"called like the mask of another image, but photographs: {found.some(doubtful)}; {SAY}")
    _move(found, masks)


def by_twin(found: Sorted) -> None:
    """Of two files of one folder that differ in their suffix, one may be the mask, as in the magnetic-tile set.

    Then it, and only it, looks like a mask and loses nothing in its format; and so in each such pair of the folder.
    """
    groups = defaultdict(list)
    for file in found.images:
        if not file.out:
            groups[file.parts[:-1], file.stem].append(file)
    twins = {where: files for where, files in groups.items() if len(files) > 1}
    exact = {where: [file for file in files if found.may_be_exact_mask(file)] for where, files in twins.items()}
    look = found.look(file for files in exact.values() for file in files)
    like = {
        where: [f for f in files if not look(f).photograph and not look(f).problem] for where, files in exact.items()
    }
    masks, unclear, kinds, jpegs = set(), [], defaultdict(set), []
    for where, files in twins.items():
        kinds[where[0]].add(bool(like[where]))
        if len(like[where]) == 1 and len(files) == 2:
            masks.add(like[where][0].parts)
        elif like[where]:
            unclear += files
        else:
            jpegs += [file for file in files if found.headers[file.parts].format in LOSSY]
    look = found.look(jpegs := jpegs[:SAMPLED])  # a JPEG of high contrast looks like a mask, too: nothing is assumed
    unclear += [file for file in jpegs if not look(file).photograph and not look(file).problem]
    unclear += [file for (folder, _), files in twins.items() if len(kinds[folder]) > 1 for file in files]
    if unclear:
        found.problems.append(f"images, or masks of each other? {found.some(dict.fromkeys(unclear))}; {SAY}")
    _move(found, masks)


def _move(found: Sorted, masks: set[Parts]) -> None:
    """Make images masks."""
    found.masks += [file for file in found.images if file.parts in masks]
    found.images = [file for file in found.images if file.parts not in masks]


def match(found: Sorted) -> None:
    """Match each mask to its image; what matches none, or several, is a problem."""
    look, index = found.look(found.masks), Index(found.images)
    bad = {file.parts for file in found.masks if look(file).problem}
    for file in found.masks:
        if file.parts in bad:
            found.problems.append(f"mask {found.some([file])} {look(file).problem}; if it is no mask, {SAY}")
    alone = _alone(found.images)
    by_folder = False
    open_ones = []
    for file in found.masks:
        images = index.find(file)
        if not images and without_mask_word(file.stem) == "":
            images = alone.get(file.parts[:-1], [])
        if not images and (images := index.find_by_folder(file)):
            by_folder = True
        if images:
            _join(found, file, images)
        else:
            open_ones.append(file)
    lost = []
    for file in open_ones:
        images = [] if by_folder else index.find_above(file)
        images = images or ("masks" in found.choices and index.find_anywhere(file)) or []
        _join(found, file, images) if images else lost.append(file)
    if lost:
        found.problems.append(
            f"masks that belong to no image: {found.some(lost)}; call each like its image, with or without _mask, "
            f"remove them, or {SAY}"
        )
    for image in found.images:
        if len(image.masks) > 1 and not is_union(image):
            found.problems.append(
                f"several masks claim the image {found.some([image])}: {found.some(image.masks)}; keep one, put all in "
                f"a folder called like the image, or {SAY}"
            )


def _join(found: Sorted, mask: File, images: list[File]) -> None:
    if len(images) > 1:
        found.problems.append(
            f"the mask {found.some([mask])} fits several images: {found.some(images)}; give masks the folders of their "
            f"images, or {SAY}"
        )
        return
    mask.image = images[0]
    images[0].masks.append(mask)


def _alone(images: list[File]) -> dict[Parts, list[File]]:
    """The images by folder, for a mask that is only called mask and stands beside its image."""
    folders = defaultdict(list)
    for image in images:
        folders[image.parts[:-1]].append(image)
    return folders
