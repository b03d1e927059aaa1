"""The slides, as a lecturer opens them: from their folder, without a network, on a screen of 1280 x 720."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "runs" / "screenshots"
SCREEN = {"width": 1280, "height": 720}
# What reaches beyond the present slide, or is too small to see, measured before reveal.js scales the slide
FAULTS = """() => {
    const slide = Reveal.getCurrentSlide(), whole = slide.getBoundingClientRect(), found = [];
    if (slide.scrollHeight > slide.clientHeight + 1) found.push(`content of ${slide.scrollHeight} px height`);
    if (slide.scrollWidth > slide.clientWidth + 1) found.push(`content of ${slide.scrollWidth} px width`);
    for (const part of slide.querySelectorAll('img, table, pre, p, li, mjx-container')) {
        const box = part.getBoundingClientRect(), name = `${part.tagName} ${part.textContent.slice(0, 40)}`;
        if (box.bottom > whole.bottom - 20 || box.right > whole.right + 1) found.push(`beyond the slide: ${name}`);
        if (part.tagName === 'IMG' && box.height < 150) found.push(`a picture of ${Math.round(box.height)} px`);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def decks(need) -> list[Path]:
    found = sorted((ROOT / "runs" / "slides").glob("*.html"))
    if not found:
        need("there are no slides; run `make slides`")
    return found


@pytest.fixture(scope="module")
def opened(watched):
    """A window that records what goes wrong in it; nothing beyond the folder may be requested."""
    window, problems = watched(("file:", "data:", "blob:"), viewport=SCREEN, reduced_motion="reduce")
    yield window, problems
    window.context.close()


def test_every_slide_fits_and_nothing_comes_from_elsewhere(decks, opened):
    window, problems = opened
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for path in decks:
        window.goto(path.as_uri(), wait_until="load", timeout=120_000)
        window.wait_for_function("Reveal.isReady()")
        window.evaluate("MathJax.startup.promise")
        slides = window.evaluate("Reveal.getTotalSlides()")
        assert slides > 10
        for k in range(slides):
            number = f"{path.stem}, slide {k + 1}"
            window.evaluate(
                "Reveal.getCurrentSlide().querySelectorAll('.fragment').forEach(f => f.classList.add('visible'))"
            )
            problems += [f"{number}: {fault}" for fault in window.evaluate(FAULTS)]
            window.screenshot(path=SCREENSHOTS / f"{path.stem}_{k + 1:02d}.png")
            window.evaluate("Reveal.next()")
        assert window.evaluate("Reveal.isLastSlide()")
        problems += window.evaluate("[...document.querySelectorAll('mjx-merror')].map(m => m.textContent)")
        problems += window.evaluate(
            "[...document.images].filter(i => !i.naturalWidth || !i.alt || i.alt.startsWith('No description'))"
            ".map(i => i.src.slice(0, 60))"
        )
    assert not problems


def test_a_fragment_appears_at_a_click(decks, opened):
    window, _ = opened
    for path in decks:
        window.goto(path.as_uri(), wait_until="load", timeout=120_000)
        window.wait_for_function("Reveal.isReady()")
        slide = window.evaluate("Reveal.getSlides().findIndex(slide => slide.querySelector('.fragment'))")
        assert slide > 0, f"{path.name} has no answer that appears at a click"
        window.evaluate(
            "k => { const i = Reveal.getIndices(Reveal.getSlides()[k]); Reveal.slide(i.h, i.v, -1); }", slide
        )
        answer = window.locator("section.present .fragment").first.locator("p").first
        answer.wait_for(state="hidden")
        window.keyboard.press("ArrowRight")
        answer.wait_for(state="visible")
