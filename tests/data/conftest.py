"""The cache of masks is in a temporary folder, not in the home folder."""

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PFL_HOME", str(tmp_path_factory.mktemp("home")))
