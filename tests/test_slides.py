"""The decks, without a browser: exactly the tagged cells in their order; the headings that the guide names exist.

`make browser` opens the built decks.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import slides
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
GUIDE = (ROOT / "docs" / "teaching.md").read_text("utf-8")
HEADINGS = {
    path.stem: re.findall(
        r"^#+ (.+)$",
        "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"),
        re.MULTILINE,
    )
    for path in LESSONS
}


def tagged(cell, *tags, kind=None):
    cell.metadata = nbformat.from_dict({"tags": [*tags]} | ({"slideshow": {"slide_type": kind}} if kind else {}))
    return cell


def image(text="UE5H"):
    return new_output("display_data", {"image/png": text, "text/plain": "<Figure>"})


@pytest.fixture
def notebook():
    widget = new_output("display_data", {slides.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"})
    cells = [
        new_markdown_cell("# 07 · Trial\n\nWhat it is about."),
        new_code_cell("import secret_module"),
        tagged(
            new_markdown_cell("## A section\n\nSee [the guide](../docs/results.md), $x_1$."), "lesson-1", kind="slide"
        ),
        new_markdown_cell("## Another section\n\nNot shown."),
        tagged(new_markdown_cell("**Guess first.** Which?"), "lesson-1", kind="slide"),
        tagged(new_code_cell("hidden_code()", outputs=[image()]), "lesson-1"),
        tagged(new_markdown_cell("The first."), "lesson-1", kind="fragment"),
        tagged(new_code_cell("shown_code()"), "lesson-2", "slide-code", kind="slide"),
        tagged(new_code_cell("widget()", outputs=[widget, image()]), "widget", "lesson-2", kind="slide"),
    ]
    return new_notebook(cells=cells)


def sources(deck):
    return [cell.source for cell in deck.cells]


def test_a_deck_has_exactly_the_tagged_cells_in_order(notebook):
    deck = slides.deck("lesson-1", "Lesson 1: Trial", [notebook])
    assert sources(deck) == [
        "# Lesson 1: Trial",
        "## A section\n\nSee the guide, $x_1$.",  # a link into the repository leads nowhere from a deck
        "## Another section",  # the heading of the section, since the slide has none
        "**Guess first.** Which?",
        "hidden_code()",
        "The first.",
    ]
    kinds = [cell.metadata.slideshow.slide_type for cell in deck.cells]
    assert kinds == ["slide", "slide", "slide", "-", "-", "fragment"]
    assert {cell.metadata.slideshow.data.source for cell in deck.cells[1:]} == {"07 · Trial"}


def test_a_widget_is_shown_as_a_still_picture(notebook):
    (cell,) = [cell for cell in slides.deck("lesson-2", "Lesson 2", [notebook]).cells if cell.source == "widget()"]
    assert "in notebook 07" in cell.outputs[0].data["text/markdown"] and "image/png" in cell.outputs[1].data


def test_a_picture_and_a_table_are_side_by_side_and_a_long_print_is_left_out():
    table, long = new_output("display_data", {"text/html": "<table></table>"}), new_output("stream", text="line\n" * 9)
    cell = tagged(new_code_cell("draw()", outputs=[long, table, image()]), "lesson-1", kind="slide")
    notebook = new_notebook(cells=[new_markdown_cell("# 07 · Trial"), cell])
    shown = slides.deck("lesson-1", "Lesson 1", [notebook]).cells[-1]
    assert "side-by-side" in shown.metadata.tags and "no-code" in shown.metadata.tags
    assert [output.output_type for output in shown.outputs] == ["display_data", "display_data"]


class Loads(HTMLParser):
    """What a page loads, its visible text and the number of its slides."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.text, self.slides = [], "", 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.slides += tag == "section" and "data-source" in values
        self.loads += [values[name] for name in ("src", "href") if values.get(name)] if tag != "a" else []

    def handle_data(self, data):
        self.text += data


def test_a_written_deck_loads_nothing_from_elsewhere_and_shows_no_other_code(notebook, tmp_path):
    pytest.importorskip("nbconvert")
    for lesson in ("lesson-1", "lesson-2"):
        slides.write(slides.deck(lesson, "A title", [notebook]), tmp_path / f"{lesson}.html")
    text = [(tmp_path / f"{lesson}.html").read_text("utf-8") for lesson in ("lesson-1", "lesson-2")]
    one, two = map(Loads, text)
    for page in (one, two):
        files = [url for url in page.loads if not url.startswith("data:")]
        assert files and all(file.startswith("scripts/") for file in files), files
    assert not any(re.search(r"(?:import|fetch|require)\(", t) or "://" in t for t in text)
    assert "Which?" in one.text and "secret_module" not in one.text and "hidden_code" not in one.text
    assert "shown_code" in two.text and "Which?" not in two.text
    assert one.text.index("A section") < one.text.index("Another section") < one.text.index("The first.")


def test_the_lessons_have_slides_and_each_begins_with_a_slide():
    assert [*slides.lessons()] == ["lesson-1", "lesson-2"]
    for lesson, title in slides.lessons().items():
        cells = slides.deck(lesson, title, [nbformat.read(path, 4) for path in LESSONS]).cells
        kinds = [cell.metadata.slideshow.slide_type for cell in cells]
        assert kinds.count("slide") > 15 and "fragment" in kinds
        assert {"slide", "fragment", "-"} >= set(kinds)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_tagged_cell_of_text_has_its_heading_first(path):
    """Else a slide without a heading of its own would begin with that of the section before."""
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown" and {"lesson-1", "lesson-2"} & {*cell.metadata.get("tags", [])}:
            headings = [match.start() for match in re.finditer(r"^#+ ", cell.source, re.MULTILINE)]
            assert headings in ([], [0]), f"split this cell at its heading: {cell.source[:60]}"


def test_the_guide_points_to_headings_that_exist():
    """A pointer is a link to a notebook, followed by › and the heading in italics or a list of them."""
    pointers = re.findall(
        r"\[[^]]+\]\(\.\./notebooks/(\w+)\.ipynb\)((?: ›|,| and) \*[^*]+\*(?:(?:,| and) \*[^*]+\*)*)", GUIDE
    )
    named = [(notebook, heading) for notebook, text in pointers for heading in re.findall(r"\*([^*]+)\*", text)]
    assert len(named) > 40
    assert not [(notebook, heading) for notebook, heading in named if heading not in HEADINGS[notebook]]
    assert GUIDE.count("›") == len(pointers), "a pointer of another form"
    for path in LESSONS:
        assert any(notebook == path.stem for notebook, _ in named), f"nothing points to {path.stem}"
