"""The two data sets that are Python packages."""

import importlib.util

import pytest

import pfl.data
from pfl.data import loader


@pytest.mark.parametrize("name, normal, anomalous, package", [
    ("elpv", 1508, 715, "elpv_dataset"),
    ("textile", 1000, 1000, "conformal_clip_data"),
])  # fmt: skip
def test_packaged_sets_are_complete(name, normal, anomalous, package):
    pytest.importorskip(package)
    data = pfl.data.load(name)
    assert [sum(one.label == label for one in data.samples) for label in (0, 1)] == [normal, anomalous]
    assert data.level == {"image"} and all(one.image.exists() for one in data.samples)
    assert {one.class_name for one in data.samples} == {{"elpv": "solar cell"}.get(name, "textile")}
    assert {one.defect for one in data.samples if one.label} == ({"local", "global"} if name == "textile" else {""})
    assert next(iter(loader(data, 16, 2))).images.shape == (2, 3, 16, 16)
    assert f"{normal} normal and {anomalous} anomalous" in pfl.data.where(name)


@pytest.mark.parametrize("name, package", [("elpv", "elpv-dataset"), ("textile", "conformal-clip-data")])
def test_the_error_for_a_missing_package_names_it(name, package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {package}"):
        pfl.data.load(name)
