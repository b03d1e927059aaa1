"""Notebook 01: a stroke of the mouse becomes a mask, and a defect can be chosen instead."""

import re

from laboratory import SCREENSHOTS, image_of, wait_for_other_image, wait_for_other_text

NUMBERS = ".pfl-painting"


def pixels(window) -> int:
    return int(re.search(r"mask: (\d+) pixels", window.locator(NUMBERS).inner_text())[1])


def test_a_stroke_of_the_mouse_becomes_a_mask(lab):
    window = lab("01_data_setup")
    canvas = window.locator("canvas[aria-label*='paint']")
    canvas.wait_for(state="visible", timeout=60_000)
    before, few, picture = window.locator(NUMBERS).inner_text(), pixels(window), image_of(window)
    box = canvas.bounding_box()
    window.mouse.move(box["x"] + 60, box["y"] + 300)
    window.mouse.down()
    window.mouse.move(box["x"] + 320, box["y"] + 330, steps=8)
    window.mouse.up()
    wait_for_other_text(window, NUMBERS, before)
    assert pixels(window) > few + 500
    wait_for_other_image(window, picture)
    window.screenshot(path=SCREENSHOTS / "widget_01.png")
    before = window.locator(NUMBERS).inner_text()
    window.get_by_role("button", name="clear the painting").click()
    wait_for_other_text(window, NUMBERS, before)
    assert pixels(window) == 0
    before = window.locator(NUMBERS).inner_text()
    window.locator(".pfl-painting-kind select").select_option(label="stain")
    wait_for_other_text(window, NUMBERS, before)
    assert pixels(window) > 100
