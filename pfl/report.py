"""An HTML report about a folder of images, highest score first, in a single file that needs no network."""

import base64
import html
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from PIL import Image

from .data.writing import write as write_file

SIDE = 256  # pixels of a picture in the report
MOST = 1000  # images in a report, which embeds them

STYLE = """
:root { color-scheme: light dark; --card: #8881; --line: #8884; --alarm: #d1495b; --fine: #2a78b5; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { margin-bottom: 0; } p.lead { margin-top: .3rem; opacity: .75; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .7rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
figure > div { display: flex; gap: .4rem; } figure img { width: 50%; border-radius: .25rem; }
figcaption { margin-top: .5rem; overflow-wrap: anywhere; }
.bar { height: .4rem; background: var(--line); border-radius: .2rem; margin: .3rem 0; }
.bar i { display: block; height: 100%; border-radius: .2rem; background: var(--fine); }
.alarm .bar i { background: var(--alarm); } .alarm { border-color: var(--alarm); }
small { opacity: .75; }
"""


def write(
    table: pd.DataFrame, picture: Callable[[str], str], path: Path, *, title: str, threshold: float | None = None
) -> Path:
    """Write the report.

    Args:
        table: name, score, score_std, heatmap ("" for none), error ("" for none), and, optionally, label and defective;
            in the order of the report.
        picture: an image's name -> its source as `embed` makes it, "" for none.
        threshold: stated at the top, if given.
    """
    failed, table = table[table.error != ""], table[table.error == ""]
    lead = f"{len(table)} images, most suspicious first. Score ± standard deviation over the sampled prompts."
    if threshold is not None:
        lead += f" Images that score at least {threshold:.3f} count as defective: {int(table.defective.sum())} of them."
    if len(table) > MOST:
        lead += f" The first {MOST} are shown; results.csv has all."
    cards = "\n".join(_card(row, picture, path.parent) for row in table.head(MOST).to_dict("records"))
    lines = "".join(
        f"<li>{html.escape(name)}: {html.escape(why)}" for name, why in zip(failed.name, failed.error, strict=True)
    )
    errors = (
        f"<details open><summary>{len(failed)} images could not be read</summary><ul>{lines}</ul></details>"
        if lines
        else ""
    )
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body><h1>{html.escape(title)}</h1><p class="lead">{lead}</p>{errors}
<main>
{cards}
</main></body></html>
"""
    write_file(path, page.encode("utf-8", "backslashreplace"))
    return path


def embed(picture: Image.Image) -> str:
    """The source of a picture of at most SIDE pixels, which a page can contain."""
    small, buffer = picture.copy(), io.BytesIO()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _card(row: dict, picture: Callable[[str], str], folder: Path) -> str:
    name, score = html.escape(row["name"]), row["score"]
    sources = {"image": picture(row["name"])}
    if row["heatmap"]:
        with Image.open(folder / row["heatmap"]) as heatmap:
            sources["heat map of"] = embed(heatmap)
    pictures = "".join(f'<img alt="{what} {name}" src="{source}">' for what, source in sources.items() if source)
    known = {0: "known to be normal", 1: "known to be defective"}.get(row.get("label", -1), "")
    return (
        f'<figure class="{"alarm" if row.get("defective") else ""}"><div>{pictures}</div>'
        f"<figcaption><b>{score:.3f}</b> ± {row['score_std']:.3f}"
        f'<div class="bar"><i style="width:{100 * min(max(score, 0), 1):.1f}%"></i></div>'
        f"{name} <small>{known}</small></figcaption></figure>"
    )
