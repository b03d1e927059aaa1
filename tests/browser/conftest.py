"""Browser tests need a built book and an installed Chromium; with --browser-required they fail without, not skip."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "runs" / "book"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--browser-required", action="store_true", help="fail where the browser tests would be skipped")


@pytest.fixture(scope="session")
def need(request: pytest.FixtureRequest):
    """Skip for a reason, or fail if the tests are required."""
    return pytest.fail if request.config.getoption("--browser-required") else pytest.skip


@pytest.fixture(scope="session")
def book(need) -> Path:
    if not (BOOK / "index.html").exists():
        need("there is no runs/book; run `make book`")
    return BOOK


@pytest.fixture(scope="session")
def browser(need) -> Iterator:
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        need("no Chromium found; as root on Debian: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        need("playwright is missing; `make browser` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
