"""Photographs for pre-training: which are chosen, where they come from, and the scenes made of them."""

import io
import sys
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from pfl.data import mvtec
from pfl.workshop import damage, photographs, photoscenes, pretrain
from pfl.workshop.captions import NOUNS
from pfl.workshop.photoscenes import STATES, Library, scene
from pfl.workshop.pool import Scenes


@pytest.fixture
def library(packages, tmp_path):
    photographs.gather(packages, tmp_path / "photographs")
    return Library(tmp_path / "photographs")


def test_the_listed_pictures_are_copied_and_again_only_if_the_list_changes(packages, library, tmp_path, monkeypatch):
    assert len(library.surfaces) == 3 and 1 <= len(library.objects) <= 4
    thing = np.asarray(Image.open(library.objects[0]))
    assert thing.shape[-1] == 4 and max(thing.shape[:2]) < 256 and (thing[[0, -1], :, 3] > 128).any(1).all()  # cropped
    monkeypatch.setattr(photographs, "pictures", lambda package: pytest.fail("read again"))
    photographs.gather(packages, tmp_path / "photographs")


def test_choosing_leaves_out_normal_maps_and_pictures_alike(packages):
    chosen = sorted(photographs.choose(packages))
    listed = sorted(tuple(line.split(",")) for line in photographs.LIST.read_text().split()[1:])
    assert chosen == listed


@pytest.mark.parametrize("package", ["nexuiz-textures", "tuxpaint-stamps-default"])
def test_a_missing_package_is_named_with_the_command_to_get_it(packages, package, tmp_path):
    (packages / package).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"(?s){package}.*apt-get download.*dpkg -x"):
        photographs.gather(packages, tmp_path / "photographs")


def test_another_version_of_a_package_is_an_error(packages, tmp_path):
    content = io.BytesIO()
    Image.new("RGBA", (300, 300), "red").save(content, "png")
    (packages / "tuxpaint-stamps-default/stamps/cup0.png").write_bytes(content.getvalue())
    with pytest.raises(FileNotFoundError, match="lacks 1 listed pictures of tuxpaint-stamps-default"):
        photographs.gather(packages, tmp_path / "photographs")


def test_pretraining_without_photographs_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pretrain", "--photographs", str(tmp_path), "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="(?s)ufoai-textures.*apt-get download"):
        pretrain.main()
    monkeypatch.setattr(sys, "argv", ["photoscenes", *map(str, (tmp_path, tmp_path / "out", "--packages", tmp_path))])
    with pytest.raises(SystemExit, match="(?s)ufoai-textures.*apt-get download"):
        photoscenes.main()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (lambda image: image, True),
        (lambda image: image[:200], False),  # small
        (lambda image: image // 128 * 100 + 40, False),  # few tones, as in drawings
        (lambda image: np.full_like(image, 90) + image % 3, False),  # plain
        (lambda image: image // 4, False),  # dark
        (lambda image: np.clip(image * [0.4, 0.4, 0.8] + [70, 70, 110], 0, 255), False),  # a normal map
    ],
)
def test_what_counts_as_a_photograph_of_a_surface(change, fits):
    rng = np.random.default_rng(0)
    texture = np.clip(110 + 45 * rng.standard_normal((256, 256, 1)) + np.zeros(3), 0, 255)
    coarse = Image.fromarray(texture.astype(np.uint8)).resize((16, 16)).resize((256, 256), Image.Resampling.BICUBIC)
    texture = np.clip(texture + 4 * (np.asarray(coarse, float) - 110), 0, 255).astype(np.uint8)
    assert photographs.is_surface(Image.fromarray(np.asarray(change(texture)).astype(np.uint8))) == fits


def test_the_list_that_ships_names_every_package_of_the_tables():
    packages = {line.split(",")[1] for line in photographs.LIST.read_text().split()[1:]}
    assert packages == {*photographs.SURFACES, *photographs.OBJECTS}


def test_scenes_are_the_same_for_a_seed_and_their_masks_are_where_they_differ_from_normal(library):
    states = set()
    for i in range(40):
        drawn, state = scene(np.random.default_rng([1, i]), library, defective=i % 4 > 0)
        again, _ = scene(np.random.default_rng([1, i]), library, defective=i % 4 > 0)
        assert np.array_equal(drawn.image, again.image) and np.array_equal(drawn.mask, again.mask)
        assert drawn.image.shape == (192, 192, 3) and drawn.image.dtype == np.uint8
        assert (state == "flawless") == (not drawn.mask.any()) and drawn.mask.mean() < 0.75
        assert i % 4 or state == "flawless"
        states.add(state)
    assert states == {"flawless", *STATES}


def test_scenes_have_random_names_from_the_nouns_that_the_clip_knows(library, tmp_path):
    photoscenes.make(library, tmp_path / "scenes", 30, seed=1)
    names = {sample.class_name for sample in mvtec.read(tmp_path / "scenes", name="scenes").samples}
    assert names <= set(photoscenes.WORDS) and len(names) > 10 and names & set(chain(*NOUNS))


def test_scenes_do_not_mix_with_those_of_before(tmp_path, monkeypatch):
    (tmp_path / "out" / "surface").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["photoscenes", str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="out holds surface"):
        photoscenes.main()


def test_a_number_of_scenes_or_a_seed_that_cannot_be_is_named(library, tmp_path):
    with pytest.raises(ValueError, match="count is 0 .* must be at least 1"):
        photoscenes.make(library, tmp_path / "none", 0, seed=1)
    with pytest.raises(ValueError, match="seed -1; .* seed at least 0"):
        photoscenes.make(library, tmp_path / "none", 2, seed=-1)


@pytest.mark.parametrize("form", [form for forms in damage.FORMS.values() for form in forms])
def test_a_defect_changes_the_image_only_under_its_mask(form):
    rng = np.random.default_rng(3)
    image, other = (np.clip(0.5 + 0.1 * rng.standard_normal((96, 96, 3)), 0, 1).astype(np.float32) for _ in range(2))
    region = np.zeros((96, 96), np.float32)
    region[16:80, 16:80] = 1
    found = 0
    for i in range(8):
        after, mask = form(np.random.default_rng(i), image, region, 1.0, other)
        beyond = mask == 0 if form is not damage.pits else region == 0  # pits may have a lit edge
        assert mask.shape == (96, 96) and 0 <= mask.min() and mask.max() <= 1 and not mask[region == 0].any()
        assert np.abs(after - image)[beyond].max() < 1e-6
        found += damage.visible(image, after, mask, form in damage.THIN)
    assert found or form in (damage.smoothed, damage.shifted)  # invisible on noise


def test_half_of_the_pool_is_defective_and_photographs_have_their_share(library):
    labels = np.stack([Scenes(60, 0, library, 0.7)[i][2] for i in range(60)])
    assert 0.3 < (labels[:, 1] == 0).mean() < 0.7 and 0.5 < (labels[:, 0] == -1).mean() < 0.9
    assert (Scenes(3, 0)[2][2] >= 0).all()
    with pytest.raises(ValueError, match="needs a library"):
        Scenes(3, 0, share=0.7)
