"""The fixture `lab` itself: a slider in JupyterLab changes an output, and a cell that raises fails the test."""

import laboratory
import nbformat
import pytest

SLIDER = """
from ipywidgets import HTML, IntSlider, VBox
slider, shown = IntSlider(description="side"), HTML()
shown.add_class("pfl-area")
def show(_):
    shown.value = f"area {slider.value ** 2}"
slider.observe(show, "value")
show(None)
VBox([slider, shown])
"""


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    monkeypatch.setattr(laboratory, "NOTEBOOKS", tmp_path)

    def write(name: str, source: str) -> str:
        cells = [nbformat.v4.new_code_cell("raise SystemError('this cell has no tag')")]
        cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["widget"]}))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / f"{name}.ipynb")
        return name

    return write


def test_a_slider_changes_an_output(lab, notebook):
    window = lab(notebook("slider", SLIDER))
    assert window.locator(".pfl-area").inner_text() == "area 0"
    window.locator(".noUi-handle").focus()
    window.keyboard.press("ArrowRight")
    window.keyboard.press("ArrowRight")
    window.get_by_text("area 4").wait_for(timeout=20_000)


def test_a_cell_that_raises_fails_the_test_with_its_error(lab, notebook):
    with pytest.raises(AssertionError, match="(?s)a cell of broken raised.*ValueError: no such widget"):
        lab(notebook("broken", "raise ValueError('no such widget')"))
