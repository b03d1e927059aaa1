"""Settings of the book for Sphinx; `make book` runs it through `book/make.py`."""

import dataclasses
import inspect
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import pfl

MATHJAX = Path(getattr(find_spec("sphinx-mathjax-offline"), "origin", "")).parent
project = "Bayes-PFL: the course and the code"
html_title = "Bayes-PFL"
release = pfl.__version__
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx.ext.mathjax"]
include_patterns = ["*.md", "api/*.md", "docs/*.md", "figures/README.md", "notebooks/**", "pfl/assets/README.md"]
highlight_language = "none"
default_role = "code"  # docstrings put names into single backticks, as Markdown does

# --- notebooks ---
nb_execution_mode = "off"  # `make figures` has run them
nb_ipywidgets_js: dict[str, dict] = {}  # the default scripts come from a CDN
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

# --- the site: everything it needs is in its folder ---
html_theme = "furo"
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["book.css", str(MATHJAX / "static" / "mathjax" / "tex-svg.js")]
html_css_files = ["book.css"]
html_copy_source = False
html_show_search_summary = False  # it fetches pages, which a browser refuses for files
html_show_sphinx = html_show_copyright = False
html_extra_path = ["../runs/book_sources/extra"]  # what outputs of notebooks link to
mathjax_path = "tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu would load more scripts
pygments_style, pygments_dark_style = "friendly", "github-dark"

# --- API ---
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
add_module_names = False


def plain_docstring(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Make the plain text of a docstring safe as reStructuredText, and append a data class's fields.

    What is indented after a blank line is shown as it is written: examples, tables.
    """
    text = []
    for i, line in enumerate(lines):
        before = lines[i - 2] if i > 1 else ""
        if line.strip() and i > 1 and not lines[i - 1].strip() and before.strip() and indent(line) > indent(before):
            text += ["::", ""]
        text.append(escape(line))
    if what == "class" and dataclasses.is_dataclass(thing):
        text += ["", *fields(thing)]
    lines[:] = text


def escape(line: str) -> str:
    """Outside of backticks, escape what reStructuredText would take for markup."""
    parts = re.split(r"(`[^`]*`)", line)
    plain = "".join(p if p.startswith("`") else re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", p) for p in parts)
    return re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", plain)  # `step`s


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def fields(thing: type) -> list[str]:
    """The fields of a data class with the comments beside them, which hold shapes, units and reasons."""
    found = re.findall(r"^    (\w+: [^#\n]+?)  # (.+)$", inspect.getsource(thing), re.MULTILINE)
    return [line for field, comment in found for line in (f"``{field}``", f"   {escape(comment)}")]


def fold_solutions(app: Sphinx, tree: nodes.document) -> None:
    """Fold what follows each heading of a page of solutions."""
    if "solutions/" not in app.env.docname:
        return
    for section in tree.findall(
        lambda node: isinstance(node, nodes.section) and isinstance(node.parent, nodes.section)
    ):
        opening = "<details class='solution'><summary>Show the solution</summary>"
        section.insert(1, nodes.raw("", opening, format="html"))
        section.append(nodes.raw("", "</details>", format="html"))


def unwrap_tables(app: Sphinx, tree: nodes.document) -> None:
    """Keep a figure's caption to its picture: myst-nb wraps the other outputs of the cell, too."""
    for figure in [f for f in tree.findall(nodes.figure) if not list(f.findall(nodes.image))]:
        figure.parent.replace(figure, [child for child in figure if not isinstance(child, nodes.caption)])


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # before napoleon
    app.connect("doctree-read", fold_solutions)
    app.connect("doctree-read", unwrap_tables)
