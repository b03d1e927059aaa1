"""What an error says: on the command line, one line with the file and the remedy."""

import errno

REMEDIES = {
    errno.ENOSPC: "no space left on the disk; free some and run the command again",
    errno.EDQUOT: "your quota of the disk is used up; free some space and run the command again",
    errno.EACCES: "no permission; choose another path, or change its permissions",
    errno.EPERM: "no permission; choose another path, or change its permissions",
    errno.EROFS: "the disk is read-only; choose another path",
    errno.EEXIST: "is a file, where a folder is needed; choose another path, or move the file",
    errno.ENOTDIR: "a file is in the place of a folder; choose another path, or move the file",
    errno.EISDIR: "is a folder, where a file is needed; choose another path",
    errno.ENOENT: "does not exist; check the path",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
    errno.EIO: "the disk cannot be read or written (input/output error); check it",
}
SAID = (OSError, ValueError, ImportError, FloatingPointError)  # their messages are written for the user
STATUS: dict[type[BaseException], int] = {KeyboardInterrupt: 130}  # of any other error: 2


def first_line(error: Exception) -> str:
    """First line of an error's message, or its type."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def first_words(error: Exception) -> str:
    """Start of an error's message, on one line."""
    return " ".join([*str(error).split()[:24], "..."])


def shown(value: object, most: int = 80) -> str:
    """A value as code, cut to so many characters."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def explain(error: BaseException) -> str:
    """The message of an error that ended a command."""
    text = " ".join(str(error).split("\n")).strip()
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what is finished is saved: run the command again (predict: with --resume) to continue"
    if isinstance(error, BrokenPipeError):
        return "the reader of the output has gone; results are in the files, not on the screen"
    if _is_out_of_memory(error):
        return (
            "out of memory; close other programs, or use fewer --num-samples, a smaller --preset, "
            f"--precision bf16 or another --device ({type(error).__name__})"
        )
    if isinstance(error, OSError) and error.errno in REMEDIES:
        named = error.filename if error.filename is not None else "a file"
        return f"{named}: {REMEDIES[error.errno]}"
    if isinstance(error, SAID) and text and not isinstance(error, UnicodeError):
        return text
    return f"unexpected {type(error).__name__}: {text or 'no message'}; `pfl --debug COMMAND ...` shows where"


def _is_out_of_memory(error: BaseException) -> bool:
    phrases = ("out of memory", "can't allocate memory", "cannot allocate memory")
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(phrase in str(error).lower() for phrase in phrases)
