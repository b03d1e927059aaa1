"""What the names of folders and files say: masks, normal images, defects, categories, and parts such as train and test.

Names are compared without case, spaces, hyphens and underscores.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ..mvtec import NAMELESS, NORMAL

Parts = tuple[str, ...]  # a path relative to the folder, as its components

NORMAL_NAMES = NORMAL | set("normals okay nondefective defectfree anomalyfree nodefect nodefects pass passed".split())
ANOMALOUS_NAMES = NAMELESS | set("anomalies anomalous abnormal defects faulty nok ng notok fail failed".split())
UNKNOWN_NAMES = {"unlabelled", "unlabeled", "unknown", "unsorted"}
NO_DEFECTS = set("doc docs documentation result results output outputs predictions heatmaps backup backups".split())
NO_DEFECTS |= set("thumbnails thumbs new newimages todo".split())
IMAGE_NAMES = {"images", "image", "imgs", "img", "jpegimages"}
NO_CATEGORY = {"data", "dataset"}  # folders that only hold others, as in VisA
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLITS |= dict.fromkeys(("val", "valid", "validation"), "val")
MASK_WORD = (
    "mask|masks|gt|gts|groundtruth|ground truth|truth|annotation|annotations|annot|label|labels"
    "|seg|segmentation|segmentations|segmentationclass|segmentationobject"
)
MASK_NAMES = {word.replace(" ", "") for word in MASK_WORD.split("|")} | {"maskdir", "maskimages", "segmasks"}
_WORD = MASK_WORD.replace(" ", "[ _-]?")
_ENDING = re.compile(rf"(.+?)[ _.-]+(?:{_WORD})[ _-]?(\d*)", re.IGNORECASE)
_BEGINNING = re.compile(rf"(?:{_WORD})[ _.-]+(.+)", re.IGNORECASE)
_SUFFIX = re.compile(r"(.+)\.(?:png|jpe?g|bmp|tiff?|webp|gif)", re.IGNORECASE)


def plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def without_mask_word(name: str) -> str | None:
    """A name without the word for a mask that it ends or begins with, "" if it is that word; else None."""
    if plain(name) in MASK_NAMES:
        return ""
    found = _ENDING.fullmatch(name) or _BEGINNING.fullmatch(name)
    return found[1] if found else None


def alike(stem: str) -> str:
    """A name as names are compared: in lower case, and accents as one letter (macOS writes them as two)."""
    return unicodedata.normalize("NFC", stem).lower()


def image_stems(stem: str) -> list[str]:
    """What the image of a mask with this stem may be called, most likely first: as `alike` gives it, without suffix."""
    stems, bare = [stem], without_mask_word(stem) or ""
    rest = stem.removeprefix(bare)
    for end in range(len(rest) - len(rest.lstrip(" _.-")) - 1, 0, -1) if bare else ():
        stems.append(bare + rest[:end])  # "a_" of a__mask
    for one in (stem, bare):
        without_suffix = _SUFFIX.fullmatch(one)
        stems += [one] + ([without_suffix[1], without_mask_word(without_suffix[1]) or ""] if without_suffix else [])
    if bare:  # img_1 of mask_1, 1_image of 1_mask
        stems += [name for word in ("img", "image") for name in (f"{word}_{bare}", f"{bare}_{word}")]
    return list(dict.fromkeys([alike(one) for one in stems if one] + equally_likely(stem)))


def equally_likely(stem: str) -> list[str]:
    """Names of images of which a mask's name does not decide: img_1 and 1 of mask_1, part_2 and part of part_mask_2."""
    if ending := _ENDING.fullmatch(stem):
        bare, number = ending.groups()
        others = [f"{bare}{sign}{number}" for sign in ("_", "-", " ", "")] if number else []
        others += [f"{bare}_img", f"{bare}_image"]
    elif beginning := _BEGINNING.fullmatch(stem):
        bare = beginning[1]
        others = [f"img_{bare}", f"image_{bare}"]
    else:
        return []
    return [alike(one) for one in (bare, *others)]


def _fits(name: str, item: str) -> bool:
    """Whether a name is the item of a choice, or fits it as a pattern; folders may be called "x [1]"."""
    return name.lower() == item.lower() or fnmatchcase(name.lower(), item.lower())


@dataclass(frozen=True)
class Choice:
    """What images=, masks= or normal= names: folders, as names or relative paths, or patterns with * ? [ ]."""

    option: str
    items: tuple[str, ...]

    @classmethod
    def of(cls, option: str, given: str | Path | Sequence[str | Path] | None, root: Path) -> "Choice | None":
        """None if nothing is given. Raises ValueError for a path outside root."""
        if given is None:
            return None
        items = [given] if isinstance(given, str | Path) or not isinstance(given, Sequence) else list(given)
        if not all(isinstance(item, str | Path) for item in items):
            raise ValueError(
                f"{option} is {given!r}; pass the name of a folder in {root}, a pattern, or several of them"
            )
        return cls(option, tuple(filter(None, (cls._relative(option, str(item), root) for item in items))))

    @staticmethod
    def _relative(option: str, item: str, root: Path) -> str:
        path = Path(item)
        if path.is_absolute() and path.is_relative_to(root):
            path = path.relative_to(root)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{option}={item} is not in {root}; link it there, or pass a folder that contains both")
        if item and not path.parts:
            raise ValueError(f"{option}={item} is the whole folder; name folders or files in it")
        return str(path) if item else ""

    def folder(self, parts: Parts) -> int:
        """How many of a folder's first parts are named by a folder of this choice; 0 for none."""
        for item in self.items:
            wanted = tuple(item.lower().split("/"))
            if len(wanted) > 1:
                if tuple(part.lower() for part in parts[: len(wanted)]) == wanted:
                    return len(wanted)
                continue
            for i, part in enumerate(parts):
                if _fits(part, item):
                    return i + 1
        return 0

    def file(self, parts: Parts) -> bool:
        """Whether a pattern of this choice is a file's name or relative path."""
        return any(_fits(name, item) for item in self.items for name in (parts[-1], "/".join(parts)))

    def drops(self, parts: Parts) -> tuple[int, int]:
        """The range of a folder's parts that is the choice itself: the whole path given, or the one name."""
        end = self.folder(parts)
        return (0 if any("/" in item for item in self.items) else max(end - 1, 0), end)

    def __str__(self) -> str:
        return f"{self.option}={', '.join(self.items) or 'nothing'}"


@dataclass(frozen=True)
class Place:
    """What the name of a folder says of the files directly in it.

    key: its parts for matching masks with images, without words for images and masks; loose: also without train, test.
    label is that of its images: 0, 1 or None; contradiction, the two names that contradict each other. split: train,
    test or val, if that stands above the folder that gives the label (as in MVTec-AD).
    """

    mask: bool
    image: bool
    key: Parts
    loose: Parts
    category: str
    class_name: str
    label: int | None = None
    defect: str = ""
    split: str = ""
    contradiction: tuple[str, str] | None = None


class Places:
    """The folders of a tree; `place` is computed once for each."""

    def __init__(self, name: str, folders: Iterable[Parts], choices: dict[str, Choice]):
        self.name, self.choices = name, choices
        self._places: dict[Parts, Place] = {}
        folders = list(folders)
        normal = [parts for parts in folders if parts and self._is_normal(parts) and not self._mask_part(parts)]
        anomalous = {_siblings(parts) for parts in folders if parts and plain(parts[-1]) in ANOMALOUS_NAMES}
        # Beside good/ and bad/, another folder is neither; beside good/ alone, it is a defect.
        self._labelled = {_siblings(parts) for parts in normal} - (set() if "normal" in choices else anomalous)
        masked = {parts[:-1] for parts in folders if parts and plain(parts[-1]) in ("groundtruth", "gt")}
        tested = {parts[:-1] for parts in folders if parts and SPLITS.get(plain(parts[-1])) == "test"}
        self._labelled |= {_siblings((*parts, "test", "")) for parts in masked & tested}  # MVTec's layout

    def of(self, parts: Parts) -> Place:
        if parts not in self._places:
            self._places[parts] = self._place(parts)
        return self._places[parts]

    def _is_normal(self, parts: Parts) -> bool:
        """Whether the last part is the name of a folder of normal images."""
        if choice := self.choices.get("normal"):
            return choice.folder(parts) == len(parts)
        return plain(parts[-1]) in NORMAL_NAMES

    def _mask_part(self, parts: Parts) -> range:
        """The positions of the parts that make a folder one of masks."""
        if choice := self.choices.get("masks"):
            return range(*choice.drops(parts))
        found = (i for i, part in enumerate(parts) if without_mask_word(part) is not None)
        return range(first, first + 1) if (first := next(found, None)) is not None else range(0)

    def _place(self, parts: Parts) -> Place:
        masks = self._mask_part(parts)
        chosen = self.choices.get("images")
        images = range(*chosen.drops(parts)) if chosen else [i for i, p in enumerate(parts) if plain(p) in IMAGE_NAMES]
        named = [(i, self._name_for_matching(i, part, masks)) for i, part in enumerate(parts) if i not in images]
        key = tuple(SPLITS.get(plain(name), name.lower()) for _, name in named if plain(name) not in IMAGE_NAMES | {""})
        loose = tuple(name for name in key if name not in SPLITS.values())
        labels = [(i, label) for i in range(len(parts)) if (label := self._label(parts[: i + 1])) is not None]
        first, label = labels[0] if labels else (len(parts), None)
        other = next((i for i, value in labels if value != label), None)
        skipped = {*images, *masks} | {i for i, part in enumerate(parts) if plain(part) in NO_CATEGORY | set(SPLITS)}
        above = [part for i, part in enumerate(parts[:first]) if i not in skipped]
        below = [part for i, part in enumerate(parts[first:], first) if i not in skipped]
        category = "/".join(above if labels else above[:1]) or self.name
        defects = [part for part in below if plain(part) not in ANOMALOUS_NAMES]
        splits = [SPLITS[plain(part)] for part in parts[:first] if plain(part) in SPLITS] if labels else []
        return Place(
            mask=bool(masks),
            image=bool(images),
            key=key,
            loose=loose,
            category=category,
            class_name=category.rpartition("/")[2],
            label=label,
            defect=defects[0] if label and defects else "",
            split=splits[-1] if splits else "",
            contradiction=(parts[first], parts[other]) if other is not None else None,
        )

    def _name_for_matching(self, i: int, part: str, masks: range) -> str:
        if i not in masks:
            return part
        return "" if "masks" in self.choices else without_mask_word(part) or ""

    def _label(self, parts: Parts) -> int | None:
        """The label that the last part gives, by its own name, or because normal images are in a folder beside it."""
        name = plain(parts[-1])
        if self._is_normal(parts):
            return 0
        if name in ANOMALOUS_NAMES:
            return 1
        structural = name in UNKNOWN_NAMES | NO_DEFECTS | IMAGE_NAMES | MASK_NAMES | set(SPLITS) or self._mask_part(
            parts
        )
        return 1 if _siblings(parts) in self._labelled and not structural else None


def _siblings(parts: Parts) -> Parts:
    """Equal for folders that stand beside each other; those in train/ and test/ do."""
    return tuple("*" if plain(part) in SPLITS else part for part in parts[:-1])
