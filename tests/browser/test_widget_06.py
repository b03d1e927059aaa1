"""Notebook 06: the threshold decides, and a picture of one's own is scored."""

import io

import numpy as np
from laboratory import SCREENSHOTS, image_of, type_into, wait_for_other_image, wait_for_other_text
from PIL import Image

NUMBERS = ".pfl-picture"


def upload(window, file: dict) -> None:
    with window.expect_file_chooser() as chooser:
        window.get_by_role("button", name="your own picture").click()
    chooser.value.set_files(file)


def test_the_threshold_decides_and_a_picture_can_be_uploaded(lab):
    window = lab("06_your_own_images")
    numbers = window.locator(NUMBERS)
    assert "IMG 0000.png: score" in numbers.inner_text() and "normal images" in numbers.inner_text()
    slider = window.locator(".pfl-picture-threshold .noUi-handle")
    slider.focus()
    window.keyboard.press("Home")
    numbers.get_by_text("defective at threshold 0.000; of 30 normal images, 30").wait_for(timeout=60_000)
    slider.focus()
    window.keyboard.press("End")
    numbers.get_by_text("normal at threshold 1.000; of 30 normal images, 0").wait_for(timeout=60_000)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)).save(file, "PNG")
    own = {"name": "desk.png", "mimeType": "image/png", "buffer": file.getvalue()}
    picture = image_of(window)
    upload(window, own)
    numbers.get_by_text("desk.png: score").wait_for(timeout=60_000)
    wait_for_other_image(window, picture)
    before, picture = numbers.inner_text(), image_of(window)
    type_into(window, "it shows a", "sticker")  # a noun that the CLIP knows; others hardly change the score
    wait_for_other_text(window, NUMBERS, before)
    wait_for_other_image(window, picture)
    window.screenshot(path=SCREENSHOTS / "widget_06.png")
    upload(window, {"name": "x.png", "mimeType": "image/png", "buffer": b"text"})
    numbers.get_by_text("cannot read the picture").wait_for(timeout=60_000)
