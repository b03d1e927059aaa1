"""The log of a run over many images by several processes: each appends to its own file, and all resume together."""

import json
from pathlib import Path

from .data.files import require_same
from .data.writing import check_free, remove_leftovers, write

ROWS = ({"name", "score", "score_std", "heatmap", "file"}, {"name", "error"})  # a result, and an error
REMEDY = "restore it, choose another folder, or delete the folder to start again"


class Log:
    """What is finished of a run in a folder, and this process's own part of it.

    Each process appends to a file of its own, progress.jsonl or progress-RANK.jsonl: the settings, then a line for each
    image: its result, or an `error`. An interrupted run may be resumed by any number of processes, since all read the
    files of all.

    Attributes:
        finished: the results by image name, as found when the run was started.

    Raises:
        FileExistsError: the folder contains a run and `resume` is False, or files of others that would be overwritten.
        ValueError: that run has other settings, or a log is damaged.
    """

    def __init__(self, folder: Path, settings: dict, *, resume: bool, rank: int = 0):
        self.folder, self.settings, self.rank = folder, settings, rank
        if not any(folder.glob("progress*.jsonl")):
            check_free(folder, "results*.csv", "report.html", "heatmaps/*")
        elif not resume:
            raise FileExistsError(f"{folder} contains an earlier run; use --resume to continue it, or another folder")
        shards = self.read()
        self._started = rank in shards
        self.finished = {name: row for name, row in merged(shards).items() if "error" not in row}

    def read(self) -> dict[int, dict[str, dict]]:
        """The last row of each image in each shard; without those whose heat map is missing."""
        shards = {}
        for file in sorted(self.folder.glob("progress*.jsonl")):
            if lines := _lines(file):
                require_same(self.folder, lines[0], self.settings)
                kept = [row for row in lines[1:] if not row.get("heatmap") or (self.folder / row["heatmap"]).exists()]
                shards[int(file.stem.partition("-")[2] or 0)] = {row["name"]: row for row in kept}
        return shards

    def start(self) -> None:
        """Write the settings, unless this process's file has them; once all processes have read what is finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)
        if not self._started:
            write(self._file, json.dumps(self.settings).encode())

    def append(self, row: dict) -> None:
        with open(self._file, "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(row))  # starts a new line, even after one cut off by a kill

    @property
    def _file(self) -> Path:
        return self.folder / (f"progress-{self.rank}.jsonl" if self.rank else "progress.jsonl")


def merged(shards: dict[int, dict[str, dict]]) -> dict[str, dict]:
    """One row for each image: a result, if any shard has one, else an error."""
    rows: dict[str, dict] = {}
    for shard in shards.values():
        rows |= {name: row for name, row in shard.items() if "error" not in row or name not in rows}
    return rows


def _lines(file: Path) -> list[dict]:
    """The settings and the rows of a log; lines that a kill cut off are left out. Raises ValueError naming the file."""
    rows: list[dict] = []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None if number > 1 or (line.startswith("{") and len(lines) == 1) else "damaged"
        if row is not None and not (isinstance(row, dict) and (not rows or any(keys <= set(row) for keys in ROWS))):
            raise ValueError(f"{file} is damaged in line {number}; {REMEDY}")
        rows += [row] if row is not None else []
    return rows
