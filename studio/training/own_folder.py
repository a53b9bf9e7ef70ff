"""A training has its folder to itself, and one that is refused leaves it as it was."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from studio.errors import InputError, StudioError
from studio.media import files


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else on this machine trains in a folder meanwhile. Raises InputError where somebody does.

    The lock lies among the system's temporary files, for the folder may not be there yet; it ends with the process.
    """
    name = files.sha256(os.fsencode(os.path.realpath(folder)))[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"studio-{name}.lock", timeout=0, mode=0o666)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock)
        except Timeout:
            raise InputError(f"A training is going on in {folder}; wait until it ends, or stop it.") from None
        except OSError:  # somebody else's lock, from long ago, or no room for one
            pass
        yield


@contextmanager
def untouched_if_refused(folder: Path) -> Iterator[None]:
    """Take away again what came to be in a folder, and the folder, where the work inside raises a StudioError.

    What lay there before stays. Ctrl-C leaves everything: pictures that took minutes to prepare are no waste.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    before = set(folder.rglob("*"))
    try:
        yield
    except StudioError:
        with contextlib.suppress(OSError):
            for path in sorted(set(folder.rglob("*")) - before, reverse=True):  # what is in a folder before the folder
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            for path in missing:
                path.rmdir()
        raise
