"""The pages of the API: one for the public names, one for each room of the package, as CONTRIBUTING.md lists them."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pfl

TITLES = {
    "method": "The method",
    "input": "Input and its checks",
    "use": "Training, evaluation and use",
    "looking": "Figures, reports and command line",
    "course": "The course",
    "data": "Data sets",
    "workshop": "The workshop",
}
SHORT = "No public name of `pfl`; import its modules.\n"
FOLDERS = {"pfl/course": "course", "pfl/data": "data", "pfl/workshop": "workshop"}


def rooms(root: Path) -> dict[str, list[str]]:
    """The modules of each room; one in `pfl/` that CONTRIBUTING.md does not name yet counts as "use"."""
    listed = re.search(
        r"^pfl/\*\.py.*?(?=^```)", (root / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    if not listed:
        raise ValueError("CONTRIBUTING.md has no block that starts with pfl/*.py and lists the rooms")
    found: dict[str, list[str]] = {room: [] for room in TITLES}
    room = ""
    for line in listed[0].splitlines():
        if head := re.match(r"(pfl/\w*)?.*?(\w+):", line):  # else the line continues a room
            room = FOLDERS.get(head[1], head[2])
        if room not in FOLDERS.values():
            found[room] += [f"pfl.{word}" for word in re.findall(r"\w+", line) if (root / f"pfl/{word}.py").exists()]
    listed_modules = {module for modules in found.values() for module in modules}
    for path in sorted((root / "pfl").rglob("[!_]*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module not in listed_modules:
            found[FOLDERS.get(f"pfl/{path.parent.name}", "use")].append(module)
    return found | {room: [f"pfl.{room}", *found[room]] for room in FOLDERS.values()}


def first_sentence(thing: object) -> str:
    """How a docstring begins, up to its first full stop."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) |:$", text)[0]


def public_names(package: ModuleType, inside: list[str]) -> str:
    """A table of the public names of a package that are defined in some of its modules; "" if there are none."""
    rows = []
    for name in getattr(package, "__all__", ()):
        thing = getattr(package, name)
        home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "")
        target = home if inspect.ismodule(thing) else f"{home}.{name}"
        if home in inside:
            rows.append(f"| {{py:obj}}`{package.__name__}.{name} <{target}>` | {first_sentence(thing)} |")
    return "\n".join(["| name | |", "| --- | --- |", *rows, ""]) if rows else ""


def write_api(root: Path, folder: Path) -> None:
    """Write the pages, in MyST with blocks of autodoc."""
    folder.mkdir()
    index = (
        "# API\n\nThe public names of `import pfl`; each room has a page with all its modules. The letters in shapes "
    )
    index += "are in the [glossary](../glossary.md).\n\n"
    for room, inside in rooms(root).items():
        page = f"# {TITLES[room]}\n\n"
        if room in FOLDERS.values():
            page += public_names(import_module(inside[0]), inside) + "\n"
        for name in inside:
            page += (
                f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```\n\n"
            )
        (folder / f"{room}.md").write_text(page, encoding="utf-8")
        index += f"## [{TITLES[room]}]({room}.md)\n\n{public_names(pfl, inside) or SHORT}\n"
    index += "```{toctree}\n:hidden:\n\n" + "\n".join(TITLES) + "\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
