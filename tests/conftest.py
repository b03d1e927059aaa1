"""Fixtures of the unit tests: a tiny random CLIP at 32 pixels (4 x 4 patches), a model on it, and images."""

import pytest
import torch

from pfl.clip import load_clip
from pfl.config import ModelConfig
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
