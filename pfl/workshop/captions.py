"""Captions of the scenes, and which of them are true of which image.

An image has many true captions ("a flawless object", "a red button", "a crack at the top left"). So each image of a
batch is compared with a pool of captions, each true or false of it; whether a noun fits a photograph is unknown. No
caption names a target category, drawn or photographed, or a defect that only the target has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import open_clip
import torch
from torch import Tensor

from ..words import known_words
from .defects import NEW
from .kinds import CAPTIONED, PHOTOGRAPHED, TARGET

NAMES = list(CAPTIONED)
NOUNS = [kind.nouns or (name,) for name, kind in CAPTIONED.items()]
GENERIC = "object thing part item surface product sample piece material workpiece".split()
# The words for states are common: all except "misprint" are among the tokenizer's first 30,000 tokens, which begin with
# the most frequent words. "Defect", "flaw" and "unblemished" are not, and no caption says what is absent. So this CLIP
# knows half of WinCLIP's expert wordings (pfl/prompts.py), as a CLIP trained on the web might.
FLAWLESS = [
    *(f"a {word} {{}}" for word in "flawless perfect good clean new fine normal".split()),
    *(f"an {word} {{}}" for word in "intact excellent ideal".split()),
]
DAMAGED = [f"a {word} {{}}" for word in "damaged broken bad poor ruined spoiled useless".split()]
DAMAGED += ["a {} with damage"]
DEFECTS = {
    "scratch": ["a {} with a scratch", "a {} with scratch marks"],
    "crack": ["a {} with a crack", "a cracked {}"],
    "stain": ["a {} with a stain", "a stained {}", "a dirty {}", "a {} with dirt"],
    "hole": ["a {} with a hole", "a {} with holes"],
    "bare_patch": ["a {} with a worn patch", "a worn {}", "a {} with a bare patch"],
    "misprint": ["a {} with a wrong print", "a {} with a piece in the wrong place", "a {} printed wrong"],
    "missing_part": ["a {} with a missing part", "a {} with a piece missing", "a {} with a piece broken off"],
}
STATES = ["flawless", *DEFECTS]
PHOTO = ["{}", "a picture of {}", "an image of {}"] + [
    f"a {word}photo of {{}}" for word in ("", "close-up ", "cropped ", "bright ", "dark ", "blurry ", "jpeg corrupted ")
]
PHOTO += ["a photo of {} for visual inspection", "a photo of {} for anomaly detection"]
SIZES = ["", "", "", "", "small ", "large "]
COLOURS = "red orange yellow green cyan blue purple pink brown black white grey".split()
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
CELLS = [f"{row} {column}" if row != column else "middle" for row in ROWS for column in COLUMNS]
# The weights of the groups of captions in the loss. Words for states are hard: without extra weight they are learned
# late or never. "Flawless" and "damaged" are what prompts say most.
WEIGHTS = {"state": 6.0, "defect": 3.0, "noun and state": 3.0, "place": 3.0, "noun": 1.0, "colour": 1.0}

tokenize = open_clip.get_tokenizer("ViT-B-32")


@dataclass(frozen=True)
class Caption:
    """A sentence and its claims; -1 is no claim. State 0 is flawless, -2 any defect, else an index of STATES."""

    text: str
    group: str
    kind: int = -1
    state: int = -1
    colour: int = -1
    cell: int = -1


# 4,000 frequent words of the tokenizer, without those of the targets and their plurals.
TARGET_WORDS = {*TARGET, *PHOTOGRAPHED, *NEW, "foreign", "body", "corrosion", "rust", "mould", "star", "galaxy"}
VOCABULARY = [word for word in known_words() if TARGET_WORDS.isdisjoint((word, word.removesuffix("s")))][:4000]


def captions(kinds: np.ndarray, rng: np.random.Generator) -> Iterator[Caption]:
    """The pool of captions for a batch.

    kinds (b,) are the images' categories as indices of NAMES, so that nouns are often true; -1 for a photograph.
    """
    named = kinds[kinds >= 0]

    def pick(options):
        return options[rng.integers(len(options))]

    def anything() -> str:  # sometimes any word, so that no noun comes to imply a state
        return pick(GENERIC) if rng.random() < 0.6 else pick(VOCABULARY)

    def stated(state: int, what: str) -> str:
        sentence = pick(FLAWLESS if state == 0 else DAMAGED if state == -2 else DEFECTS[STATES[state]])
        article, rest = sentence.format(pick(SIZES) + what).split(" ", 1)
        return pick(PHOTO).format(f"{article if rng.random() < 0.7 else 'the'} {rest}")

    for _ in range(14):
        yield Caption(stated(0, anything()), "state", state=0)
        yield Caption(stated(-2, anything()), "state", state=-2)
    for state in range(1, len(STATES)):
        for _ in range(2):
            yield Caption(stated(state, anything()), "defect", state=state)
    for _ in range(40):
        kind, state = (
            int(pick(named) if len(named) else rng.integers(len(NAMES))),
            int(pick([0, -2, rng.integers(1, len(STATES))])),
        )
        yield Caption(stated(state, pick(NOUNS[kind])), "noun and state", kind=kind, state=state)
    for kind in rng.permutation(len(NAMES))[:20]:
        yield Caption(pick(PHOTO).format(f"a {pick(NOUNS[kind])}"), "noun", kind=int(kind))
    for c, word in enumerate(COLOURS):
        yield Caption(pick(PHOTO).format(f"a {word} {pick(GENERIC)}"), "colour", colour=c)
    for c, place in enumerate(CELLS):
        yield Caption(f"{pick(['damage', 'a fault', 'a mark'])} at the {place}", "place", cell=c)
        state = int(rng.integers(1, len(STATES)))
        yield Caption(f"a {STATES[state].replace('_', ' ')} at the {place}", "place", state=state, cell=c)


def truth(pool: list[Caption], kind: Tensor, state: Tensor, colour: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Which captions are true of which images, and for which this is known, each (b, captions) bool.

    Labels are (b,); -1 is unknown. A claim about an unknown colour or cell is false, one about an unknown kind unknown.
    """

    def claims(name: str) -> Tensor:
        return torch.tensor([getattr(caption, name) for caption in pool], device=state.device)

    true = torch.ones(len(kind), len(pool), dtype=torch.bool, device=state.device)
    for name, label in (("kind", kind), ("colour", colour), ("cell", cell)):
        true &= (claims(name) == -1) | (claims(name) == label[:, None])
    any_defect = (claims("state") == -2) & (state[:, None] > 0)
    true &= (claims("state") == -1) | (claims("state") == state[:, None]) | any_defect
    return true, (claims("kind") == -1) | (kind[:, None] >= 0)


def used_tokens() -> list[int]:
    """Ids of the tokens whose embeddings are learned: those of all captions, except for the nouns of VOCABULARY.

    These only keep nouns from implying a state, for which untrained embeddings suffice.
    """
    sentences = [*FLAWLESS, *DAMAGED, *chain(*DEFECTS.values())]
    texts = [sentence.format(noun) for sentence in sentences for noun in ["", *GENERIC, *SIZES]]
    texts += [photo.format("the") for photo in PHOTO] + COLOURS + CELLS + [*NAMES, *chain(*NOUNS)]
    texts += ["damage at the", "a fault", "a mark", *(state.replace("_", " ") for state in STATES)]
    return sorted(set(tokenize(texts).flatten().tolist()))
