"""One pass over a folder: its regular files, and why every other entry is left out."""

import os
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ..account import LeftOut

SYSTEM = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__"}
FILE, FOLDER, COUNTED = "a file", "a folder", "links to what is counted elsewhere"
LOG, RESULTS = "progress*.jsonl", "heatmaps"  # in a folder that `pfl predict` wrote


@dataclass
class Tree:
    """The regular files below a folder that may be used, as relative parts in a fixed order; and the rest.

    folders are the relative parts of all folders that were entered.
    """

    root: Path
    files: list[tuple[str, ...]] = field(default_factory=list)
    folders: set[tuple[str, ...]] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)

    def path(self, parts: tuple[str, ...]) -> Path:
        return self.root.joinpath(*parts)


def walk(root: Path) -> Tree:
    """List everything below root, an absolute path, without opening a file.

    Links are followed; but what a link leads to is left out if it is counted at another place, so that no image counts
    twice and no loop is entered.
    """
    tree, real = Tree(root), os.path.realpath(root)
    linked: set[tuple[int, int]] = set()  # files and folders outside of root that were reached by links
    stack: list[tuple[tuple[str, ...], str, bool]] = [((), "", False)]
    while stack:
        parts, why, by_link = stack.pop()  # a folder, why all in it is left out, and whether a link leads to it
        try:
            with os.scandir(os.path.join(root, *parts)) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not parts:
                raise
            tree.left_out.append(LeftOut(tree.path(parts), why or "unreadable folders", str(error.strerror)))
            continue
        tree.folders.add(parts)
        predicted = any(fnmatchcase(entry.name, LOG) for entry in listed)
        for entry in listed:
            place, link = (*parts, entry.name), entry.is_symlink()
            reason = why or _unwanted(entry.name) or "results of pfl predict" * (predicted and entry.name == RESULTS)
            kind = _kind(entry, real)
            if kind in (FILE, FOLDER) and (link or by_link) and not reason:
                status = entry.stat()
                kind = COUNTED if (status.st_dev, status.st_ino) in linked else kind
                linked.add((status.st_dev, status.st_ino))
            if kind == FOLDER and not (link and reason):
                stack.append((place, reason, link or by_link))
            elif kind == FILE and not reason:
                tree.files.append(place)
            else:
                tree.left_out.append(LeftOut(tree.path(place), reason or kind))
    tree.files.sort()
    tree.left_out.sort(key=lambda one: (one.why, one.path))
    return tree


def _kind(entry: os.DirEntry, real: str) -> str:
    """FILE, FOLDER, or why an entry is left out; real is the root without links."""
    try:
        if entry.is_symlink():
            entry.stat()  # raises OSError for a link to nothing, or to itself
            target = os.path.realpath(entry.path)
            within = target.removeprefix(real + os.sep)
            if within != target and not any(map(_unwanted, within.split(os.sep))):
                return COUNTED
            if real == target or real.startswith(target.rstrip(os.sep) + os.sep):
                return "links to a folder above"
        if entry.is_dir():
            return FOLDER
        return FILE if entry.is_file() else "pipes, sockets or devices"
    except OSError:
        return "broken links"


def _unwanted(name: str) -> str:
    """Why a file or folder of that name is left out, or ""."""
    if name.startswith("."):
        return "hidden"
    if name.lower() in SYSTEM:
        return "of the system"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "names that are not UTF-8"
    return ""
