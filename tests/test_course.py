"""The course: an answer is right, wrong, or missing, and a wrong solution fails."""

import json

from pfl import figures
from pfl.course.answers import check


def test_an_answer_is_right_wrong_or_missing_and_a_wrong_one_gets_the_hint(capsys):
    for answer in (2, 3, "two", None):
        check(answer, lambda a: a - 2 == 0, hint="count again")
    right, wrong, other, missing = capsys.readouterr().out.splitlines()
    assert right == "right" and wrong == "wrong: count again"
    assert other.startswith("wrong: count again (TypeError") and missing.startswith("not answered yet")


def test_a_solution_with_a_wrong_or_missing_answer_is_reported(tmp_path):
    said = ["right\n", "wrong: count again\n", "not answered yet: ...\n", ""]
    cells = [{"metadata": {"tags": ["check"]}, "outputs": [{"text": [text]}] if text else []} for text in said]
    notebook = tmp_path / "00_solutions.ipynb"
    notebook.write_text(json.dumps({"cells": [{"metadata": {}, "source": ""}, *cells]}))
    assert figures.wrong_answers(notebook) == "check 2: wrong: count again\ncheck 3: not answered yet: ...\ncheck 4: "
