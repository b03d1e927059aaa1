"""Open a copy of one of the fifteen data sets in any known layout; nothing is copied or converted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import layouts
from .files import Folder, Found
from .samples import Dataset, Sample
from .spec import ALL, Select, Spec

PREFERENCE = ("paper", "whole", "peers", "barcelona")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy on disk: its layout, the part chosen, that part's (split, sample) pairs, and all images of the layout."""

    spec: Spec
    layout: str
    part: str
    base: Folder
    samples: tuple[tuple[str, Sample], ...]
    everything: list[Found]


def open_copy(spec: Spec, root: Path | str, subset: str | None = None) -> Copy:
    """Detect the layout at root and choose a part: subset if given, else the first of PREFERENCE that there is.

    Raises FileNotFoundError if root is not a copy of the set, ValueError if the copy lacks the part.
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
    return Copy(spec=spec, layout=layout, part=part, base=base, samples=samples, everything=found)


def load_copy(spec: Spec, root: Path | str | None, *, split: str = "test", subset: str | None = None) -> Dataset:
    """Load one split of a copy; every image must exist, and every anomalous image's mask if the set has masks."""
    if root is None:
        raise ValueError(
            f"{spec.title} does not ship with the package: pass the folder of your copy, load({spec.name!r}, root)"
        )
    if split not in ("train", "test", "all"):
        raise ValueError(f"no split {split!r}: choose train, test or all")
    copy = open_copy(spec, root, subset)
    if missing := missing_files(copy):
        more = f" and {len(missing) - 1} more" * (len(missing) > 1)
        raise FileNotFoundError(f"{spec.title}: {missing[0]}{more}; `pfl data check {spec.name} {root}` lists all")
    samples = tuple(sample for part, sample in copy.samples if split in (part, "all"))
    if not samples:
        raise ValueError(f"{spec.title} ({copy.layout}, {copy.part}) has no {split} images: choose another split")
    return Dataset(name=spec.name, samples=samples, layout=copy.layout, part=copy.part)


def missing_files(copy: Copy) -> list[str]:
    """A line for each missing image or mask; a copy with any of them cannot be loaded."""
    missing = [note for note in copy.base.notes if note.startswith("missing")]
    if "pixel" in copy.spec.level:
        bare = (sample for _, sample in copy.samples if sample.label == 1 and sample.mask is None)
        missing += [f"missing mask: no mask for the anomalous image {sample.image}" for sample in bare]
    return missing


def _candidates(spec: Spec, path: Path) -> Iterator[tuple[str, Folder, list[Found], dict[str, Select | None]]]:
    """Every way to read the set at path: layout, folder, images, and the parts it offers."""
    official = ALL if spec.paper_is_whole else {"paper": None}
    peers = ALL if spec.paper_is_whole else {"peers": None}
    reference = partial(layouts.listed, file=f"meta_{spec.standard}.json")
    bases = (Folder(path).folder(name) for name in (*spec.within, spec.standard, spec.title, ""))
    for base in dict.fromkeys(base.path for base in bases if base):
        if base.name.lower() == spec.standard.lower():  # its list is next to the standardised folder
            yield from _candidate(spec, "standardised", base.parent, reference, official)
        yield from _candidate(spec, "standardised", base, reference, official)
        yield from _candidate(spec, "standardised", base, layouts.standard_tree, official)
        yield from _candidate(spec, "meta.json", base, partial(layouts.listed, file="meta.json"), peers)
        for original in spec.originals:
            yield from _candidate(spec, "original", base, original.read, original.parts)


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
