"""What the book is made of, without building it: `make browser` checks the built one."""

import importlib
import re
from pathlib import Path

import make
import nbformat
import pytest
import rooms

ROOT = Path(__file__).parents[1]


def test_every_module_has_a_page_and_every_public_name_a_row(tmp_path):
    rooms.write_api(ROOT, tmp_path / "api")
    pages = {path.stem: path.read_text() for path in (tmp_path / "api").glob("*.md")}
    for path in (ROOT / "pfl").rglob("[!_]*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert sum(page.count(f"automodule:: {module}\n") for page in pages.values()) == 1, module
    names = re.findall(r"`pfl\.(\w+) <", pages["index"])
    assert sorted(names) == sorted(importlib.import_module("pfl").__all__)


def test_the_glossary_names_code_that_exists():
    targets = re.findall(r"\{py:obj\}`[^<`]+<([\w.]+)>`", (ROOT / "book" / "glossary.md").read_text())
    assert len(targets) > 20
    for target in targets:
        parts = target.split(".")
        module = next(".".join(parts[:i]) for i in range(len(parts), 0, -1) if is_module(".".join(parts[:i])))
        thing = importlib.import_module(module)
        for name in parts[module.count(".") + 1 :]:
            thing = getattr(thing, name)


def is_module(name: str) -> bool:
    return (ROOT / f"{name.replace('.', '/')}.py").exists() or (ROOT / name.replace(".", "/") / "__init__.py").exists()


def test_every_figure_has_a_caption():
    pictures = {path.stem for suffix in ("png", "webp") for path in (ROOT / "figures").glob(f"*.{suffix}")}
    assert set(make.drawn_figures()) == pictures


def test_notebooks_that_were_not_run_are_named_with_the_remedy():
    with pytest.raises(SystemExit, match=r"runs/notebooks/nowhere/00_start_here\.ipynb.*make figures"):
        make.executed("nowhere")


def test_outputs_that_need_a_kernel_are_replaced():
    def widget(text):
        return nbformat.v4.new_output("display_data", {make.WIDGET: {"model_id": "1"}, "text/plain": text})

    assert make.still(widget("calibrating:   0%|          | 0/4")) is None
    assert make.still(nbformat.v4.new_output("stream", name="stderr", text="a warning")) is None
    assert "make lab" in make.still(widget("HBox(children=(IntSlider(value=0),))")).data["text/markdown"]
