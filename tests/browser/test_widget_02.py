"""Notebook 02: bending a Gaussian changes the figure and the log-determinant, and a fold is reported."""

import re

from laboratory import SCREENSHOTS, image_of, wait_for_other_image, wait_for_other_text

NUMBERS = ".pfl-planar"


def test_the_sliders_bend_the_gaussian(lab):
    window = lab("02_training")
    numbers = window.locator(NUMBERS)

    def move(slider: str, value: str) -> str:
        text, picture = numbers.inner_text(), image_of(window)
        readout = window.locator(f".pfl-planar-{slider} .widget-readout")
        readout.fill(value)
        readout.press("Enter")
        wait_for_other_text(window, NUMBERS, text)
        wait_for_other_image(window, picture)
        return numbers.inner_text()

    assert "u·w = 1.50." in numbers.inner_text() and "≥ −1 holds" in numbers.inner_text()
    stretched = float(re.search(r"mean over \d+ points (\S+),", numbers.inner_text())[1])
    folded = move("u1", "-2")
    assert "u·w = -2.00." in folded and "≥ −1 is violated" in folded
    assert stretched > 0 > float(re.search(r"mean over \d+ points (\S+),", folded)[1])
    assert "≥ −1 holds" in move("w1", "0.4"), "u·w = -0.8"
    assert move("c", "1") != move("w2", "-1")
    move("w1", "1")
    window.screenshot(path=SCREENSHOTS / "widget_02.png")
