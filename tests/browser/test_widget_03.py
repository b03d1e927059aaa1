"""Notebook 03: moving the threshold changes the counts, the figure and the images on either side."""

import re
from pathlib import Path

SCREENSHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
OTHER = "([selector, before, name]) => document.querySelector(selector)[name] !== before"


def test_the_threshold_moves_counts_and_figure(lab):
    window = lab("03_zero_shot_evaluation")
    numbers, figure = window.locator(".pfl-confusion"), window.locator(".jp-OutputArea-output img")

    def found() -> int:
        return int(re.search(r"(\d+) of \d+ defective images found", numbers.inner_text())[1])

    def move(threshold: str) -> int:
        text, picture = numbers.inner_text(), figure.get_attribute("src")
        readout = window.locator(".pfl-confusion-threshold .widget-readout")
        readout.fill(threshold)
        readout.press("Enter")
        window.wait_for_function(OTHER, arg=[".pfl-confusion", text, "innerText"], timeout=60_000)
        window.wait_for_function(OTHER, arg=[".jp-OutputArea-output img", picture, "src"], timeout=60_000)
        return found()

    low, high = move("0.30"), move("0.80")
    assert low > high, "a higher threshold finds fewer defects"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window.screenshot(path=SCREENSHOTS / "widget_03.png")

    text = numbers.inner_text()
    window.locator(".pfl-confusion-category select").select_option("coin")
    window.wait_for_function(OTHER, arg=[".pfl-confusion", text, "innerText"], timeout=60_000)
    assert numbers.inner_text().startswith("coin, threshold 0.80")
