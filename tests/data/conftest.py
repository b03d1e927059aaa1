"""What is remembered of masks stays out of the tester's home."""

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """What is remembered of masks stays out of the tester's home."""
    monkeypatch.setenv("PFL_HOME", str(tmp_path_factory.mktemp("home")))
