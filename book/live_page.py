"""Build the live page, "Try it": the default as an ONNX file, onnxruntime's WebAssembly, pictures and settings.

The page's own files are in `book/live/`; `npm ci` there installs onnxruntime-web. `python book/make.py --only live`
builds the page alone, into `runs/book/live/`; serve it with `python -m http.server --directory runs/book`.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors import safe_open

import pfl
from pfl.clip import fingerprint
from pfl.data.catalogue import SPECS
from pfl.data.samples import class_text
from pfl.distributions import draw_noise
from pfl.export import export
from pfl.model import BayesPFL
from pfl.words import known_words
from pfl.workshop import AUXILIARY, CAPTIONED, PHOTOGRAPHED, TARGET, phototarget, tiny
from pfl.workshop.scenes import scene

ROOT = Path(__file__).parents[1]
PAGE, CACHE = ROOT / "book" / "live", ROOT / "runs" / "live"
RUNTIME = PAGE / "node_modules" / "onnxruntime-web"
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"  # the build without WebGPU, half the size
OWN = "*.html", "*.css", "*.js"  # files of the page; its tests stay behind
WEIGHTS = "int8"  # float16 would make the download larger than 12 MB
SAMPLES = 30  # of the shipped noise
COMMON = 4000  # of the tokenizer's words that the page takes, the most frequent ones
SHORT = "bag box bus can cap car cat cup dog egg fan hat jar lid pan pen pin pot rod".split()  # and some shorter ones
MOST = 12e6  # bytes of the whole download
PHOTOGRAPH = "Photographs: coins, brick, gravel and retina of scikit-image, without known restrictions."
DRAWING = "Drawings: made by this project."
EXAMPLES = "object", "metal nut", "screw", "cable", "printed circuit board"  # suggested besides the pictures' names
# The pictures: category, seed, alt text.
PICTURES = (
    ("coin", 2, "Photograph of an old coin"),
    ("brick", 2, "Photograph of a brick wall"),
    ("gravel", 0, "Photograph of gravel"),
    ("retina", 2, "Photograph of a retina with its vessels"),
    ("gear", 0, "Drawing of a metal gear"),
    ("capsule", 1, "Drawing of a blue capsule"),
    ("chip", 2, "Drawing of a chip with its legs"),
    ("domino", 0, "Drawing of a white domino"),
)


def names() -> list[str]:
    """Class names whose words the page takes: all that the tiny CLIP was trained on, frequent words, all categories."""
    decoder = open_clip.tokenizer.SimpleTokenizer().decoder
    read = [token.removesuffix("</w>") for token in map(decoder.get, trained()) if token.endswith("</w>")]
    sets = [class_text(category.name) for spec in SPECS.values() for category in spec.categories]
    drawn = [word for kind in CAPTIONED.values() for word in kind.nouns]
    found = [*known_words()[:COMMON], *SHORT, *read, *CAPTIONED, *drawn, *AUXILIARY, *TARGET, *PHOTOGRAPHED, *sets]
    return list(dict.fromkeys(name for name in found if name.replace(" ", "").isalpha()))


@cache
def trained() -> list[int]:
    """The ids of the tokens whose embeddings the tiny CLIP was trained on; others keep the random ones of its start."""
    with safe_open(tiny.WEIGHTS, framework="pt") as weights:
        return weights.get_tensor("token_embedding.ids").tolist()


@cache
def vocabulary() -> dict:
    """The words with their token ids, the ids of SOS and EOS, and the ids that the tiny CLIP was trained on."""
    words = list(dict.fromkeys(word for name in names() for word in name.split()))
    tokenizer = open_clip.tokenizer.SimpleTokenizer()
    ids = {word: tokenizer.encode(word) for word in words}
    shipped = {id for one in ids.values() for id in one}
    return {
        "words": ids,
        "start": tokenizer.sot_token_id,
        "end": tokenizer.eot_token_id,
        "trained": sorted(shipped & set(trained())),
    }


def pictures() -> Iterable[tuple[dict, Image.Image]]:
    """The pictures without defects, with what the page says of them."""
    for category, seed, alt in PICTURES:
        rng, photograph = np.random.default_rng(seed), category in PHOTOGRAPHED
        drawn = phototarget.scene(rng, category, None) if photograph else scene(rng, TARGET[category])
        credit = PHOTOGRAPH if photograph else DRAWING
        facts = {"file": f"{category}.png", "name": category, "alt": alt, "credit": credit}
        yield facts, Image.fromarray(drawn.image)


def noise() -> bytes:
    """The noise of all samples, float32: context (1, R, D), states (2, R, D), which `predict` draws for seed 0."""
    drawn = draw_noise(tiny.WIDTH, SAMPLES, torch.Generator().manual_seed(0))
    return b"".join(one.numpy().tobytes() for one in (drawn.context, drawn.states))


def exported(model: BayesPFL) -> bytes:
    """The model as ONNX; exported once for the same weights, words and exporter."""
    code = Path(sys.modules[export.__module__].__file__ or "").read_bytes()
    facts = fingerprint(model.state_dict()), model.clip.fingerprint, names(), WEIGHTS, hashlib.sha256(code).hexdigest()
    path = CACHE / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.onnx"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        export(model, path, weights=WEIGHTS, names=names())
    return path.read_bytes()


def palette(name: str) -> str:
    """The 256 colours of a colour map (256, 3) uint8, in base64."""
    colours = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
    return base64.b64encode(colours.tobytes()).decode()


def settings(model: BayesPFL, sizes: dict[str, int]) -> dict:
    """What the page has to know."""
    precision = (
        f"The page has the same model with weights of 8 bits ({WEIGHTS}), to be small; Python's have 32. So scores and "
        f"maps may differ in the third digit. With {SAMPLES} samples, the noise is that of pfl.predict's default seed."
    )
    return {
        "side": model.clip.image_size,
        "dim": model.clip.dim,
        "samples": SAMPLES,
        "sizes": sizes,
        "vocabulary": vocabulary(),
        "pictures": [facts for facts, _ in pictures()],
        "suggestions": sorted({*(name for name, *_ in PICTURES), *CAPTIONED, *EXAMPLES}),
        "colours": {"map": palette("inferno"), "spread": palette("viridis")},
        "card": {
            "pfl": pfl.__version__,
            "fingerprint": {"model": fingerprint(model.state_dict()), "clip": model.clip.fingerprint},
            "precision": precision,
            "runtime": "The model runs in onnxruntime-web (Microsoft, MIT).",
        },
    }


def build(target: Path) -> int:
    """Write the page into a folder, and return its size in bytes."""
    if not (RUNTIME / "dist" / WASM).exists():
        sys.exit(f"{RUNTIME.relative_to(ROOT)} is missing; run `npm ci` in book/live (on Debian: apt-get install npm)")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(path for pattern in OWN for path in PAGE.glob(pattern)):
        if not path.name.endswith((".test.js", ".cases.js")):
            shutil.copy(path, target)
    shutil.copy(RUNTIME / "dist" / SCRIPT, target)
    for facts, image in pictures():
        file = io.BytesIO()
        image.save(file, "PNG", optimize=True)
        (target / facts["file"]).write_bytes(file.getvalue())
    model = pfl.load("default")
    packed = {"runtime.bin": (RUNTIME / "dist" / WASM).read_bytes(), "model.bin": exported(model)}
    files = {name: gzip.compress(content, mtime=0) for name, content in packed.items()} | {"noise.bin": noise()}
    for name, content in files.items():
        (target / name).write_bytes(content)
    text = json.dumps(settings(model, {name: len(content) for name, content in files.items()}), separators=(",", ":"))
    (target / "settings.json").write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in target.iterdir())
    if size > MOST:
        sys.exit(f"{target} has {size / 1e6:.1f} MB; a visitor should not download more than {MOST / 1e6:.0f}")
    return size
