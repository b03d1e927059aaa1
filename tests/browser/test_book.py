"""The built book, as a reader opens it: from its folder, without a network, on a desktop and on a phone."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SCREENSHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
TALL = 8000  # pixels of a page that a screenshot shows at most
SHOWN = (
    "index notebooks/00_start_here notebooks/02_training notebooks/03_zero_shot_evaluation "
    "notebooks/04_prompt_distributions notebooks/06_your_own_images notebooks/solutions/02_solutions "
    "api/index api/method glossary figures/README docs/reference"
).split()
ELSEWHERE = re.compile(r"^(https?:)?//")


class Page(HTMLParser):
    """The ids of a page, its links, what it loads, and its images without an alt text."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.loads, self.without_alt = set(), [], [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if values.get("src"):
            self.loads.append(values["src"])
        if tag == "link" and values.get("href") and values.get("rel") != "canonical":
            self.loads.append(values["href"])
        if tag == "img" and not values.get("alt", "").strip() and values.get("role") != "presentation":
            self.without_alt.append(values["src"])


@cache
def read(path: Path) -> Page:
    return Page(path)


def pages(book: Path) -> list[Path]:
    return sorted(book.rglob("*.html"))


def test_every_image_has_an_alt_text_that_is_not_a_file_name(book):
    assert not {page: found for page in pages(book) if (found := read(page).without_alt)}
    alts = [alt for page in pages(book) for alt in re.findall(r'<img[^>]* alt="([^"]*)"', page.read_text("utf-8"))]
    assert len(alts) > 60 and not [alt for alt in alts if re.search(r"^\S+\.(png|webp|jpe?g|svg)$", alt)]


def test_links_images_and_anchors_lead_somewhere(book):
    broken = []
    for page in pages(book):
        for link in {*read(page).links, *read(page).loads}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not target.is_file() or anchor and target.suffix == ".html" and anchor not in read(target).ids:
                broken.append(f"{page.relative_to(book)}: {link}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(book):
    found = [f"{page.name}: {url}" for page in pages(book) for url in read(page).loads if ELSEWHERE.match(url)]
    for sheet in book.rglob("*.css"):
        urls = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')]+)", sheet.read_text("utf-8"))
        found += [f"{sheet.name}: {url}" for url in urls if ELSEWHERE.match(url)]
    for script in book.rglob("*.js"):
        urls = re.findall(r"(?:import\(|importScripts\(|fetch\(|\.src ?= ?)[\"'`]([^\"'`]+)", script.read_text("utf-8"))
        found += [f"{script.name}: {url}" for url in urls if ELSEWHERE.match(url)]
    assert not found


@pytest.fixture(scope="module")
def opened(watched):
    """A window that records what goes wrong in it; nothing beyond the folder may be requested."""
    window, problems = watched(("file:", "data:", "blob:"), viewport=PHONE)
    yield window, problems
    window.context.close()


def open_page(window, path: Path) -> None:
    window.goto(path.as_uri(), wait_until="load", timeout=120_000)
    window.evaluate("window.MathJax?.startup?.promise")


def test_pages_load_whole_and_fit_a_phone(book, opened):
    window, problems = opened
    faults = []
    for path in pages(book):
        problems.clear()
        window.set_viewport_size(PHONE)
        open_page(window, path)
        width = window.evaluate("document.scrollingElement.scrollWidth")
        problems += [f"{width} px wide"] if width > PHONE["width"] else []
        problems += window.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
        problems += window.evaluate(
            "[...document.querySelectorAll('mjx-merror, .math:not(:has(mjx-container))')].map(m => m.textContent)"
        )
        faults += [f"{path.relative_to(book)}: {problem}" for problem in problems]
    assert not faults


def test_search_finds_a_notebook_without_a_server(book, opened):
    window, problems = opened
    problems.clear()
    window.goto((book / "search.html").as_uri() + "?q=planar")
    window.wait_for_selector("ul.search li a", timeout=20_000)
    assert window.locator("ul.search li a[href*='02_training']").count() and not problems


def test_a_solution_is_folded_until_it_is_opened(book, opened):
    window, _ = opened
    window.goto((book / "notebooks/solutions/00_solutions.html").as_uri())
    solution = window.locator("details.solution").first
    code = solution.locator(".cell_input").first
    assert not code.is_visible()
    solution.locator("summary").click()
    assert code.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshots_to_look_at(book, browser, scheme):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    backgrounds = set()
    for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        window = context.new_page()
        for name in SHOWN:
            open_page(window, book / f"{name}.html")
            file = f"{name.replace('/', '_')}_{size}_{scheme}.jpeg"
            height = min(TALL, window.evaluate("document.scrollingElement.scrollHeight"))
            part = {"x": 0, "y": 0, "width": viewport["width"], "height": height}
            window.screenshot(path=SCREENSHOTS / file, full_page=True, clip=part, type="jpeg", quality=70)
            backgrounds.add(window.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    (background,) = backgrounds
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert brightness > 200 if scheme == "light" else brightness < 60
