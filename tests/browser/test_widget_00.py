"""Notebook 00: another sentence changes the scores and the map."""

from laboratory import SCREENSHOTS, image_of, type_into, wait_for_other_image, wait_for_other_text

NUMBERS = ".pfl-sentences"


def test_a_sentence_that_is_typed_changes_scores_and_map(lab):
    window = lab("00_start_here")
    before, picture = window.locator(NUMBERS).inner_text(), image_of(window)
    assert "p(abnormal) of this photograph" in before and "photographs of brick" in before
    type_into(window, "abnormal", "a {} that is blue.")
    wait_for_other_text(window, NUMBERS, before)
    wait_for_other_image(window, picture)
    type_into(window, "abnormal", " ")
    window.locator(NUMBERS).get_by_text("write two sentences").wait_for(timeout=60_000)
    type_into(window, "abnormal", "a photo of a damaged {}.")
    picture = image_of(window)
    window.locator(".pfl-sentences-photograph select").select_option(label="coin, normal")
    window.locator(NUMBERS).get_by_text("photographs of coin").wait_for(timeout=120_000)
    wait_for_other_image(window, picture)
    window.screenshot(path=SCREENSHOTS / "widget_00.png")
