"""Notebook 05: switching a part off changes the score and the map, and the widget says that nothing was retrained."""

from functools import partial

from laboratory import SCREENSHOTS, operate

NUMBERS = ".pfl-parts"


def test_switching_a_part_off_changes_score_and_map(lab):
    window = lab("05_ablations")
    change = partial(operate, window, NUMBERS)
    numbers = window.locator(NUMBERS)
    assert "Switched off: context distribution (ISD)" in numbers.inner_text()
    assert "not a retrained ablation" in numbers.inner_text()

    assert "cross-modal attention (RCA)" in change(window.locator(".pfl-parts-rca input").uncheck)
    window.screenshot(path=SCREENSHOTS / "widget_05.png")
    text = change(window.locator(".pfl-parts-iad input").uncheck)
    assert "→ 0.000)" in text, "without distributions the score has no spread over samples"
    change(lambda: window.locator(".pfl-parts-image select").select_option(index=1))
