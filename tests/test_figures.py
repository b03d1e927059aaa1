"""Running notebooks: all are run, several at once, and errors, seconds and memory are reported."""

import sys

from pfl import figures
from pfl.cli import main

# In papermill's place: runs the notebook's text as a kernel would, in a child process, and says what went wrong.
RUNNER = """
import subprocess, sys
source, out = sys.argv[1:3]
done = subprocess.run([sys.executable, source], capture_output=True, text=True)
open(out, "w").write(" ".join(sys.argv[3:]))
if done.returncode:
    sys.exit("Traceback\\npapermill.exceptions.PapermillExecutionError: \\n" + done.stderr)
"""


def test_all_notebooks_run_longest_first_even_if_one_fails(tmp_path, monkeypatch, capsys):
    (tmp_path / "figures").mkdir()
    (tmp_path / "notebooks").mkdir()
    fine, broken = (tmp_path / "notebooks" / name for name in ("00_fine.ipynb", "01_broken.ipynb"))
    fine.write_text("# **Time** | about 1 minute |\nimport time\nx = b'x' * 300_000_000\ntime.sleep(1.5)")
    broken.write_text("# **Time** | about 2.5 minutes |\nraise ValueError('it broke')")
    (tmp_path / "runner.py").write_text(RUNNER)
    monkeypatch.setattr(figures, "PAPERMILL", [sys.executable, str(tmp_path / "runner.py")])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PFL_HOME", str(tmp_path / "home"))
    assert main(["figures", "--preset", "small", "--jobs", "2"]) == 1
    said = capsys.readouterr().out
    assert said.index("01_broken.ipynb ...") < said.index("00_fine.ipynb ...")
    assert "ValueError: it broke" in said and "00_fine.ipynb done after" in said and "01_broken.ipynb FAILED" in said
    *_, first, second, features = said.splitlines()
    assert first.split()[0] == fine.name and first.split()[-1] == "done" and float(first.split()[3]) >= 0.3
    assert second.split()[0] == broken.name and "PapermillExecutionError" in second
    assert features.startswith("features of 0 images")
    assert "preset small --kernel python3" in (tmp_path / "runs/notebooks/small/00_fine.ipynb").read_text()


def test_as_many_notebooks_run_at_once_as_there_is_memory_for(monkeypatch):
    class Free:
        available = 7e9

    monkeypatch.setattr("psutil.virtual_memory", Free)
    assert figures._jobs(16) == 2 and figures._jobs(1) == 1
