"""Notebook 01: a stroke of the mouse becomes a mask, and a defect can be chosen instead."""

import re

from laboratory import SCREENSHOTS, image_of

NUMBERS = ".pfl-painting"


def pixels(window) -> int:
    return int(re.search(r"mask: (\d+) pixels", window.locator(NUMBERS).inner_text())[1])


def changed(window, before: str) -> None:
    window.wait_for_function(f"document.querySelector('{NUMBERS}').innerText !== {before!r}", timeout=60_000)


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
    changed(window, before)
    assert pixels(window) > few + 500 and image_of(window) != picture
    window.screenshot(path=SCREENSHOTS / "widget_01.png")
    before = window.locator(NUMBERS).inner_text()
    window.get_by_role("button", name="clear the painting").click()
    changed(window, before)
    assert pixels(window) == 0
    before = window.locator(NUMBERS).inner_text()
    window.locator(".pfl-painting-kind select").select_option(label="stain")
    changed(window, before)
    assert pixels(window) > 100
