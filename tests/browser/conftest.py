"""Browser tests need an installed Chromium, and a built book or JupyterLab.

Where one is missing they are skipped; with --browser-required they fail.
"""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from laboratory import SCREENSHOTS, Lab

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


@pytest.fixture(scope="session")
def laboratory(need, tmp_path_factory) -> Iterator[Lab]:
    if missing := [name for name in ("jupyterlab", "ipywidgets") if importlib.util.find_spec(name) is None]:
        need(f"{' and '.join(missing)} missing; pip install bayes-pfl[notebooks]")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def lab(browser, laboratory) -> Iterator[Callable]:
    """`window = lab("04_prompt_distributions")`: the notebook's widget, displayed in JupyterLab; a Playwright page.

    The notebook is a copy with only the cells tagged parameters, setup and widget, and has been run.
    """
    contexts = []

    def open_notebook(name: str):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 1400}, reduced_motion="reduce"))
        window = contexts[-1].new_page()
        laboratory.open(window, name)
        return window

    yield open_notebook
    for context in contexts:
        context.close()
    laboratory.shut_down_kernels()


@pytest.fixture(scope="session")
def watched(browser) -> Callable:
    """`window, problems = watched(allowed, **context)`: a window that records what goes wrong in it.

    Problems are requests to addresses that do not start as `allowed` says, failed ones, and errors in the console.
    """

    def open_window(allowed: tuple[str, ...], **context):
        window, problems = browser.new_context(**context).new_page(), []
        window.on("request", lambda r: r.url.startswith(allowed) or problems.append(f"request {r.url}"))
        window.on("requestfailed", lambda r: problems.append(f"failed {r.url}"))
        window.on("console", lambda m: m.type in ("error", "warning") and problems.append(f"console {m.text}"))
        window.on("pageerror", lambda e: problems.append(f"error {e}"))
        return window, problems

    return open_window
