"""The abstract's problems: the answer follows from the table, whatever the table says."""

import numpy as np
import pandas as pd
import pytest

from pfl import claims
from pfl.course import problems


def table(above: int, below: int, others: int) -> pd.DataFrame:
    """Intervals of one comparison: so many above 0, below 0, and around it."""
    centre = np.repeat([0.02, -0.02, 0.0], [above, below, others])
    columns = {"setting": "few images", "test_set": "drawn", "comparison": "flow - bank", "metric": "image_auroc"}
    return pd.DataFrame({"low": centre - 0.01, "high": centre + 0.01, "seen_from": 0.01}).assign(**columns)


@pytest.mark.parametrize(("counts", "word"), [
    ((2, 0, 18), "shown"), ((1, 0, 19), "undecided"), ((3, 2, 15), "undecided"), ((0, 4, 16), "contradicted"),
])  # fmt: skip
def test_the_answer_needs_more_than_chance_on_one_side(counts, word):
    part = table(*counts)
    assert problems.answer(part) == word
    text = problems.sentence(part)
    assert text.startswith(f"**{word.capitalize()}**") and f"of {len(part)} intervals {counts[0]} lie above 0" in text
    assert list(problems.where(part).loc[("few images", "drawn")]) == list(counts)
    assert f"{counts[0]} lie above 0, {counts[1]} below" in problems.alt(part)


def test_the_shipped_table_is_divided_between_the_problems():
    decided, _ = claims.load()
    second, third = (problems.about(decided, problem) for problem in (2, 3))
    assert set(second.comparison) == {"bank - one prompt", "flow - one prompt"}
    assert set(third.comparison) == {"Gaussian - bank", "flow - bank"}
    assert problems.where(second).to_numpy().sum() == len(second)
    assert problems.answer(second) in claims.VERDICTS and problems.answer(third) in claims.VERDICTS
