"""A widget's frame: controls, the numbers of their values as text, and the figure of their values."""

import html
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import display
from ipywidgets import HTML, Box, HBox, Layout, VBox, Widget
from matplotlib.figure import Figure


def explorer(draw: Callable[..., tuple[Figure, str]], controls: dict[str, Widget], *, name: str) -> VBox:
    """Show the figure of the controls' values, and return the controls and the numbers.

    The figure is an ordinary output, so it is shown where widgets are not (papermill, PDF, the book).

    Args:
        draw: takes each control's value by its name, and returns a figure and its numbers as HTML. What it raises is
            shown in place of the numbers.
        controls: widgets with a `value`, by the argument of `draw` that each sets.
        name: the numbers get the CSS class `pfl-NAME`, and each control `pfl-NAME-ARGUMENT`.
    """
    numbers = HTML()
    shown: Any = None
    numbers.add_class(f"pfl-{name}")

    def update(_=None) -> None:
        nonlocal shown
        try:
            figure, numbers.value = draw(**{key: control.value for key, control in controls.items()})
        except Exception as error:  # the reader has to see it, and a callback's exception goes to a log
            numbers.value = f"<b>{type(error).__name__}:</b> {html.escape(str(error))}"
            return
        plt.close(figure)  # or the cell would show it a second time
        if shown is None:
            shown = display(figure, display_id=True)
        else:
            shown.update(figure)

    for key, control in controls.items():
        control.add_class(f"pfl-{name}-{key}")
        control.observe(update, "value")
    update()
    box: Box = HBox(list(controls.values()), layout=Layout(flex_flow="row wrap"))
    return VBox([box, numbers])
