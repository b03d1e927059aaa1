"""The description of a published data set: its categories, counts, source, and layouts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from .files import Folder, Found
from .samples import class_text

BOTH, IMAGE, PIXEL = frozenset({"image", "pixel"}), frozenset({"image"}), frozenset({"pixel"})

Select = Callable[[list[Found]], list[Found]]


@dataclass(frozen=True)
class Category:
    """A category, named as in the reference's standardised folder, with the counts of the paper's part.

    paper None: the paper does not use this category. folder: its name in the original. pooled: counts of other parts
    ("whole" where the paper used less than the whole set), train and test together.
    """

    name: str
    paper: tuple[int, int, int] | None  # train normal, test normal, test anomalous
    folder: str = ""
    pooled: dict[str, tuple[int, int]] = field(default_factory=dict)  # part -> normal, anomalous

    @property
    def class_name(self) -> str:
        return class_text(self.name)

    def expected(self, part: str) -> dict[str, int]:
        """The counts expected of a part, empty if unknown."""
        if part in self.pooled:
            return dict(zip(("normal", "anomalous"), self.pooled[part], strict=True))
        if part in ("paper", "whole") and self.paper:
            return dict(zip(("train_normal", "test_normal", "test_anomalous"), self.paper, strict=True))
        return {}


@dataclass(frozen=True)
class Original:
    """A published layout: its reader, and how each part is selected from the images read."""

    read: Callable[[Folder], list[Found]]
    parts: dict[str, Select | None]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One data set.

    within: folders that its archives unpack into, where not called like the set; tree: a drawing of the original
    layout.
    """

    name: str
    title: str
    standard: str
    level: frozenset[str]
    categories: tuple[Category, ...]
    originals: tuple[Original, ...]
    source: str
    licence: str
    tree: str
    within: tuple[str, ...] = ()
    mask_threshold: int = 128
    note: str = ""

    @property
    def paper_is_whole(self) -> bool:
        return not any("whole" in category.pooled for category in self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """What the data set and the folder of its copy may be called, a spelling of each."""
        names = (self.title, self.name, self.standard, *(name.split("/")[-1] for name in self.within))
        return tuple({_plain(name): name for name in reversed(names)}.values())[::-1]

    def is_called(self, name: str) -> bool:
        """Whether a name means this data set, ignoring case, hyphens, underscores and spaces."""
        return _plain(name) in self._plain_names

    @cached_property
    def _plain_names(self) -> frozenset[str]:
        return frozenset(map(_plain, self.names))

    @cached_property
    def _by_folder(self) -> dict[str, Category]:
        return {name.lower(): c for c in self.categories for name in (c.name, c.folder) if name}

    def category(self, folder: str) -> Category | None:
        """The category with a folder name, original or standardised; any name, if the set has only one category."""
        return self.categories[0] if len(self.categories) == 1 else self._by_folder.get(folder.lower())


ALL: dict[str, Select | None] = {"paper": None, "whole": None}
UNKNOWN = "none found in the sources searched: ask the publisher before sharing anything"


def table(rows: str, folders: str = "") -> tuple[Category, ...]:
    """Categories from items "name train/normal/anomalous", separated by commas."""
    names = iter(folders.split()) if folders else iter(())
    return tuple(
        Category(name, (int(train), int(normal), int(anomalous)), next(names, ""))
        for name, train, normal, anomalous in (row.replace("/", " ").split() for row in rows.split(",") if row.strip())
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
