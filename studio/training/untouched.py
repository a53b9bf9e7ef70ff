"""A training that is refused leaves its folder as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import StudioError


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
