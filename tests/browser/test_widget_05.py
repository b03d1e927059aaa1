"""Notebook 05: switching a part off changes the score and the map, and says that nothing was retrained."""

from pathlib import Path

SCREENSHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
OTHER = "([selector, before, name]) => document.querySelector(selector)[name] !== before"


def test_switching_a_part_off_changes_score_and_map(lab):
    window = lab("05_ablations")
    numbers, figure = window.locator(".pfl-parts"), window.locator(".jp-OutputArea-output img")
    assert "Switched off: context distribution (ISD)" in numbers.inner_text()
    assert "not a retrained ablation" in numbers.inner_text()

    def operate(action) -> str:
        text, picture = numbers.inner_text(), figure.get_attribute("src")
        action()
        window.wait_for_function(OTHER, arg=[".pfl-parts", text, "innerText"], timeout=60_000)
        window.wait_for_function(OTHER, arg=[".jp-OutputArea-output img", picture, "src"], timeout=60_000)
        return numbers.inner_text()

    text = operate(window.locator(".pfl-parts-rca input").uncheck)
    assert "cross-modal attention (RCA)" in text
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window.screenshot(path=SCREENSHOTS / "widget_05.png")

    text = operate(window.locator(".pfl-parts-iad input").uncheck)
    assert "→ 0.000)" in text, "without distributions the score has no spread over samples"
    before = numbers.inner_text()
    window.locator(".pfl-parts-image select").select_option(index=1)
    window.wait_for_function(OTHER, arg=[".pfl-parts", before, "innerText"], timeout=60_000)
