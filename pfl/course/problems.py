"""The abstract's second and third problem: what the table of `pfl.claims` says about each."""

import pandas as pd

from .. import claims

CHANCE = 0.025  # share of 95 % intervals that lie above 0 where nothing differs; as many lie below
EVIDENCE = 0.1  # share from which an answer is given: four times chance, since rows share images and trainings


def about(decided: pd.DataFrame, problem: int) -> pd.DataFrame:
    """The rows of `claims.load` whose comparison bears on a problem, 2 or 3."""
    names = [f"{a} - {b}" for (a, b), claim in claims.COMPARISONS.items() if claim.startswith(f"{problem}:")]
    return decided[decided["comparison"].isin(names)]


def answer(part: pd.DataFrame) -> str:
    """Return "shown", "contradicted" or "undecided", by how many intervals lie on either side of 0.

    It is shown if at least `EVIDENCE` of them lie above 0, and twice as many as below; contradicted if the reverse.
    """
    above, below = _sides(part)
    enough = EVIDENCE * len(part)
    if above >= enough and above >= 2 * below:
        return "shown"
    return "contradicted" if below >= enough and below >= 2 * above else "undecided"


def sentence(part: pd.DataFrame) -> str:
    """The answer with its counts, in Markdown."""
    above, below = _sides(part)
    text = f"**{answer(part).capitalize()}**, by the rule above: of {len(part)} intervals {above} lie above 0 and "
    text += f"{below} below; about {CHANCE * len(part):.0f} of each are expected where nothing differs."
    if undecided := len(part) - above - below:
        seen = part["seen_from"][(part["low"] <= 0) & (part["high"] >= 0)].median()
        text += f" In half of the {undecided} others, a difference of {seen:.3f} would have been seen."
    return text


def where(part: pd.DataFrame) -> pd.DataFrame:
    """How many intervals are shown, contradicted and undecided: a row per training setting, columns by test set."""
    words = part.assign(verdict=list(map(claims.verdict, part["low"], part["high"])))
    counts = words.groupby(["setting", "test_set"], sort=False)["verdict"].value_counts().unstack(fill_value=0)
    return counts.reindex(columns=claims.VERDICTS, fill_value=0).rename_axis(columns=None)


def alt(part: pd.DataFrame) -> str:
    """The alt text of `claims.draw`."""
    names = " and ".join(dict.fromkeys(part["comparison"].str.replace(" - ", " minus ")))
    shown = part[part["metric"].isin(("image_auroc", "pixel_pro"))]
    above, below = _sides(shown)
    return (
        f"Differences with 95 % intervals, {names}, by setting (columns), metric (rows) and test set (marker). "
        f"Of {len(shown)} intervals {above} lie above 0, {below} below, and all others contain 0."
    )


def _sides(part: pd.DataFrame) -> tuple[int, int]:
    """How many intervals lie above 0, and how many below."""
    return int((part["low"] > 0).sum()), int((part["high"] < 0).sum())
