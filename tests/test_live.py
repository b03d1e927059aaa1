"""What the live page of the book is made of: words, noise, pictures. `make live` tests its JavaScript."""

import json
import re
from pathlib import Path

import live_page
import numpy as np
import open_clip
import torch

from pfl.distributions import draw_noise
from pfl.workshop import tiny

ROOT = Path(__file__).parents[1]


def test_the_ids_of_all_shipped_words_are_those_of_the_tokenizer():
    vocabulary = live_page.vocabulary()
    words = list(vocabulary["words"])
    assert len(words) > 4000 and all(re.fullmatch("[a-z]+", word) for word in words)
    found = open_clip.tokenize(words)
    for word, row in zip(words, found.tolist(), strict=True):
        ids = [vocabulary["start"], *vocabulary["words"][word], vocabulary["end"]]
        assert row == ids + [0] * (len(row) - len(ids)), word


def test_the_ids_of_a_name_are_those_of_its_words():
    vocabulary, rng = live_page.vocabulary(), np.random.default_rng(0)
    names = [" ".join(rng.choice(list(vocabulary["words"]), 3)) for _ in range(300)]
    for name, row in zip(names, open_clip.tokenize(names).tolist(), strict=True):
        ids = [id for word in name.split() for id in vocabulary["words"][word]]
        assert row[1 : len(ids) + 2] == [*ids, vocabulary["end"]], name


def test_the_page_knows_its_pictures_and_suggestions():
    vocabulary = live_page.vocabulary()["words"]
    decoder = open_clip.tokenizer.SimpleTokenizer().decoder
    trained = [decoder[id] for id in live_page.trained()]
    whole = [token.removesuffix("</w>") for token in trained if token.endswith("</w>") and token[:-4].isalpha()]
    assert {"object", "scratch", "damaged"} <= set(whole) <= set(vocabulary)
    for name in (*live_page.EXAMPLES, *live_page.CAPTIONED, *(name for name, *_ in live_page.PICTURES)):
        assert all(word in vocabulary for word in name.split()), name
    for facts, image in live_page.pictures():
        assert image.size == (tiny.IMAGE_SIZE,) * 2 and len(facts["alt"]) > 10


def test_the_noise_is_that_of_predict():
    raw = torch.frombuffer(bytearray(live_page.noise()), dtype=torch.float32).view(3, live_page.SAMPLES, tiny.WIDTH)
    drawn = draw_noise(tiny.WIDTH, live_page.SAMPLES, torch.Generator().manual_seed(0))
    assert torch.equal(raw[:1], drawn.context) and torch.equal(raw[1:], drawn.states)


def test_the_lock_names_no_registry_and_the_runtime_has_one_version():
    lock = json.loads((ROOT / "book/live/package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    asked = json.loads((ROOT / "book/live/package.json").read_text())["dependencies"]["onnxruntime-web"]
    assert lock["packages"]["node_modules/onnxruntime-web"]["version"] == asked
