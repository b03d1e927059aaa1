"""The account of a folder: each file below it is an image, the mask of an image, or left out, with the reason."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .formats import FORMAT_OF

BROKEN = (
    "unreadable",
    "files of several pictures",
    "of unknown brightness",
    "pipes, sockets or devices",
    "names that are not UTF-8",
    "broken links",
)


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that is not used. why is a plural phrase that is counted, such as "not images"."""

    path: Path
    why: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What each file below root was taken for; no file is in two of images, masks and left_out, and none is missing.

    masks are pairs of a mask and its image; labels a line for each category. notes are rules that were applied and
    change how files are read. problems are contradictions, for which `folder` refuses to load the images.
    """

    root: Path
    images: tuple[Path, ...]
    masks: tuple[tuple[Path, Path], ...]
    left_out: tuple[LeftOut, ...]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def unreadable(self) -> tuple[LeftOut, ...]:
        """What is left out because it cannot be read, though its name says that it is an image; and such folders."""
        return tuple(
            one
            for one in self.left_out
            if (one.why in BROKEN and one.path.suffix.lower() in FORMAT_OF) or one.why == "unreadable folders"
        )

    def __str__(self) -> str:
        """The numbers on one line."""
        counts = Counter(one.why for one in self.left_out)
        left_out = ", ".join(f"{number} {why}" for why, number in counts.most_common())
        total = f"{_number(len(self.images), 'image')}, {_number(len(self.masks), 'mask')}"
        parts = [f"left out: {left_out}"] * bool(left_out) + [_number(len(self.notes), "note")] * bool(self.notes)
        return "; ".join([total, *parts]) + f": see `pfl data check {shown(self.root)}`" * bool(parts)

    def text(self, limit: int | None = 10) -> str:
        """The account in lines, with at most `limit` for each reason; None: all of them."""
        groups = defaultdict(list)
        for one in self.left_out:
            groups[one.why].append(shown(one.path, self.root) + f" ({one.detail})" * bool(one.detail))
        lines = [f"{_number(len(self.images), 'image')}, {_number(len(self.masks), 'mask')}"]
        lines += [f"  {line}" for line in shortened(self.labels, limit)]
        for why, names in groups.items():
            lines.append(f"left out, {len(names)} {why}:")
            lines += [f"  {name}" for name in shortened(names, limit)]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines + [f"problem: {problem}" for problem in shortened(self.problems, limit)])


def shown(path: Path | str, root: Path | None = None) -> str:
    """A path for messages, relative to root, on one line and printable whatever its characters."""
    text = str(path)
    if root is not None and text.startswith(f"{root}/"):
        text = text[len(str(root)) + 1 :]
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def some(paths: Iterable[Path | str], root: Path | None = None, limit: int = 3) -> str:
    """The first paths of some, and how many more there are."""
    names = [shown(path, root) for path in paths]
    return ", ".join(names[:limit]) + f" and {len(names) - limit} more" * (len(names) > limit)


def shortened(lines: Iterable[str], limit: int | None) -> list[str]:
    """The first lines, and how many more there are."""
    lines = list(lines)
    if limit is None or len(lines) <= limit:
        return lines
    return [*lines[:limit], f"... and {len(lines) - limit} more (--all lists them)"]


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
