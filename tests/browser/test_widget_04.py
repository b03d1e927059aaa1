"""Notebook 04: stepping through the samples changes the prompt, its map, its point and the agreement so far."""

import re
from functools import partial

from laboratory import SCREENSHOTS, operate

NUMBERS = ".pfl-agreement"


def test_samples_are_stepped_through(lab):
    window = lab("04_prompt_distributions")
    change = partial(operate, window, NUMBERS)
    numbers = window.locator(NUMBERS)
    assert re.search(r"Prompt 1 of the bank, sample 1 of \d+, abnormal", numbers.inner_text())
    assert "spread 0.000" in numbers.inner_text(), "one sample has no spread"

    def slide(name: str, value: int):
        readout = window.locator(f"{NUMBERS}-{name} .widget-readout")
        readout.fill(str(value))
        readout.press("Enter")

    text = change(lambda: slide("sample", 7))
    assert "sample 7 of" in text and "Samples 1 to 7" in text
    assert float(re.search(r"spread (\d\.\d+)", text)[1]) > 0, "seven samples should differ"
    score = re.search(r"Sample 7: score (\S+)\.", text)[1]
    text = change(lambda: slide("prompt", 2))
    assert text.startswith("Prompt 2 of the bank") and f"Sample 7: score {score}." in text, "a sample has one score"
    text = change(lambda: window.locator(f"{NUMBERS}-which select").select_option("normal"))
    assert "[normal state 2 + z_state 7]" in text
    text = change(lambda: window.locator(f"{NUMBERS}-image select").select_option(index=5))
    assert f"Sample 7: score {score}." not in text
    window.screenshot(path=SCREENSHOTS / "widget_04.png")
