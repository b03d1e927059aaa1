"""Writing files so that a kill or a power cut leaves the old file or the new one; and tables that are safe to open."""

import errno
import json
import os
import re
import secrets
import socket
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pandas as pd

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
PART = re.compile(r"\.pfl-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})\.part")  # host, process, number
DAY = 24 * 3600
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet runs starts with one of them

_writing: set[str] = set()  # names of the temporary files that this process has open


def write(path: Path | str, content: bytes | memoryview | Callable[[BinaryIO], object]) -> None:
    """Write a file whole, creating its parent folders: to a temporary file, onto the disk, and then renamed.

    content is the file's bytes, or a function that writes to the open file. Errors name `path`.
    """
    path = Path(path)
    part = path.with_name(f".pfl-{HOST}-{os.getpid()}-{secrets.token_hex(4)}.part")
    _writing.add(part.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "xb") as file:
            content(file) if callable(content) else file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno and error.filename in (None, str(part)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        _writing.discard(part.name)
        with suppress(OSError):  # it is renamed, or was never made
            part.unlink()


def check_target(path: Path | None, suffix: str = "", start: str = "") -> None:
    """Raise an error if a file cannot be written here, before the work whose result it is to hold.

    Args:
        suffix: that the file's name must have.
        start: of every such file that we write; an existing file that starts otherwise is not overwritten.
    """
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    problem = errno.EISDIR if path.is_dir() else 0 if os.access(path.parent, os.W_OK) else errno.EACCES
    if problem:
        raise OSError(problem, os.strerror(problem), str(path))
    if not path.name.endswith(suffix):
        raise ValueError(f"{path} does not end in {suffix}; give the file such a name")
    if start and path.exists() and not (path.is_file() and _begins(path, start)):
        raise FileExistsError(f"{path} is another file than this command writes; choose another name")


def _begins(path: Path, start: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(start)) in (b"", start.encode())


def check_free(folder: Path, *patterns: str) -> None:
    """Raise FileExistsError if a folder without a run has files that the run would overwrite."""
    if found := sorted(str(path.relative_to(folder)) for pattern in patterns for path in folder.glob(pattern)):
        raise FileExistsError(
            f"{folder} holds {', '.join(found[:3])}{' ...' * (len(found) > 3)}, but no run to resume; "
            "choose another folder, or move these files"
        )


def write_json(path: Path | str, content: object) -> None:
    """Write an indented JSON file whole."""
    write(path, (json.dumps(content, indent=2) + "\n").encode())


def write_table(path: Path | str, table: pd.DataFrame, *, index: bool = False, **options) -> None:
    """Write a table as CSV that a spreadsheet can open without running what names of files contain.

    A text that starts like a formula (=, +, -, @, tab, carriage return) gets an apostrophe in front; numbers stay as
    they are. A carriage return is written as \\r, and a byte of a name that is not UTF-8 as \\udcXX.

    Args:
        options: of `DataFrame.to_csv`.
    """
    safe = table.reset_index() if index else table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(_harmless)
    write(path, safe.to_csv(index=False, **options).encode("utf-8", "backslashreplace"))


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left below a folder; those of other machines after a day."""
    for place, _, names in os.walk(folder):
        for name in names:
            if (match := PART.fullmatch(name)) and _abandoned(Path(place) / name, *match.groups()[:2]):
                with suppress(OSError):
                    (Path(place) / name).unlink()


def _abandoned(part: Path, host: str, process: str) -> bool:
    if part.name in _writing:
        return False
    if host == HOST and os.name == "posix":
        return int(process) == os.getpid() or not _is_running(int(process))
    try:
        return time.time() - part.stat().st_mtime > DAY
    except OSError:
        return False


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Put a rename onto the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # some network disks cannot
        os.fsync(descriptor)
    os.close(descriptor)


def _harmless(cell):
    if not isinstance(cell, str):
        return cell
    # A carriage return would end the row for some readers, since the writer does not quote it.
    return ("'" * cell.startswith(FORMULA) + cell).replace("\r", "\\r")
