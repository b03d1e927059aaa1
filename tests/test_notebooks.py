"""The stored notebooks: no outputs, one flat parameters cell, and the parts that every lesson has."""

import ast
import inspect
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))


def read(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_lessons_are_numbered_without_a_gap():
    assert [path.name[:2] for path in LESSONS] == [f"{i:02d}" for i in range(len(LESSONS))]
    assert len(LESSONS) >= 6


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda p: p.stem)
def test_no_outputs_or_execution_metadata_are_stored(path):
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, f"clear the outputs of {path.name}"
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3"  # other kernel names are not found on other machines


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda p: p.stem)
def test_parameters_are_one_cell_of_commented_literals(path):
    tagged = [c for c in read(path).cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    statements = ast.parse(tagged[0].source).body
    assert statements and all(isinstance(s, ast.Assign) for s in statements)
    for statement in statements:
        ast.literal_eval(statement.value)  # a derived value would not change with an injected parameter
    assert all("#" in line for line in tagged[0].source.splitlines()), "each parameter has a type and a comment"
    assert statements[0].targets[0].id == "preset" and ast.literal_eval(statements[0].value) == "tiny"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_all_the_usual_parts(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for part in (
        "**Question:**",
        "**Goals**",
        "**Prerequisites**",
        "**Time**",
        "**Download**",
        "## Recap",
        "## Exercises",
    ):
        assert part in text, f"{path.name} lacks {part}"
    solutions = FOLDER / "solutions" / f"{path.name[:2]}_solutions.ipynb"
    assert solutions.exists() and f"solutions/{solutions.name}" in text


def tagged(path: Path, tag: str) -> list[str]:
    return [cell.source for cell in read(path).cells if tag in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_an_exercise_and_its_solution_are_checked_by_the_same_cell(path):
    solutions = FOLDER / "solutions" / f"{path.name[:2]}_solutions.ipynb"
    assert tagged(path, "check") == tagged(solutions, "check")
    assert all(re.match(r"check\(\s*answer,", source) for source in tagged(path, "check"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_lessons_import_the_package_and_check_their_claims(path):
    trees = [ast.parse(cell.source) for cell in read(path).cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    assert any(isinstance(n, ast.Import) and any(a.name == "pfl" for a in n.names) for n in nodes)
    assert not any(isinstance(n, ast.ClassDef) for n in nodes), "model code belongs in the package"
    assert any(isinstance(n, ast.Assert) for n in nodes), f"{path.name} makes claims without an assertion"


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda p: p.stem)
def test_notebooks_name_only_what_the_modules_they_import_have(path):
    nodes = [n for c in read(path).cells if c.cell_type == "code" for n in ast.walk(ast.parse(c.source))]
    imports, names = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)], {}
    exec("\n".join(map(ast.unparse, imports)), names)
    for node in nodes:
        if isinstance(node, ast.Attribute):
            *owner, attribute = ast.unparse(node).split(".")
            module = names.get(owner[0])
            for part in owner[1:]:
                module = getattr(module, part, None)
            if inspect.ismodule(module):
                assert hasattr(module, attribute), f"{path.name}: {ast.unparse(node)} does not exist"


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda p: p.stem)
def test_code_cells_have_at_most_15_lines(path):
    long = [c.source for c in read(path).cells if c.cell_type == "code" and len(c.source.splitlines()) > 15]
    assert not long, f"{path.name}: move what draws a figure into pfl/course:\n{long[0]}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_every_saved_figure_has_an_alt_text(path):
    nodes = [n for c in read(path).cells if c.cell_type == "code" for n in ast.walk(ast.parse(c.source))]
    saved = [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("save_figure")]
    without = [ast.unparse(call) for call in saved if "alt" not in [keyword.arg for keyword in call.keywords]]
    assert not without, f"{path.name}: say what is to be seen, for those who cannot see it: {without[0]}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_one_widget_and_a_setup_that_comes_before_it(path):
    tags = [tag for c in read(path).cells for tag in c.metadata.get("tags", []) if tag in ("setup", "widget")]
    assert tags.count("widget") == 1 and "setup" in tags and tags[-1] == "widget"


def test_every_figure_has_its_numbers_is_drawn_by_a_notebook_and_is_light():
    figures = FOLDER.parent / "figures"
    sources = "\n".join(c.source for p in LESSONS for c in read(p).cells if c.cell_type == "code")
    pictures = sorted([*figures.glob("*.png"), *figures.glob("*.webp")])
    assert pictures and len({p.stem for p in pictures}) == len(pictures)
    for picture in pictures:
        assert picture.with_suffix(".csv").exists(), f"{picture.name} has no numbers"
        assert f'"{picture.stem}"' in sources, f"no notebook draws {picture.name}; delete it"
        assert picture.stat().st_size <= 300_000, f"{picture.name} is too large; see plotting.save_figure"
    assert sum(picture.stat().st_size for picture in pictures) < 5e6


def test_the_readmes_show_figures_that_exist():
    for page in (FOLDER.parent / "README.md", *FOLDER.parent.glob("docs/*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name} links to {link}, which does not exist"
