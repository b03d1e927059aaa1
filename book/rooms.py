"""The pages of the API: one for the public names, one for each room of the package, as CONTRIBUTING.md lists them."""

import inspect
import re
from pathlib import Path

import pfl

TITLES = {
    "method": "The method",
    "input": "Its input",
    "use": "Its use",
    "looking": "Looking",
    "data": "Data",
    "workshop": "The workshop",
}
FOLDERS = {"pfl/data": "data", "pfl/workshop": "workshop"}


def rooms(root: Path) -> dict[str, list[str]]:
    """The modules of each room; one in `pfl/` that CONTRIBUTING.md does not name yet counts as "use"."""
    listed = re.search(r"^pfl/\*\.py.*?(?=^```)", (root / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
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


def public_names(modules: dict[str, list[str]]) -> str:
    """A table of the public names for each room that has some."""
    parts = []
    for room, inside in modules.items():
        rows = []
        for name in pfl.__all__:
            thing = getattr(pfl, name)
            home = thing.__name__ if inspect.ismodule(thing) else thing.__module__
            target = home if inspect.ismodule(thing) else f"{home}.{name}"
            if home in inside:
                rows.append(f"| {{py:obj}}`pfl.{name} <{target}>` | {first_sentence(thing)} |")
        if rows:
            parts += [f"## [{TITLES[room]}]({room}.md)", "", "| | |", "| --- | --- |", *rows, ""]
    return "\n".join(parts)


def write_api(root: Path, folder: Path) -> None:
    """Write the pages, in MyST with blocks of autodoc."""
    folder.mkdir()
    modules = rooms(root)
    pages = {
        "index": "# API\n\nThe public names of `import pfl`. Each room has a page with all its modules; what the letters in "
        f"shapes mean is in the [glossary](../glossary.md).\n\n{public_names(modules)}\n"
        "```{toctree}\n:hidden:\n\n" + "\n".join(TITLES) + "\n```\n"
    }
    for room, inside in modules.items():
        blocks = (f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n" for name in inside)
        pages[room] = f"# {TITLES[room]}\n\n" + "\n".join(blocks)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
