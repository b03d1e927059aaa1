"""Build the slides: one deck a lesson, from the tagged cells of the notebooks that `make figures` ran.

A cell tagged `lesson-1` is on the deck of lesson 1. Its slideshow metadata, which JupyterLab edits, say where a slide
begins (`slide`) and what appears at a click (`fragment`); other cells continue the slide. A slide shows the outputs of
a cell, and its code only if it is tagged `slide-code`. A slide that begins without a heading gets that of its section.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from make import ROOT, WIDGET, Drawn, drawn_figures, executed, lighten, still
from nbformat import NotebookNode, from_dict, read
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

SLIDES = ROOT / "runs" / "slides"
MOST_LINES = 5  # of a print beside other outputs
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:)[^)]*\)")  # to files of the repository, which are not beside the deck
STILL = "**Widget:** in notebook {} (`make lab`); a deck shows its first state."


def lessons() -> dict[str, str]:
    """The tag of each lesson -> its title, from the headings of docs/teaching.md."""
    text = (ROOT / "docs" / "teaching.md").read_text("utf-8")
    return {f"lesson-{number}": title for title, number in re.findall(r"^## (Lesson (\d): .+)$", text, re.MULTILINE)}


def deck(lesson: str, title: str, notebooks: list[NotebookNode]) -> NotebookNode:
    """A notebook of the lesson's slides: a cover, then the tagged cells in the order of the notebooks."""
    figures = drawn_figures()
    cells = [new_markdown_cell(f"# {title}", metadata=slide("slide", "Bayes-PFL: the course"))]
    for notebook in notebooks:
        section = name = HEADING.findall(notebook.cells[0].source)[0]
        for cell in notebook.cells:
            markdown = cell.cell_type == "markdown"
            section = (HEADING.findall(cell.source) or [section])[-1] if markdown else section
            tags = cell.metadata.get("tags", [])
            if lesson not in tags:
                continue
            kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
            if kind == "slide" and not (markdown and HEADING.match(cell.source)):
                cells.append(new_markdown_cell(f"## {section}", metadata=slide("slide", name)))
                kind = "-"
            layout = [] if markdown or "slide-code" in tags else ["no-code"]
            if markdown:
                cell.source = LINK.sub(r"\1", cell.source)
            elif show(cell, figures, notebook=name[:2]):
                layout.append("side-by-side")
            cell.metadata = slide(kind, name, layout)
            cells.append(cell)
    return new_notebook(cells=cells, metadata={"title": title})


def slide(kind: str, source: str, tags: Iterable[str] = ()) -> NotebookNode:
    """The metadata of a cell for nbconvert: how it begins, the notebook that the slide names, tags for the style."""
    return from_dict({"tags": [*tags], "slideshow": {"slide_type": kind, "data": {"source": source}}})


def show(cell: NotebookNode, figures: dict[str, Drawn], *, notebook: str) -> bool:
    """Give a code cell's figures their alt texts, make its widget a still picture, leave out long prints.

    Returns whether its outputs fit a slide better side by side: several pictures, or a picture and a table.
    """
    outputs, pictures, tables = [], [], 0
    names = [name for name in re.findall(r'"(\d\d_\w+)"', cell.source) if name in figures]
    for output in cell.outputs:
        kept, data = still(output), output.get("data", {})
        if kept and WIDGET in data:
            kept = new_output("display_data", {"text/markdown": STILL.format(notebook)})
        elif "image/png" in data:
            pictures.append(output)
        tables += "<table" in data.get("text/html", "")
        long = output.output_type == "stream" and output.text.count("\n") > MOST_LINES and len(cell.outputs) > 1
        outputs += [kept] if kept and not long else []
    for k, output in enumerate(pictures):
        figure = figures[names[min(k, len(names) - 1)]] if names else None
        if figure:
            lighten(output, figure)
        alt = (figure.alt or figure.caption) if figure else "The first state of the widget"
        output.metadata = from_dict({kind: {"alt": alt} for kind in ("image/png", "image/jpeg")})
    cell.outputs = outputs
    return bool(pictures) and len(pictures) + tables > 1


def write(slides: NotebookNode, file: Path) -> None:
    from nbconvert import SlidesExporter  # here, so that the tests of the decks need no nbconvert
    from traitlets.config import Config

    exporter = SlidesExporter(
        template_name="slides",
        extra_template_basedirs=[str(ROOT / "book")],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_input_tags": {"no-code"}}),
        reveal_url_prefix="scripts",
        reveal_theme="course",
        reveal_width="1280",  # pixels
        reveal_height="720",
        reveal_number="c/t",
        reveal_transition="none",
    )
    file.write_text(exporter.from_notebook_node(slides)[0], "utf-8")


def copy_scripts(folder: Path) -> None:
    """Copy reveal.js and MathJax, from the packages that bring them, and the style of the slides."""
    reveal, mathjax = (Path(find_spec(name).origin).parent for name in ("sphinx_revealjs", "sphinx-mathjax-offline"))
    reveal /= "_static/revealjs"
    (folder / "dist" / "theme").mkdir(parents=True)
    for name in ("dist/reveal.css", "dist/reveal.js", "LICENSE"):
        shutil.copy(reveal / name, folder / name)
    shutil.copy(ROOT / "book" / "slides" / "course.css", folder / "dist" / "theme")
    shutil.copy(mathjax / "static" / "mathjax" / "tex-svg.js", folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="tiny", help="whose executed notebooks to show (default: tiny)")
    copies = executed(parser.parse_args().preset)
    shutil.rmtree(SLIDES, ignore_errors=True)
    copy_scripts(SLIDES / "scripts")
    for lesson, title in lessons().items():
        notebooks = [read(path, as_version=4) for stored, path in copies.items() if stored.parent.name != "solutions"]
        file = SLIDES / f"{lesson.replace('-', '')}.html"
        write(deck(lesson, title, notebooks), file)
        print(f"slides: {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
