"""Is this copy of a data set whole? Counts against what is expected, and every problem at once."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import catalogue
from .copies import Copy, missing_files, open_copy
from .files import IMAGE_SUFFIXES, Folder
from .packaged import WHERE
from .samples import Dataset, Sample
from .transforms import foreground, read_image

# Files that archives carry beside the images; anything else that no sample uses is reported.
ANNEX = {".csv", ".json", ".txt", ".md", ".pyb", ".xml", ".pdf", ".html", ""}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check found; table has a row a category and columns NAME and NAME_expected.

    problems change what is measured; remarks (wrong case, files that belong to no sample) are oddities that loading
    copes with, and some are in the published archives themselves. ok: no problems.
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
        verdict = "no problems" if self.ok else f"{len(self.problems)} problems:"
        lines = [f"{self.name}: {self.layout} layout, part {self.part}", self.table.to_string(), verdict]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"remark: {remark}" for remark in self.remarks] + [f"note: {self.note}"] * bool(self.note)
        return "\n".join([*lines, f"fingerprint {self.fingerprint}"])


def check(name: str, root: Path | str, *, subset: str | None = None) -> Report:
    """Read every file of a copy (some 25 ms for an image of a megapixel) and report counts and all problems.

    The fingerprint is Dataset.fingerprint() of load(name, root, split="all"): equal for equal copies; "incomplete"
    where files are missing.
    """
    spec = catalogue.spec(name)
    copy = open_copy(spec, root, subset)
    table, problems = _count(copy)
    missing = missing_files(copy)
    problems += missing
    for _, sample in copy.samples:
        problems += _look_at(sample)
    remarks = [note for note in copy.base.notes if note not in missing] + _misspelt(copy) + _strays(copy)
    whole = Dataset(name=spec.name, samples=tuple(sample for _, sample in copy.samples))
    return Report(
        name=spec.title,
        layout=copy.layout,
        part=copy.part,
        table=table,
        problems=tuple(problems),
        remarks=tuple(remarks),
        note=spec.note,
        fingerprint="incomplete" if missing else whole.fingerprint(),
    )


def where(name: str) -> str:
    """Where to get a data set, under which licence, how much of it, and how its folder must look."""
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


def _count(copy: Copy) -> tuple[pd.DataFrame, list[str]]:
    """The table of counts, and a line for each that is not as expected."""
    counts = Counter((sample.category, split, sample.label) for split, sample in copy.samples)
    rows, wrong = {}, []
    for category in copy.spec.categories:
        train, test = ([counts[category.name, split, label] for label in (0, 1)] for split in ("train", "test"))
        have = {"train_normal": train[0], "test_normal": test[0], "test_anomalous": test[1]}
        have |= {"normal": train[0] + test[0], "anomalous": train[1] + test[1]}
        if copy.part == "paper" and not category.paper:
            continue
        expected = category.expected(copy.part)
        rows[category.name] = row = {}
        for kind in expected or ("train_normal", "test_normal", "test_anomalous"):
            row[kind], row[f"{kind}_expected"] = have[kind], expected.get(kind)
            if expected and have[kind] != expected[kind]:
                wrong.append(f"wrong count: {category.name} has {have[kind]} {kind} images, expected {expected[kind]}")
    return pd.DataFrame.from_dict(rows, orient="index").astype("Int64").rename_axis("category"), wrong


def _misspelt(copy: Copy) -> list[str]:
    """Category folders that differ from the published name in case alone."""
    if len(copy.spec.categories) == 1:
        return []
    by_folder = {one.category: copy.spec.category(one.category) for one in copy.everything}
    return [
        f"wrong case: category folder {folder} is published as {category.folder or category.name}"
        for folder, category in by_folder.items()
        if folder not in (category.name, category.folder)
    ]


def _look_at(sample: Sample) -> list[str]:
    """Problems of one image and its mask."""
    problems = []
    size = mask = None
    try:
        size = read_image(sample.image).size
    except Exception as error:  # a decoder may fail in any way; the check goes on and tells all
        problems.append(f"unreadable: {error}")
    if sample.mask is None:
        return problems
    try:
        mask = foreground(sample.mask, sample.mask_threshold)
    except Exception as error:
        return [*problems, f"unreadable: {error}"]
    if size and mask.shape != size[::-1]:
        problems.append(
            f"sizes differ: {sample.image} is {size[0]} x {size[1]}, its mask {mask.shape[1]} x {mask.shape[0]}"
        )
    if not mask.any():
        problems.append(f"empty mask: {sample.mask} marks nothing (grey > {sample.mask_threshold})")
    return problems


def _strays(copy: Copy) -> list[str]:
    """Files among the images that no sample uses, a line a folder."""
    used = {path for one in copy.everything for path in (one.image, one.mask) if path}
    known = {one.image.parent for one in copy.everything} | {one.mask.parent for one in copy.everything if one.mask}
    base = Path(os.path.commonpath(known))
    strays = defaultdict(list)
    for path in Folder(base).every_file():
        suffix = path.suffix.lower()
        if path not in used and (suffix in IMAGE_SUFFIXES or suffix not in ANNEX):
            strays[path.parent].append(path.name)
    return [
        f"stray: {len(names)} files in {folder} belong to no sample: {', '.join(names[:3])}{', ...' * (len(names) > 3)}"
        for folder, names in strays.items()
    ]
