"""Checking a reader's answer to an exercise."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
OPEN = "not answered yet"


def check(answer: T | None, right: Callable[[T], bool], *, hint: str) -> None:
    """Print whether an answer is right; a wrong one gets the hint, `None` counts as not answered yet.

    A lesson runs without answers, so nothing is raised. `pfl figures --solutions` fails for a solution whose answer is
    missing or wrong.

    Args:
        right: whether an answer is right; what it raises, for an answer of another type, makes the answer wrong.
        hint: what a reader with a wrong answer should look at.
    """
    if answer is None:
        return print(f"{OPEN}: set `answer` in the cell above, run it, then run this cell")
    try:
        correct, problem = bool(right(answer)), ""
    except Exception as error:  # an answer can be anything
        correct, problem = False, f" ({type(error).__name__}: {error})"
    print("right" if correct else f"wrong: {hint}{problem}")
