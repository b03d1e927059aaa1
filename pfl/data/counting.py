"""Count the images of a copy, say what differs from the published counts, and which other set has these counts."""

from collections import Counter
from collections.abc import Sequence

from .catalogue import SPECS
from .samples import Sample
from .spec import Spec

Counts = dict[str, dict[str, tuple[int, int | None]]]  # category -> kind -> found, expected (None: unknown)


def count(spec: Spec, part: str, samples: Sequence[tuple[str, Sample]]) -> Counts:
    """The counts of a part's (split, sample) pairs, for each category that belongs to it.

    Kinds are train_normal, test_normal and test_anomalous, or normal and anomalous where both splits are pooled.
    """
    found = Counter((sample.category, split, sample.label) for split, sample in samples)
    counts: Counts = {}
    for category in spec.categories:
        if part == "paper" and not category.paper:
            continue
        train, test = ([found[category.name, split, label] for label in (0, 1)] for split in ("train", "test"))
        have = {"train_normal": train[0], "test_normal": test[0], "test_anomalous": test[1]}
        have |= {"normal": train[0] + test[0], "anomalous": train[1] + test[1]}
        expected = category.expected(part)
        kinds = expected or ("train_normal", "test_normal", "test_anomalous")
        counts[category.name] = {kind: (have[kind], expected.get(kind)) for kind in kinds}
    return counts


def differences(spec: Spec, counts: Counts, split: str = "all") -> tuple[str, ...]:
    """What a split has less or more of than published: one line for all missing categories, and one per other category.

    Pooled counts are compared whatever the split. Empty if nothing differs.
    """
    other = {"train": "test_", "test": "train_"}.get(split)
    missing, wrong = [], []
    for category, kinds in counts.items():
        compared = {kind: pair for kind, pair in kinds.items() if not (other and kind.startswith(other))}
        if all(expected in (None, found) for found, expected in compared.values()):
            continue
        if not any(found for found, _ in kinds.values()):
            missing.append(category)
            continue
        shown = {kind.removeprefix(f"{split}_").replace("_", " "): pair for kind, pair in compared.items() if any(pair)}
        expected = " + ".join(f"{number} {kind}" for kind, (_, number) in shown.items())
        found = " + ".join(str(number) for number, _ in shown.values())
        place = f"{category}: " if len(counts) > 1 else ""
        wrong.append(f"wrong count: {place}expected {expected}, found {found}")
    if wrong and (twin := alike(spec, counts)):
        wrong[-1] += f"; this looks like {twin.title}"
    return (f"missing categories: {', '.join(missing)}",) * bool(missing) + tuple(wrong)


def in_short(notes: Sequence[str]) -> str:
    """The first three notes, and how many more there are."""
    return "; ".join([*notes[:3], *[f"and {len(notes) - 3} more"] * (len(notes) > 3)])


def alike(spec: Spec, counts: Counts) -> Spec | None:
    """The other set with exactly these counts, or None; only for a set of one category, whose layout others share."""
    if len(spec.categories) > 1:
        return None
    (kinds,) = counts.values()
    found = _normal_and_anomalous({kind: number for kind, (number, _) in kinds.items()})
    for one in SPECS.values():
        if one.name != spec.name and len(one.categories) == 1:
            (category,) = one.categories
            for part in ("paper", *category.pooled):
                if found == _normal_and_anomalous(category.expected(part)):
                    return one
    return None


def _normal_and_anomalous(kinds: dict[str, int]) -> tuple[int, int]:
    normal = sum(number for kind, number in kinds.items() if kind.endswith("normal"))
    return normal, sum(kinds.values()) - normal
