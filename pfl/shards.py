"""The log of a run over many images by several processes: each appends to its own file, and all resume together."""

import json
from pathlib import Path

from .data.files import require_same, write


class Log:
    """What is finished of a run in a folder, and this process's own part of it.

    Each process appends to a file of its own, progress.jsonl or progress-RANK.jsonl: the settings, then a line for each
    finished image. An interrupted run may be resumed by any number of processes, since all read the files of all.

    Attributes:
        rows: the finished rows by shard, a file's number, and by image name, as found when the run was started.

    Raises:
        FileExistsError: the folder contains a run and `resume` is False.
        ValueError: that run has other settings.
    """

    def __init__(self, folder: Path, settings: dict, *, resume: bool, rank: int = 0):
        self.folder, self.settings, self.rank = folder, settings, rank
        if not resume and any(folder.glob("progress*.jsonl")):
            raise FileExistsError(f"{folder} contains an earlier run; use --resume to continue it, or another folder")
        self.rows = self.read()

    def read(self) -> dict[int, dict[str, dict]]:
        """The finished rows of all shards; without those whose heat map is missing."""
        shards = {}
        for file in sorted(self.folder.glob("progress*.jsonl")):
            if lines := _lines(file):
                require_same(self.folder, lines[0], self.settings)
                kept = [row for row in lines[1:] if not row["heatmap"] or (self.folder / row["heatmap"]).exists()]
                shards[int(file.stem.partition("-")[2] or 0)] = {row["name"]: row for row in kept}
        return shards

    def names(self) -> set[str]:
        """Names of all images that are finished."""
        return {name for rows in self.rows.values() for name in rows}

    def start(self) -> None:
        """Write the settings, unless this process's file has them; once all processes have read what is finished."""
        if self.rank not in self.rows:
            write(self._file, json.dumps(self.settings).encode())

    def append(self, row: dict) -> None:
        with open(self._file, "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(row))  # starts a new line, even after one cut off by a kill

    @property
    def _file(self) -> Path:
        return self.folder / (f"progress-{self.rank}.jsonl" if self.rank else "progress.jsonl")


def _lines(file: Path) -> list[dict]:
    """The rows of a log, the settings first; a line that was cut off by a kill is left out."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows
