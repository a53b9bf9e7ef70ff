"""What lies in a folder and in the folders inside it, each file by its place there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from studio.data.report import LeftOut
from studio.media import files


def entries_in(root: Path, left_out: list[LeftOut]) -> Iterator[tuple[str, Path]]:
    """(name, path) of everything that is no folder, hidden things aside; folders that cannot be opened are told of.

    Each folder is entered once: by its own name rather than by a link, and never one that the root is inside of.
    """
    home, seen = root.resolve(), set[Path]()
    folders, links = [(root, "")], list[tuple[Path, str]]()
    while folders or links:
        folder, prefix = folders.pop() if folders else links.pop(0)
        real = folder.resolve()
        if real in seen or (home != real and home.is_relative_to(real)):
            continue
        seen.add(real)
        try:
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError as error:
            reason = f"unreadable: the folder cannot be opened ({error.strerror or error})"
            left_out.append(LeftOut(prefix, reason))
            continue
        linked: list[tuple[Path, str]] = []
        for path in entries:
            if path.name.startswith("."):
                continue
            name = prefix + files.shown(path.name)
            if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
                (linked if path.is_symlink() else folders).append((path, f"{name}/"))
            else:
                yield name, path
        links[:0] = linked[::-1]
