"""docs/reference.md says what the presets do."""

import re
from pathlib import Path

import pytest

from pfl.config import PRESETS, preset

PAGE = (Path(__file__).parents[1] / "docs" / "reference.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]
FIELDS = {row[1].strip("`"): row[2:4] for row in ROWS if row[1].startswith("`")}


def value(name: str, field: str):
    part, _, attribute = field.partition(".")
    found = getattr(preset(name), part)
    return found[attribute] if isinstance(found, dict) else getattr(found, attribute)


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_names_a_field_has_the_values_of_both_presets(field):
    for name, cell in zip(("reference", "paper"), FIELDS[field], strict=True):
        found, said = value(name, field), cell.split(" (")[0]
        assert said == str(found) or pytest.approx(found) == fraction(said), f"{field} of {name} is {found}"


def fraction(text: str) -> float | None:
    match = re.fullmatch(r"([\d.]+)(?: / ([\d.]+))?", text)
    return match and float(match[1]) / float(match[2] or 1)


def test_every_difference_between_the_two_presets_is_on_the_page():
    theirs, ours = preset("reference"), preset("paper")
    for part in ("model", "train", "eval"):
        for name in vars(getattr(theirs, part)):
            if value("reference", f"{part}.{name}") != value("paper", f"{part}.{name}"):
                assert f"{part}.{name}" in FIELDS, f"{part}.{name} differs and is not explained"
    assert {key for key in theirs.clip if theirs.clip[key] != ours.clip[key]} == {"activation"}


def test_presets_are_values_never_branches_named_after_them():
    for path in (Path(__file__).parents[1] / "pfl").rglob("*.py"):
        code = path.read_text()
        for name in PRESETS:
            assert not re.search(rf"(preset|name) == [\"']{name}[\"']", code) or name == "tiny", f"{path}: {name}"
