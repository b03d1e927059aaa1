"""A JupyterLab of its own for the tests, and notebooks that are opened and run in it."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
SCREENSHOTS = ROOT / "runs" / "screenshots"
KEPT = {"parameters", "setup", "widget"}  # the tags of the cells that a widget needs
SETTINGS = {  # of JupyterLab, by plugin
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # else the page lacks what is out of sight
}
RUN = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    window.ran = false;
    window.jupyterapp.commands.execute("notebook:run-all-cells").then(() => { window.ran = true; });
}"""
ERROR = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells
    .flatMap(cell => cell.outputs || []).filter(output => output.output_type === "error")
    .map(output => output.traceback.join("\\n") || `${output.ename}: ${output.evalue}`)[0] || ''"""
WIDGET = ".jp-OutputArea-output .widget-container, .jp-OutputArea-output .jupyter-widgets"


class Lab:
    """A JupyterLab server: own folder, settings and token; only this machine can reach it."""

    def __init__(self, folder: Path):
        self.root, self.token, runtime = folder / "root", secrets.token_hex(16), folder / "runtime"
        self.root.mkdir()
        for name, values in SETTINGS.items():
            file = folder / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),  # no kernel of the user's: python3 is this Python
            "JUPYTER_RUNTIME_DIR": str(runtime),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTER_TOKEN": self.token,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }
        options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={self.root}"]
        options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--expose-app-in-browser"]
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            command = [sys.executable, "-m", "jupyterlab", *options]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.root)
        self.url = self._url(runtime)

    def _url(self, runtime: Path, seconds: float = 120) -> str:
        """The server's address, once it answers."""
        for _ in range(int(4 * seconds)):
            if self.process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended:\n{self.log.read_text()}")
            try:
                (info,) = runtime.glob("jpserver-*.json")
                url = json.loads(info.read_text())["url"]
                self.ask(f"{url}api/status")
                return url
            except (ValueError, OSError):  # not there yet
                time.sleep(0.25)
        self.stop()
        raise TimeoutError(f"JupyterLab did not answer within {seconds:.0f} seconds:\n{self.log.read_text()}")

    def ask(self, url: str, method: str = "GET"):
        request = urllib.request.Request(url, method=method, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def copy(self, name: str) -> str:
        """Write a copy of a notebook that has only the cells its widget needs; returns its file's name."""
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        notebook.cells = [cell for cell in notebook.cells if KEPT & set(cell.metadata.get("tags", []))]
        widgets = [cell for cell in notebook.cells if "widget" in cell.metadata.tags]
        assert len(widgets) == 1, f"{name} has {len(widgets)} cells tagged widget, not one"
        nbformat.write(notebook, self.root / f"{name}.ipynb")
        return f"{name}.ipynb"

    def open(self, window, name: str, seconds: float = 240) -> None:
        """Open a copy of a notebook in a window and run it, until its widget is displayed.

        Raises AssertionError with a cell's error, TimeoutError after the given seconds.
        """
        window.goto(f"{self.url}doc/tree/{self.copy(name)}?token={self.token}")
        window.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
        window.evaluate(RUN)
        for _ in range(int(4 * seconds)):
            if error := window.evaluate(ERROR):
                raise AssertionError(f"a cell of {name} raised:\n" + re.sub(r"\x1b\[[0-9;]*m", "", error))
            if window.evaluate("window.ran") and window.locator(WIDGET).count():
                window.locator(WIDGET).first.wait_for(state="visible")
                window.locator(WIDGET).first.scroll_into_view_if_needed()
                return
            window.wait_for_timeout(250)
        raise TimeoutError(f"{name} showed no widget within {seconds:.0f} seconds")

    def shut_down_kernels(self) -> None:
        for session in self.ask(f"{self.url}api/sessions"):
            self.ask(f"{self.url}api/sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


IMAGE = ".jp-OutputArea-output img[src^='data:image/png']"  # the figure of the widget's cell is the last one


def image_of(window) -> str:
    """The figure of the widget's cell, as a data URL."""
    return window.locator(IMAGE).last.get_attribute("src")


def wait_for_other_image(window, before: str) -> None:
    """Wait until the figure of the widget's cell is not the one before."""
    find = "([selector, before]) => [...document.querySelectorAll(selector)].at(-1).src !== before"
    window.wait_for_function(find, arg=[IMAGE, before], timeout=60_000)


def wait_for_other_text(window, selector: str, before: str) -> None:
    """Wait until an element of the widget has another text than before."""
    find = "([selector, before]) => document.querySelector(selector).innerText !== before"
    window.wait_for_function(find, arg=[selector, before], timeout=60_000)


def type_into(window, label: str, text: str) -> None:
    """Replace what a text field of the widget contains, and press Enter."""
    field = window.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def operate(window, numbers: str, action) -> str:
    """Operate a widget and wait until its numbers (a selector) and its figure have changed; returns the numbers."""
    text, picture = window.locator(numbers).inner_text(), image_of(window)
    action()
    wait_for_other_text(window, numbers, text)
    wait_for_other_image(window, picture)
    return window.locator(numbers).inner_text()
