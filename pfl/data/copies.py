"""Open a copy of one of the fifteen data sets in any known layout; nothing is copied or converted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from . import layouts
from .catalogue import SPECS
from .counting import Counts, alike, count, differences, in_short
from .files import Folder, Found
from .samples import Dataset, Sample
from .spec import ALL, Select, Spec

PREFERENCE = ("paper", "whole", "peers", "barcelona")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy on disk: its layout, the part chosen, that part's (split, sample) pairs, and all images of the layout.

    root is the folder it was looked for in, base the one that has the layout: root, one inside, or that of a list.
    """

    spec: Spec
    root: Path
    layout: str
    part: str
    base: Folder
    samples: tuple[tuple[str, Sample], ...]
    everything: list[Found]

    @cached_property
    def counts(self) -> Counts:
        return count(self.spec, self.part, self.samples)

    def differences(self, split: str = "all") -> tuple[str, ...]:
        """What the chosen part of a split has less or more of than published."""
        return differences(self.spec, self.counts, split)


def open_copy(spec: Spec, root: Path | str, subset: str | None = None) -> Copy:
    """Detect the layout at root and choose a part: subset if given, else the first of PREFERENCE that there is.

    Raises FileNotFoundError if root is not a copy of the set, ValueError if it is another set's or lacks the part.
    """
    path = Path(root).expanduser().absolute()
    if not path.is_dir():
        raise FileNotFoundError(f"no folder {root}: get {spec.title} from {spec.source}")
    offered: dict[str, tuple[str, Folder, list[Found], list[Found]]] = {}
    for layout, base, found, parts in _candidates(spec, path):
        for part, select in parts.items():
            chosen = select(found) if select else found
            if not select or any(one.label for one in chosen):  # a selection by file name can be empty
                offered.setdefault(part, (layout, base, chosen, found))
        if (subset or PREFERENCE[0]) in offered:
            break
    if not offered:
        raise FileNotFoundError(
            f"{path} is not a copy of {spec.title}: expected {_one_line(spec.tree)}, or {spec.standard}/ with"
            f" meta_{spec.standard}.json beside it. {spec.note}".rstrip()
        )
    part = subset or next(part for part in PREFERENCE if part in offered)
    if part not in offered:
        why = f" {spec.note}" if spec.note else ""
        raise ValueError(f"{spec.title} at {path} has no part {subset!r}, only {' and '.join(offered)}.{why}")
    layout, base, chosen, found = offered[part]
    samples = tuple(_samples(spec, chosen))
    copy = Copy(spec=spec, root=path, layout=layout, part=part, base=base, samples=samples, everything=found)
    _check_identity(copy)
    return copy


def _check_identity(copy: Copy) -> None:
    """Raise ValueError if the folder's name, or else its counts, are another set's; sets of one category look alike."""
    names = (copy.base.name, copy.root.name)
    if len(copy.spec.categories) > 1 or any(map(copy.spec.is_called, names)):
        return
    called = next((one for one in SPECS.values() if any(map(one.is_called, names))), None)
    if other := called or alike(copy.spec, copy.counts):
        raise ValueError(
            f"{copy.root} is {other.title} by its {'name' if called else 'counts'}, not {copy.spec.title}: "
            f"load it as {other.name}, or call its folder {copy.spec.title}"
        )


def load_copy(spec: Spec, root: Path | str | None, *, split: str = "test", subset: str | None = None) -> Dataset:
    """Load one split of a copy; every anomalous image must have its mask, if the set has masks.

    Dataset.notes says which counts differ from the published ones, and which listed images are missing.
    """
    if root is None:
        raise ValueError(
            f"{spec.title} does not ship with the package: pass the folder of your copy, load({spec.name!r}, root)"
        )
    if split not in ("train", "test", "all"):
        raise ValueError(f"no split {split!r}: choose train, test or all")
    copy = open_copy(spec, root, subset)
    if missing := missing_masks(copy, split):
        more = f" and {len(missing) - 1} more" * (len(missing) > 1)
        command = f"pfl data check {spec.name} {root} --all"
        raise FileNotFoundError(f"{spec.title}: {missing[0]}{more}; `{command}` lists all")
    samples = tuple(sample for part, sample in copy.samples if split in (part, "all"))
    if not samples:
        raise ValueError(f"{spec.title} ({copy.layout}, {copy.part}) has no {split} images: choose another split")
    notes = copy.differences(split) + missing_images(copy)
    return Dataset(name=spec.name, samples=samples, layout=copy.layout, part=copy.part, notes=notes)


def require_complete(data: Dataset, *, accept_incomplete: bool = False) -> Dataset:
    """The data set itself; ValueError with `Dataset.notes` if there are any, unless an incomplete copy is accepted."""
    if data.notes and not accept_incomplete:
        place = f"{SPECS[data.name].title}, {data.part} part"
        raise ValueError(f"{place}: {in_short(data.notes)} (--accept-incomplete uses it as it is)")
    return data


def missing_images(copy: Copy) -> tuple[str, ...]:
    """A line for each image that is listed and not there."""
    return tuple(note for note in copy.base.notes if note.startswith("missing image"))


def missing_masks(copy: Copy, split: str = "all") -> tuple[str, ...]:
    """A line for each missing mask of the split; with any of them it cannot be loaded."""
    missing = [note for note in copy.base.notes if note.startswith("missing mask")]
    if "pixel" in copy.spec.level:
        samples = (sample for part, sample in copy.samples if split in (part, "all"))
        bare = (sample for sample in samples if sample.label == 1 and sample.mask is None)
        missing += [f"missing mask: no mask for the anomalous image {sample.image}" for sample in bare]
    return tuple(missing)


def _candidates(spec: Spec, path: Path) -> Iterator[tuple[str, Folder, list[Found], dict[str, Select | None]]]:
    """Every way to read the set at path: layout, folder, images, and the parts it offers."""
    official = ALL if spec.paper_is_whole else {"paper": None}
    peers = ALL if spec.paper_is_whole else {"peers": None}
    reference = partial(layouts.listed, file=f"meta_{spec.standard}.json")
    for base in dict.fromkeys(_bases(spec, Folder(path))):
        if base.name.lower() == spec.standard.lower():  # its list is next to the standardised folder
            yield from _candidate(spec, "standardised", base.parent, reference, official)
        yield from _candidate(spec, "standardised", base, reference, official)
        yield from _candidate(spec, "standardised", base, layouts.standard_tree, official)
        yield from _candidate(spec, "meta.json", base, partial(layouts.listed, file="meta.json"), peers)
        for original in spec.originals:
            yield from _candidate(spec, "original", base, original.read, original.parts)


def _bases(spec: Spec, folder: Folder, depth: int = 2) -> Iterator[Path]:
    """Folders that may contain the set: those called like it, innermost first, then the folder itself."""
    own = {name for category in spec.categories for name in (category.name, category.folder)}
    for name, inner in folder.folders.items():
        if depth and spec.is_called(name) and name not in own:
            yield from _bases(spec, inner, depth - 1)
    nested = (folder.folder(name) for name in spec.within if "/" in name)
    yield from (inner.path for inner in nested if inner)
    yield folder.path


def _candidate(spec, layout, base, read, parts):
    folder = Folder(base)  # a new one, without notes from other layouts
    found = [one for one in read(folder) if spec.category(one.category)]
    if len(spec.categories) == 1 and len({one.category for one in found}) > 1:
        return  # several categories are another set's, whatever their names
    if found:
        yield layout, folder, found, parts


def _samples(spec: Spec, found: list[Found]) -> Iterator[tuple[str, Sample]]:
    """(split, sample) pairs: categories in the catalogue's order, files in the reader's."""
    order = {category.name: position for position, category in enumerate(spec.categories)}
    known = ((category, one) for one in found if (category := spec.category(one.category)))
    for category, one in sorted(known, key=lambda pair: order[pair[0].name]):
        # In the standardised MVTec-AD the defect type is only in the file name.
        named = re.fullmatch(r"mvtec_([a-z_]+)_\d{6}", one.image.stem)
        yield (
            one.split,
            Sample(
                image=one.image,
                category=category.name,
                class_name=category.class_name,
                label=one.label,
                mask=one.mask if one.label else None,
                defect=one.defect or (named[1] if named and one.label else ""),
                mask_threshold=spec.mask_threshold,
            ),
        )


def _one_line(tree: str) -> str:
    return ", ".join(" ".join(line.split()) for line in tree.split("\n") if line.strip())
