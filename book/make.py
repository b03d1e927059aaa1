"""Build the book: the executed notebooks, their solutions, the pages of docs/ and the API, as a static site.

`make figures` leaves the executed notebooks in `runs/notebooks/`; nothing is executed here. The sources of the site are
laid out like the repository, so that links between its files work in the book, too.
"""

import argparse
import base64
import io
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from PIL import Image
from rooms import write_api

import pfl
from pfl import diagram
from pfl.plotting import alt_text

ROOT = Path(__file__).parents[1]
SOURCES, SITE = ROOT / "runs" / "book_sources", ROOT / "runs" / "book"
PAGES = "CHANGELOG.md CITATION.cff CONTRIBUTING.md LICENSE Makefile README.md environment.yml".split()
FOLDERS = "docs figures pfl tests".split()
HEAVY = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.npz")
DIAGRAM = re.compile(r'^diagram\(.*lit="(\d\d)"', re.MULTILINE)
WIDGET = "application/vnd.jupyter.widget-view+json"
LINKED = re.compile(r"<(a|iframe)\s[^>]*?(?:href|src)=['\"]([^'\":#]+)['\"][^>]*>(.*?)</\1>", re.DOTALL)
STILL = "*The controls work in a running notebook (`make lab`); the book shows their first state.*"
NOT_RUN = "**This build has no executed copy of the solutions, so it shows their code without output.**"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture in figures/, its caption, which is its row in figures/README.md, and its alt text, if it has one."""

    path: Path
    notebook: str
    caption: str
    alt: str


def drawn_figures() -> dict[str, Drawn]:
    """The figures by name, in the order of the table in figures/README.md."""
    figures = {}
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (.+?) \|", (ROOT / "figures/README.md").read_text("utf-8"), re.MULTILINE
    )
    for name, notebook, caption in rows:
        path = next((ROOT / "figures").glob(f"{name}.[pw]*"))
        figures[name] = Drawn(path=path, notebook=notebook, caption=caption, alt=alt_text(path))
    return figures


def executed(preset: str) -> dict[Path, Path]:
    """Where each lesson and each solution is stored -> its executed copy; a solution without one is its own."""
    copies, missing = {}, []
    for path in sorted((ROOT / "notebooks").rglob("[0-9][0-9]_*.ipynb")):
        stored = path.relative_to(ROOT / "notebooks")
        copy = ROOT / "runs" / "notebooks" / preset / stored
        solution = stored.parent.name == "solutions"
        if not copy.exists() and not solution:
            missing.append(str(copy.relative_to(ROOT)))
        copies[stored] = copy if copy.exists() else path
    if missing:
        sys.exit(f"make book: no executed notebook {', '.join(missing)}; run `make figures` first")
    return copies


def prepare(path: Path, figures: dict[str, Drawn], preset: str) -> nbformat.NotebookNode:
    """An executed notebook for the book: its pictures with captions and alt texts, its widgets as still pictures."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    # papermill repeats the parameters in a cell of its own
    notebook.cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE) or [heading])[-1]
            cell.source = re.sub(r"\[([^]]+)\]\((?:\.\./)*pfl/([\w/]+)\.py\)", _module_link, cell.source)
            continue
        cell.outputs = [output for output in map(still, cell.outputs) if output]
        for output in cell.outputs:
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = LINKED.sub(keep_linked, output.data["text/html"])
        name = next((n for n in re.findall(r'"(\d\d_\w+)"', cell.source) if n in figures), None)
        lit = DIAGRAM.search(cell.source)
        words = diagram.alt_text(pfl.preset(preset), lit=lit[1]) if lit else f"Picture of the section “{heading}”"
        options = {"image": {"alt": words}}
        if name:
            figure = figures[name]
            options["image"]["alt"] = figure.alt or f"Figure: {figure.caption}"
            options["figure"] = {"caption": caption(name, figure, "../" * len(path.parent.name.split("/")))}
            for output in cell.outputs:
                lighten(output, figure)
        cell.metadata = nbformat.NotebookNode(tags=cell.metadata.get("tags", []), mystnb=options)
    return notebook


def _module_link(found: re.Match) -> str:
    return f"{{py:mod}}`{found[1].strip('`')} <pfl.{found[2].replace('/', '.')}>`"


def keep_linked(found: re.Match) -> str:
    """A link of an output to a file of this run, such as a report, which is copied into the site; else its text."""
    file = (ROOT / "notebooks" / found[2]).resolve()
    if not (file.is_file() and file.is_relative_to(ROOT)):
        return found[3]
    copy = SOURCES / "extra" / file.relative_to(ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, copy)
    return found[0]


def caption(name: str, figure: Drawn, root: str) -> str:
    return f"{figure.caption[:1].upper()}{figure.caption[1:]} ([`{name}`]({root}figures/{name}.csv))"


def still(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """An output without the parts that need a kernel: a widget becomes a sentence, a progress bar nothing."""
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if WIDGET in output.get("data", {}):
        progress = re.search(r"\d+%\|", output.data.get("text/plain", ""))
        return None if progress else nbformat.v4.new_output("display_data", {"text/markdown": STILL})
    return output


def lighten(output: nbformat.NotebookNode, figure: Drawn) -> None:
    """Store a figure that shows photographs or drawings as JPEG, which is several times smaller."""
    data = output.get("data", {})
    if figure.path.suffix == ".webp" and "image/png" in data:
        file = io.BytesIO()
        picture = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGB")
        picture.save(file, "JPEG", quality=88, subsampling=0, optimize=True)
        data["image/jpeg"] = base64.b64encode(file.getvalue()).decode()


def gallery(figures: dict[str, Drawn], lessons: dict[str, str]) -> str:
    """All figures with their captions, to follow the table of figures/README.md."""
    parts = ["\n## Gallery\n"]
    for name, figure in figures.items():
        where = f"From [notebook {figure.notebook}](../notebooks/{lessons[figure.notebook]}); [numbers]({name}.csv)."
        alt = (figure.alt or f"Figure: {figure.caption}").replace("\n", " ")
        parts.append(f"```{{figure}} {figure.path.name}\n:alt: {alt}\n\n{caption(name, figure, '../')} {where}\n```\n")
    return "\n".join(parts)


def lay_out(preset: str) -> None:
    """Write the sources of the site into `runs/book_sources/`."""
    copies, figures = executed(preset), drawn_figures()
    shutil.rmtree(SOURCES, ignore_errors=True)
    (SOURCES / "notebooks" / "solutions").mkdir(parents=True)
    (SOURCES / "extra").mkdir()
    for name in PAGES:
        shutil.copy(ROOT / name, SOURCES)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, SOURCES / name, ignore=HEAVY)
    for stored, path in copies.items():
        notebook = prepare(path, figures, preset)
        if not any(cell.get("outputs") for cell in notebook.cells):
            notebook.cells.insert(1, nbformat.v4.new_markdown_cell(NOT_RUN))
        (SOURCES / "notebooks" / stored).write_text(json.dumps(notebook), encoding="utf-8")
    lessons = {path.name[:2]: path.name for path in copies if path.parent.name != "solutions"}
    with open(SOURCES / "figures" / "README.md", "a", encoding="utf-8") as page:
        page.write(gallery(figures, lessons))
    for page in (ROOT / "book").glob("*.md"):
        shutil.copy(page, SOURCES)
    write_api(ROOT, SOURCES / "api")
    without = [name for name, figure in figures.items() if not figure.alt]
    if without:
        print(f"no alt text, so the caption stands in for it: {', '.join(without)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="tiny", help="whose executed notebooks to show (default: tiny)")
    parser.add_argument("--only", choices=["live"], help="build the live page alone, without the book around it")
    arguments = parser.parse_args()
    if arguments.only:
        return build_live()
    lay_out(arguments.preset)
    shutil.rmtree(SITE, ignore_errors=True)
    from live_page import RUNTIME
    from sphinx.cmd.build import main as sphinx  # here, so that the tests of this file need no Sphinx

    cache = ["-d", str(SOURCES.with_name("book_cache")), "-E"]
    status = sphinx(["-q", "-W", "--keep-going", "-c", str(ROOT / "book"), *cache, str(SOURCES), str(SITE)])
    if RUNTIME.exists():
        status = status or build_live()
    else:
        print("the live page is left out, since onnxruntime-web is missing; `make live` installs it (it needs npm)")
    if not status:
        print(f"the book: {SITE / 'index.html'}")
    return status


def build_live() -> int:
    from live_page import build  # here, so that the tests of this file need no onnxruntime-web

    size = build(SITE / "live")
    print(f"the live page, {size / 1e6:.1f} MB: python -m http.server --directory {SITE}, http://localhost:8000/live/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
