"""Fixtures of the unit tests: a tiny random CLIP at 32 pixels (4 x 4 patches), a model on it, and images."""

import hashlib
import io
import zipfile

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from pfl.clip import load_clip
from pfl.config import ModelConfig
from pfl.data import Dataset, Sample
from pfl.model import BayesPFL
from pfl.workshop import photographs

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


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of two unpacked packages, surfaces in the archive of a game and objects as files, and their list."""
    rng, root = np.random.default_rng(0), tmp_path / "packages"
    pictures = {f"textures/x/wall{i}.jpg": ("surface", picture(rng)) for i in range(3)}
    pictures |= {f"stamps/cup{i}.png": ("object", picture(rng, alpha=True)) for i in range(4)}
    (root / "nexuiz-textures").mkdir(parents=True)
    (root / "tuxpaint-stamps-default" / "stamps").mkdir(parents=True)
    with zipfile.ZipFile(root / "nexuiz-textures" / "a.pk3", "w") as archive:
        archive.writestr("textures/x/wall0_norm.jpg", picture(rng, tint=(0.5, 0.5, 1)))
        for path, (kind, content) in pictures.items():
            if kind == "surface":
                archive.writestr(path, content)
            else:
                (root / "tuxpaint-stamps-default" / path).write_bytes(content)
    of = {"surface": "nexuiz-textures", "object": "tuxpaint-stamps-default"}
    rows = [f"{kind},{of[kind]},{hashlib.sha256(content).hexdigest()}" for kind, content in pictures.values()]
    (tmp_path / "photographs.csv").write_text("\n".join(["kind,package,sha256", *rows, ""]))
    monkeypatch.setattr(photographs, "LIST", tmp_path / "photographs.csv")
    return root


def picture(rng, tint=(1, 0.9, 0.8), alpha=False) -> bytes:
    """A file of a random texture of 256 px; with alpha, a disc of it."""
    coarse = cv2.resize(60 * rng.standard_normal((16, 16)), (256, 256), interpolation=cv2.INTER_CUBIC)
    grain = (120 + coarse[..., None] + 20 * rng.standard_normal((256, 256, 3))) * tint
    image, buffer = np.clip(grain, 0, 255).astype(np.uint8), io.BytesIO()
    if alpha:
        y, x = np.mgrid[-1:1:256j, -1:1:256j]
        image = np.dstack([image, np.uint8(255 * (x**2 + y**2 < 0.6))])
    Image.fromarray(image).save(buffer, "png" if alpha else "jpeg", quality=95)
    return buffer.getvalue()


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
