"""Files: folders in any case, masks matched by name and never by position, JSON, run settings."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .transforms import foreground
from .writing import write_json

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
MASK_ENDINGS = ("", "_mask", "_segmentation", "_gt", "_label")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One image found in a layout; category is its folder's name there, label is None if the layout gives none."""

    image: Path
    category: str
    split: str = "test"
    label: int | None
    mask: Path | None = None
    defect: str = ""


@dataclass(frozen=True)
class Folder:
    """A directory, listed once, with case-insensitive look-up; hidden entries are ignored.

    notes collects one line for each oddity found; all folders of a tree share it.
    """

    path: Path
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def _entries(self) -> dict[str, bool]:
        """Name -> whether it is a directory; sorted, since the order of os.scandir differs between machines."""
        with os.scandir(self.path) as entries:
            found = {e.name: e.is_dir() for e in entries if not e.name.startswith((".", "__MACOSX"))}
        return dict(sorted(found.items()))

    @cached_property
    def _lower(self) -> dict[str, str]:
        return {name.lower(): name for name in reversed(self._entries)}

    @cached_property
    def folders(self) -> dict[str, "Folder"]:
        """Sub-folders by name."""
        return {name: Folder(self.path / name, self.notes) for name, is_dir in self._entries.items() if is_dir}

    @cached_property
    def files(self) -> list[Path]:
        return [self.path / name for name, is_dir in self._entries.items() if not is_dir]

    @cached_property
    def images(self) -> list[Path]:
        """Image files of this folder, without sub-folders, sorted by name."""
        return [path for path in self.files if path.suffix.lower() in IMAGE_SUFFIXES]

    @cached_property
    def _by_stem(self) -> dict[str, Path]:
        return {path.stem.lower(): path for path in reversed(self.images)}

    def _name_on_disk(self, name: str) -> str | None:
        """The name as spelt on disk, or None; a difference in case is noted."""
        if name in self._entries:
            return name
        actual = self._lower.get(name.lower())
        if actual is not None:
            note = f"wrong case: {self.path / actual} is published as {name}"
            if note not in self.notes:
                self.notes.append(note)
        return actual

    def folder(self, *alternatives: str) -> "Folder | None":
        """The first of these sub-folders that exists; a name may be a path with forward slashes, "" is this folder."""
        for alternative in alternatives:
            here: Folder | None = self
            for name in filter(None, alternative.split("/")):
                here = here and here.folders.get(here._name_on_disk(name) or "")
            if here is not None:
                return here
        return None

    def file(self, relative: str) -> Path | None:
        """A file by its relative path with forward slashes, or None."""
        parent, _, name = relative.rpartition("/")
        here = self.folder(parent)
        actual = here and here._name_on_disk(name)
        return here.path / actual if here and actual and not here._entries[actual] else None

    def mask_of(self, image: Path) -> Path | None:
        """The mask in this folder named by an image's stem, alone or with one of MASK_ENDINGS, or None."""
        candidates = (self._by_stem.get(image.stem.lower() + ending) for ending in MASK_ENDINGS)
        return next((path for path in candidates if path not in (None, image)), None)

    def every_file(self) -> Iterable[Path]:
        """All files of this folder and its sub-folders."""
        yield from self.files
        for folder in self.folders.values():
            yield from folder.every_file()


def home() -> Path:
    """The folder of generated and cached files: $PFL_HOME, or ~/.cache/bayes-pfl."""
    return Path(os.environ.get("PFL_HOME", Path.home() / ".cache" / "bayes-pfl"))


def read_json(path: Path | str) -> Any:
    """Read a JSON file. Raises ValueError naming the file if it is not valid JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # of the encoding, of the syntax, or of nested brackets
        raise ValueError(f"{path} is not valid JSON ({error}); restore it, or delete it and start again") from error


def require_same(place: Path | str, found: Mapping, wanted: Mapping) -> None:
    """Check that the recorded settings of a run equal those wanted, compared as JSON would store them.

    Raises ValueError naming the place and the first setting that differs.
    """
    found, wanted = (json.loads(json.dumps(dict(settings))) for settings in (found, wanted))
    for name, value in wanted.items():
        if name not in found or found[name] != value:
            one, two = _difference(found.get(name), value)
            raise ValueError(
                f"{place} holds a run with another {name} ({one[:60]}, not {two[:60]}); "
                "choose another folder, or delete it to start again"
            )


def _difference(one: Any, two: Any) -> tuple[str, str]:
    """Two values that differ, as text; of mappings, their first field that differs."""
    if isinstance(one, dict) and isinstance(two, dict):
        name = next(name for name in {**two, **one} if one.get(name) != two.get(name) or (name in one) != (name in two))
        return f"{name} {one.get(name)}", f"{two.get(name)}"
    return str(one), str(two)


def with_foreground(masks: Iterable[Path], threshold: int = 0) -> set[Path]:
    """The masks that have any foreground, and those that cannot be read, so that opening them raises the error."""
    masks = sorted(masks)
    flags = cached(f"filled-masks-{threshold}", masks, lambda path: _has_foreground(path, threshold))
    return {path for path, flag in zip(masks, flags, strict=True) if flag}


def cached(name: str, files: Sequence[Path], result: Callable[[Path], Any]) -> list[Any]:
    """The result of each file, a JSON value, cached in $PFL_HOME under the files' names, sizes and dates.

    Decoding a mask takes 0.6 ms and more.
    """
    if not files:
        return []
    facts = [(str(path.resolve()), (stat := path.stat()).st_size, stat.st_mtime_ns, stat.st_ctime_ns) for path in files]
    key = hashlib.sha256(json.dumps([name, facts]).encode()).hexdigest()[:24]
    cache = home() / name / f"{key}.json"
    try:
        results = read_json(cache)
    except (OSError, ValueError):
        results = [result(path) for path in files]
        try:
            write_json(cache, results)
        except OSError:  # not writable: decode again next time
            pass
    return results


def _has_foreground(mask: Path, threshold: int) -> bool:
    try:
        return bool(foreground(mask, threshold).any())
    except OSError:
        return True
