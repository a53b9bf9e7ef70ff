"""Where pictures come from: a folder with folders inside, or a .zip of one."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from studio.data.report import LeftOut
from studio.data.tree import entries_in
from studio.errors import InputError

# What the media room reads, and further kinds of pictures, so that those are reported rather than passed over.
_SUFFIXES = (
    ".png .apng .jpg .jpeg .jpe .jfif .webp .gif .bmp .dib .tif .tiff .ppm .pgm .pbm .pnm .avif "
    ".heic .heif .jxl .jp2 .svg .psd .tga .ico .raw .dng .cr2 .cr3 .nef .arw .orf .rw2"
)
SUFFIXES = frozenset(_SUFFIXES.split())
MAX_ENTRIES = 500_000
MAX_UNPACKED = 32 << 30  # bytes
MAX_RATIO = 100  # times the size of the .zip; pictures hardly get smaller by packing
BENIGN = 1 << 30  # bytes that are unpacked whatever the ratio


@dataclass
class Found:
    """Picture files by (name, path): the name is the path in the folder or zip, with forward slashes.

    left_out: what is named like a picture and cannot be reached; not_pictures: how many files are something else.
    """

    pictures: list[tuple[str, Path]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    not_pictures: int = 0


@contextmanager
def opened(source: Path) -> Iterator[Found]:
    """The picture files in a folder or a .zip, sorted by name. Those of a .zip are there only within the context.

    Raises InputError for what is neither, and for a .zip that is damaged, locked, too large, or reaches outside itself.
    """
    if os.path.isdir(source):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
        yield _in_folder(source)
    elif not os.path.exists(source):  # noqa: PTH110 (likewise)
        raise InputError(f"There is no folder {source}; check the name.")
    elif not zipfile.is_zipfile(source):
        if source.suffix.lower() == ".zip":
            raise InputError(f"{source} is no .zip that can be read: it is cut off or damaged; get it again.")
        raise InputError(f"{source} is a file; expected a folder of pictures, or a .zip of one.")
    else:
        with tempfile.TemporaryDirectory(prefix="studio-") as room:
            yield _in_zip(source, Path(room))


def _in_folder(root: Path) -> Found:
    found = Found()
    for name, path in entries_in(root, found.left_out):
        _sort_in(path, name, found)
    found.pictures.sort(key=lambda item: item[0])
    found.left_out.sort()
    return found


def _sort_in(path: Path, name: str, found: Found) -> None:
    if path.suffix.lower() not in SUFFIXES:
        found.not_pictures += 1
    elif os.path.isfile(path):  # noqa: PTH113 (likewise)
        found.pictures.append((name, path))
    elif path.is_symlink() and not os.path.exists(path):  # noqa: PTH110
        found.left_out.append(LeftOut(name, "unreadable: a link that leads nowhere"))
    else:
        found.not_pictures += 1  # a pipe or a device, whatever its name


def _in_zip(source: Path, room: Path) -> Found:
    """Unpack the pictures of a .zip into a temporary folder, under numbers."""
    found = Found()
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_zip(source, entries)
            for entry in sorted(entries, key=lambda entry: entry.filename):
                path = PurePosixPath(entry.filename)
                if any(part.startswith((".", "__MACOSX")) for part in path.parts):
                    continue
                if path.suffix.lower() not in SUFFIXES:
                    found.not_pictures += 1
                elif reason := _unpack(archive, entry, room / str(len(found.pictures))):
                    found.left_out.append(LeftOut(entry.filename, reason))
                else:
                    found.pictures.append((entry.filename, room / str(len(found.pictures))))
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"Cannot unpack {source}: {error.strerror or error}; give the unpacked folder instead."
        ) from None
    except Exception as error:  # its parser raises many kinds
        raise InputError(f"{source} is damaged or cut off ({error}); pack it again.") from None
    return found


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Unpack one file. Gives the reason why it cannot be, or nothing."""
    try:
        with archive.open(entry) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except OSError:
        raise
    except Exception as error:
        return f"unreadable: damaged in the .zip ({error})"
    return ""


def _check_zip(source: Path, entries: list[zipfile.ZipInfo]) -> None:
    """What an entry says about its size binds: no more than that is ever unpacked of it."""
    unpacked = sum(entry.file_size for entry in entries)
    most = min(MAX_UNPACKED, max(BENIGN, MAX_RATIO * source.stat().st_size))
    if len(entries) > MAX_ENTRIES or unpacked > most:
        raise InputError(
            f"{source} would unpack to {len(entries):,} files, {unpacked / 1e9:,.1f} GB; at most {MAX_ENTRIES:,} files "
            f"and {most / 1e9:,.1f} GB are accepted of a .zip of its size. Unpack it yourself and give the folder."
        )
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
            raise InputError(f"{source} holds {entry.filename!r}, which leads out of its folder; it is not opened.")
        if entry.flag_bits & 1:
            raise InputError(f"{source} is locked with a password; unpack it yourself and give the folder.")
