"""Fixtures of the unit tests: a tiny random CLIP at 32 pixels (4 x 4 patches), a model on it, and images."""

import numpy as np
import pytest
import torch
from PIL import Image

from pfl.clip import load_clip
from pfl.config import ModelConfig
from pfl.data import Dataset, Sample
from pfl.model import BayesPFL

torch.set_num_threads(1)
SIZE = 32


@pytest.fixture(scope="session")
def clip():
    return load_clip("tiny-random", image_size=SIZE)


@pytest.fixture
def model(clip):
    return BayesPFL(clip, ModelConfig(num_prompts=2, num_flows=3))


@pytest.fixture
def images():
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def tiles(tmp_path_factory):
    """Ten grey tiles of two categories, half of them with a white square and its mask."""
    folder, rng, samples = tmp_path_factory.mktemp("tiles"), np.random.default_rng(0), []
    for i in range(10):
        pixels, mask = rng.integers(60, 120, (32, 32, 3)).astype(np.uint8), np.zeros((32, 32), np.uint8)
        if i % 2:
            y, x = rng.integers(0, 20, 2)
            pixels[y : y + 12, x : x + 12], mask[y : y + 12, x : x + 12] = 255, 255
        Image.fromarray(pixels).save(folder / f"{i}.png")
        Image.fromarray(mask).save(folder / f"{i}_mask.png")
        category = ("tile", "plate")[i // 5]
        samples.append(
            Sample(
                image=folder / f"{i}.png",
                category=category,
                class_name=category,
                label=i % 2,
                mask=folder / f"{i}_mask.png" if i % 2 else None,
            )
        )
    return Dataset(name="tiles", samples=tuple(samples))
