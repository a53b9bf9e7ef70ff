"""Writing files whole: an output appears under its name complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from studio.errors import InputError, OutputError


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write a file atomically: a temporary file beside it, fsync, rename. Leaves nothing when it raises OutputError."""
    target = Path(path)
    check_folder(target)
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".studio-", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
        _sync_folder(target.parent)
    except BaseException as error:  # Ctrl-C too: nothing half-written stays
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(_in_plain_words(error, target)) from None
        raise
    return target


def check_writable(path: str | Path, suffixes: Sequence[str]) -> Path:
    """The path of an output, checked before the work: its suffix, its folder, and that a file can be made there."""
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        raise OutputError(f"Cannot write {target}: expected a name that ends in {', '.join(suffixes)}.")
    check_folder(target)
    try:
        if target.is_dir():
            raise OutputError(f"Cannot write {target}: it is a folder; give the name of a file.")
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise OutputError(_in_plain_words(error, target)) from None
    return target


def check_distinct(target: Path, source: Path) -> None:
    """Raise OutputError where writing `target` would overwrite `source`."""
    if target.exists() and target.samefile(source):
        raise OutputError(f"{target} is one of the inputs and would be overwritten; choose another name.")


def partial(target: Path) -> Path:
    """Where the unfinished work on an output is kept: hidden beside it, under a name that is never too long."""
    return target.with_name(f".studio-{sha256(target.name.encode())[:16]}.partial")


def check_folder(target: Path) -> None:
    """Raise OutputError unless the folder that `target` is to be in exists."""
    if not os.path.isdir(target.parent):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
        raise OutputError(f"Cannot write {target}: there is no folder {target.parent}; make it first (mkdir -p).")


def check_readable(path: str | Path) -> None:
    """Raise InputError, as `read_bytes` does, without reading the file: for a check before anything heavy is loaded."""
    source = Path(path)
    try:
        with source.open("rb"):
            pass
    except OSError as error:
        raise _unreadable(source, error) from None


def check_reachable(path: str | Path) -> None:
    """Raise OutputError for a place that cannot even be asked for: a name too long, a loop of links, no permission."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(_in_plain_words(error, Path(path))) from None


def make_folder(folder: str | Path) -> Path:
    """A folder that is there afterwards. Raises OutputError."""
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(_in_plain_words(error, target)) from None
    return target


def read_bytes(path: str | Path) -> bytes:
    """The content of a file. Raises InputError in one line for a file that is missing, a folder, or not readable."""
    source = Path(path)
    try:
        return source.read_bytes()
    except OSError as error:
        raise _unreadable(source, error) from None


def shown(name: str) -> str:
    """A name as it can be written down, for names of files need not be UTF-8."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _unreadable(source: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"There is no file {source}; check the name.")
    if isinstance(error, IsADirectoryError):
        return InputError(f"{source} is a folder; expected a file.")
    return InputError(f"Cannot read {source}: {error.strerror or error}.")


def _in_plain_words(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Cannot write {target}: the disk is full; free some space and run it again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Cannot write {target}: no permission to write in {target.parent}; choose another folder."
    return f"Cannot write {target}: {error.strerror or error}."


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # the file is there; some file systems cannot make sure of its name
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
