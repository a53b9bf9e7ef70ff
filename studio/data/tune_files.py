"""Where tunes come from: a folder with folders inside, a .zip of one, or a single file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from studio.data.report import LeftOut
from studio.data.tree import entries_in
from studio.errors import InputError
from studio.media.scores import SUFFIXES

MAX_FILES = 500_000
MAX_BYTES = 16 << 20  # of one file


@dataclass
class Found:
    """Files of tunes by name, the path in the folder or .zip with forward slashes; others: files of other kinds."""

    names: list[str] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    others: int = 0


def contents(source: Path, found: Found) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of tunes, sorted by name; `found` is filled by the way, with what is left out.

    Raises InputError for what is neither a folder nor a file of tunes, and for a damaged .zip.
    """
    if os.path.isdir(source):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
        _look_in(source, found)
    elif not os.path.exists(source):  # noqa: PTH110 (likewise)
        raise InputError(f"There is no folder {source}; check the name.")
    elif zipfile.is_zipfile(source) and source.suffix.lower() not in SUFFIXES:
        yield from _in_zip(source, found)
        return
    elif source.suffix.lower() in SUFFIXES:
        found.paths[source.name] = source
    else:
        raise InputError(f"{source} is no file of tunes; expected {', '.join(SUFFIXES)}, or a folder or .zip of them.")
    found.names = sorted(found.paths)
    for name in found.names:
        try:
            with found.paths[name].open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            found.left_out.append(LeftOut(name, f"unreadable: {error.strerror or error}"))
            continue
        if _fits(name, content, found):
            yield name, content


def _look_in(root: Path, found: Found) -> None:
    for name, path in entries_in(root, found.left_out):
        if path.suffix.lower() not in SUFFIXES:
            found.others += 1
        elif os.path.isfile(path) or not os.path.exists(path):  # noqa: PTH110, PTH113 (names that are too long)
            found.paths[name] = path  # also a link that leads nowhere: opening it says so
        else:
            found.others += 1  # a pipe or a device, whatever its name
        if len(found.paths) > MAX_FILES:
            raise InputError(f"{root} holds more than {MAX_FILES:,} files of tunes; give a part of it.")


def _in_zip(source: Path, found: Found) -> Iterator[tuple[str, bytes]]:
    """Read one after another and never unpacked to disk: what is packed too well is just too large."""
    try:
        archive = zipfile.ZipFile(source)
    except Exception as error:  # its parser raises many kinds
        raise InputError(f"{source} is damaged or cut off ({error}); pack it again.") from None
    with archive:
        entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
        if len(entries) > MAX_FILES:
            raise InputError(f"{source} holds more than {MAX_FILES:,} files; give a part of it.")
        for name, entry in sorted(entries.items()):
            path = PurePosixPath(name)
            if any(part.startswith((".", "__MACOSX")) for part in path.parts):
                continue
            if path.suffix.lower() not in SUFFIXES:
                found.others += 1
                continue
            found.names.append(name)
            try:
                with archive.open(entry) as file:
                    content = file.read(MAX_BYTES + 1)
            except Exception as error:  # likewise; also a password
                found.left_out.append(LeftOut(name, f"unreadable: damaged in the .zip ({error})"))
                continue
            if _fits(name, content, found):
                yield name, content


def _fits(name: str, content: bytes, found: Found) -> bool:
    if len(content) > MAX_BYTES:
        found.left_out.append(LeftOut(name, f"too large: more than {MAX_BYTES >> 20} MB"))
    return len(content) <= MAX_BYTES
