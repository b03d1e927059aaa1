"""Check whether a copy of a data set is complete: image counts against the expected ones, and every problem."""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import catalogue
from .copies import Copy, missing_images, missing_masks, open_copy
from .files import IMAGE_SUFFIXES, Folder
from .packaged import WHERE
from .samples import Dataset, Sample
from .transforms import mask_pixels, read_image

# Other files that archives contain; anything else that no sample uses is reported.
OTHER_SUFFIXES = {".csv", ".json", ".txt", ".md", ".pyb", ".xml", ".pdf", ".html", ""}


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a check; table has a row per category and columns NAME and NAME_expected.

    problems change what is measured; remarks (wrong case, files that belong to no sample) do not, and some are true of
    the published archives. ok: no problems.
    """

    name: str
    layout: str
    part: str
    table: pd.DataFrame
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    note: str
    fingerprint: str

    @property
    def ok(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        return self.text()

    def text(self, limit: int | None = 10) -> str:
        """The report with at most `limit` lines of each kind of problem and remark; None: all of them."""
        verdict = "no problems" if self.ok else f"{len(self.problems)} problems:"
        lines = [f"{self.name}: {self.layout} layout, part {self.part}", self.table.to_string(), verdict]
        lines += [f"  {problem}" for problem in _shortened(self.problems, limit)]
        lines += [f"remark: {remark}" for remark in _shortened(self.remarks, limit)]
        return "\n".join([*lines, *[f"note: {self.note}"] * bool(self.note), f"fingerprint {self.fingerprint}"])


def check(name: str, root: Path | str, *, subset: str | None = None) -> Report:
    """Read every file of a copy (about 25 ms per megapixel image) and report counts and all problems.

    The fingerprint is Dataset.fingerprint() of load(name, root, split="all"), equal for equal copies, or "incomplete"
    if files are missing.
    """
    spec = catalogue.spec(name)
    copy = open_copy(spec, root, subset)
    missing = missing_images(copy) + missing_masks(copy)
    problems = [*copy.differences(), *missing]
    for _, sample in copy.samples:
        problems += _sample_problems(sample)
    remarks = [note for note in copy.base.notes if note not in missing] + _wrong_case(copy) + _stray_files(copy)
    whole = Dataset(name=spec.name, samples=tuple(sample for _, sample in copy.samples))
    return Report(
        name=spec.title,
        layout=copy.layout,
        part=copy.part,
        table=_table(copy),
        problems=tuple(problems),
        remarks=tuple(remarks),
        note=spec.note,
        fingerprint="incomplete" if missing else whole.fingerprint(),
    )


def where(name: str) -> str:
    """Source, licence, image counts and folder layout of a data set, as text."""
    if name in WHERE:
        return WHERE[name]
    spec = catalogue.spec(name)
    rows = [c.paper for c in spec.categories if c.paper]
    train, normal, anomalous = (sum(column) for column in zip(*rows, strict=True))
    lines = [
        f"{spec.title}: load({spec.name!r}, root), measured per {' and '.join(sorted(spec.level))}",
        f"source:  {spec.source}",
        f"licence: {spec.licence}",
        f"paper:   {normal} normal and {anomalous} anomalous test images, {train} normal training images,"
        f" categories: {len(rows)}",
    ]
    if not spec.paper_is_whole:
        pooled = [sum(column) for column in zip(*(c.pooled["whole"] for c in spec.categories), strict=True)]
        lines.append(f"whole:   {pooled[0]} normal and {pooled[1]} anomalous images, train and test together")
    lines.append(f"prompts: {', '.join(dict.fromkeys(c.class_name for c in spec.categories))}")
    lines.append("folder:  " + "\n         ".join(line.strip() for line in spec.tree.strip().split("\n")))
    lines.append(f"         or the reference's {spec.standard}/ with meta_{spec.standard}.json beside it")
    return "\n".join(lines + [f"note:    {spec.note}"] * bool(spec.note))


def _table(copy: Copy) -> pd.DataFrame:
    """A row per category, and the columns KIND and KIND_expected for each kind of image."""
    rows = {}
    for category, kinds in copy.counts.items():
        pairs = ({kind: found, f"{kind}_expected": expected} for kind, (found, expected) in kinds.items())
        rows[category] = {name: number for pair in pairs for name, number in pair.items()}
    return pd.DataFrame.from_dict(rows, orient="index").astype("Int64").rename_axis("category")


def _shortened(lines: Iterable[str], limit: int | None) -> list[str]:
    """The first lines of each kind, the word before the colon, and how many more there are."""
    kinds = defaultdict(list)
    for line in lines:
        kinds[line.split(":")[0]].append(line)
    short = []
    for kind, group in kinds.items():
        short += group[:limit]
        if limit is not None and len(group) > limit:
            short.append(f"{kind}: ... and {len(group) - limit} more (--all lists them)")
    return short


def _wrong_case(copy: Copy) -> list[str]:
    """A line for each category folder whose name differs from the published one only in case."""
    if len(copy.spec.categories) == 1:
        return []
    by_folder = {one.category: known for one in copy.everything if (known := copy.spec.category(one.category))}
    return [
        f"wrong case: category folder {folder} is published as {category.folder or category.name}"
        for folder, category in by_folder.items()
        if folder not in (category.name, category.folder)
    ]


def _sample_problems(sample: Sample) -> list[str]:
    """Problems of one image and its mask."""
    problems = []
    size = mask = None
    try:
        size = read_image(sample.image).size
    except Exception as error:  # decoders raise errors of many types; report this one and continue
        problems.append(f"unreadable: {error}")
    try:
        mask = mask_pixels(sample)
    except Exception as error:
        return [*problems, f"unreadable: {error}"]
    if mask is None:
        return problems
    if size and mask.shape != size[::-1]:
        problems.append(
            f"sizes differ: {sample.image} is {size[0]} x {size[1]}, its mask {mask.shape[1]} x {mask.shape[0]}"
        )
    if not mask.any():
        problems.append(f"empty mask: {sample.mask} has no foreground (grey > {sample.mask_threshold})")
    return problems


def _stray_files(copy: Copy) -> list[str]:
    """A line for each folder with files that no sample uses."""
    used = {path for one in copy.everything for path in (one.image, one.mask) if path}
    known = {one.image.parent for one in copy.everything} | {one.mask.parent for one in copy.everything if one.mask}
    base = Path(os.path.commonpath(known))
    strays = defaultdict(list)
    for path in Folder(base).every_file():
        suffix = path.suffix.lower()
        if path not in used and (suffix in IMAGE_SUFFIXES or suffix not in OTHER_SUFFIXES):
            strays[path.parent].append(path.name)
    return [
        f"stray: {len(names)} files in {folder} belong to no sample: {', '.join(names[:3])}{', ...' * (len(names) > 3)}"
        for folder, names in strays.items()
    ]
