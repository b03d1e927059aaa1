"""Notebook 03: moving the threshold changes the counts, the figure and the images on either side."""

import re

from laboratory import SCREENSHOTS, image_of, wait_for_other_image, wait_for_other_text

NUMBERS = ".pfl-confusion"


def test_the_threshold_moves_counts_and_figure(lab):
    window = lab("03_zero_shot_evaluation")
    numbers = window.locator(NUMBERS)

    def move(threshold: str) -> int:
        text, picture = numbers.inner_text(), image_of(window)
        readout = window.locator(".pfl-confusion-threshold .widget-readout")
        readout.fill(threshold)
        readout.press("Enter")
        wait_for_other_text(window, NUMBERS, text)
        wait_for_other_image(window, picture)
        return int(re.search(r"(\d+) of \d+ defective images found", numbers.inner_text())[1])

    assert move("0.30") > move("0.80"), "a higher threshold finds fewer defects"
    text, picture = numbers.inner_text(), image_of(window)
    window.locator(".pfl-confusion-category select").select_option("coin")
    wait_for_other_text(window, NUMBERS, text)
    wait_for_other_image(window, picture)
    assert numbers.inner_text().startswith("coin, threshold 0.80")
    window.screenshot(path=SCREENSHOTS / "widget_03.png")
