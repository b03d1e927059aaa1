"""Find which folder is the copy of which data set, by the folders' names and by counts."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .catalogue import SPECS
from .copies import PREFERENCE, Copy, open_copy
from .files import Folder
from .spec import Spec

DEPTH = 3  # levels of folders in which a set is looked for by name


def find(root: Path | str) -> tuple[dict[str, Path], dict[str, str]]:
    """Find the fifteen sets under a folder: {set: its folder}, and {set: the reason} for those not found.

    First, a folder called like a set (`Spec.names`), or the one that contains it, is that set's, if it can be read as
    one. Of several, a complete one is preferred, then one with the paper's part, then the first by name. Second, a
    folder directly under root with another name, or root itself, is the set whose counts it has; if it has no set's
    counts, the only set that it can be read as. If there are several, it is taken for none, and the reason names them.
    A complete copy so found is preferred to an incomplete one with the right name.

    No image is taken for two sets, not even through links. What is found need not be complete.
    """
    top = Folder(Path(root).expanduser().absolute())
    found: dict[str, Copy] = {}
    reasons: dict[str, str] = {}
    taken: dict[Path, str] = {}  # folders of images, and the set they are taken for
    for name, folders in _named(top).items():
        copies = []
        for folder in folders:
            try:
                copies.append(_open(SPECS[name], folder, top))
            except (OSError, ValueError) as error:
                reasons.setdefault(name, str(error))
        for copy in sorted(copies, key=lambda copy: (bool(copy.differences()), PREFERENCE.index(copy.part))):
            if twice := [folder for folder in _image_folders(copy) if folder in taken]:
                reasons.setdefault(name, f"{copy.root} leads to {twice[0]}, which is taken for {taken[twice[0]]}")
            elif name not in found:
                found[name] = copy
                taken |= dict.fromkeys(_image_folders(copy), name)

    for copies in _unnamed(top, set(taken)):
        new = [copy for copy in copies if _improves(copy, found.get(copy.spec.name))]
        if not new or _image_folders(new[0]) & set(taken):
            continue
        if len(copies) == 1:
            found[new[0].spec.name] = new[0]
            taken |= dict.fromkeys(_image_folders(new[0]), new[0].spec.name)
            continue
        titles = [copy.spec.title for copy in copies]
        reason = (
            f"{new[0].root} can be read as {', '.join(titles[:-1])} or {titles[-1]}, and its counts do not decide; "
            "rename the folder to the data set's name"
        )
        reasons |= {copy.spec.name: reason for copy in new}
    for name, spec in SPECS.items():
        *names, last = spec.names
        reasons.setdefault(name, f"no folder {', '.join(names)} or {last} under {root}")
    return (
        {name: found[name].root for name in SPECS if name in found},
        {name: reasons[name] for name in SPECS if name not in found},
    )


def _open(spec: Spec, folder: Path, top: Folder) -> Copy:
    """The copy in a folder, or in the one that contains it: of HeadCT, a folder of that name lies beside the labels."""
    try:
        return open_copy(spec, folder)
    except (OSError, ValueError):
        if folder.parent == top.path:  # which is tried for every set
            raise
        try:
            return open_copy(spec, folder.parent)
        except (OSError, ValueError):
            pass
        raise


def _improves(copy: Copy, known: Copy | None) -> bool:
    return known is None or bool(known.differences() and not copy.differences())


def _named(folder: Folder, depth: int = DEPTH) -> dict[str, list[Path]]:
    """The folders called like a set, by set; not looked for inside one another."""
    named = defaultdict(list)
    for name, inner in _readable(folder).items():
        called = _called(name)
        if called:
            named[called].append(inner.path)
        elif depth > 1:
            for one, folders in _named(inner, depth - 1).items():
                named[one] += folders
    return named


def _unnamed(top: Folder, taken: set[Path]) -> Iterator[list[Copy]]:
    """For the images of each folder with another name, and of top itself, the copies that they may be.

    Those of complete copies come first. Images in a folder that is taken are left out.
    """
    readings: dict[frozenset[Path], dict[str, Copy]] = defaultdict(dict)
    for folder in [folder for name, folder in _readable(top).items() if not _called(name)] + [top]:
        for copy in _readings(folder, DEPTH if folder is not top else 0):
            if not _image_folders(copy) & taken:
                readings[_image_folders(copy)].setdefault(copy.spec.name, copy)
    complete = [[copy for copy in copies.values() if not copy.differences()] for copies in readings.values()]
    yield from filter(None, complete)
    for copies in readings.values():
        # A set of several categories knows them by name; a set of one category takes any name for it.
        yield [copy for copy in copies.values() if len(copy.spec.categories) > 1] or [*copies.values()]


def _readings(folder: Folder, depth: int) -> list[Copy]:
    """Every set that a folder can be read as, or else the only folder inside it: many archives unpack into two."""
    copies = []
    for spec in SPECS.values():
        try:
            copies.append(open_copy(spec, folder.path))
        except (OSError, ValueError):
            continue
    inner = [*_readable(folder).values()]
    return copies if copies or not depth or folder.files or len(inner) != 1 else _readings(inner[0], depth - 1)


def _called(folder: str) -> str | None:
    return next((name for name, spec in SPECS.items() if spec.is_called(folder)), None)


def _readable(folder: Folder) -> dict[str, Folder]:
    """Its sub-folders that may be listed; a data disk's lost+found may not."""
    return {name: inner for name, inner in folder.folders.items() if os.access(inner.path, os.R_OK | os.X_OK)}


def _image_folders(copy: Copy) -> frozenset[Path]:
    return frozenset(folder.resolve() for folder in {one.image.parent for one in copy.everything})
