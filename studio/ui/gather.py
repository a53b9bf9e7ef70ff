"""Pictures for a training, as a browser brings them: one .zip, several files, or the path of a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from studio.errors import InputError, OutputError
from studio.media import files

ZIP = ".zip"


def check(uploads: Sequence[Path], folder: str) -> None:
    """Raise InputError unless there is one thing to train on."""
    if uploads and folder:
        raise InputError("There are files and a folder: take the files away, or leave the folder's path empty.")
    if not uploads and not folder:
        raise InputError("There are no pictures yet: drop a .zip or pictures, or type the path of a folder.")
    packed = [path for path in uploads if path.suffix.lower() == ZIP]
    if packed and len(uploads) > 1:
        raise InputError(f"{packed[0].name} came with {len(uploads) - 1} more files: give one .zip, or pictures alone.")


def gathered(uploads: Sequence[Path], folder: str, room: Path) -> Path:
    """What to read the pictures from: the folder itself, or the uploads put into `room`. Raises OutputError."""
    check(uploads, folder)
    if folder:
        return Path(os.path.expanduser(folder))  # noqa: PTH111 (Path.expanduser raises for a user that is not known)
    shutil.rmtree(room, ignore_errors=True)  # what an attempt that was refused has left
    files.make_folder(room)
    places = [room / path.name for path in uploads]
    if len(set(places)) < len(places):  # files of one name from several folders
        places = [room / f"{number:05} {path.name}" for number, path in enumerate(uploads)]
    for path, place in zip(uploads, places, strict=True):
        _put(path, place)
    return places[0] if places[0].suffix.lower() == ZIP else room


def called(uploads: Sequence[Path], folder: str) -> str:
    """A name for a model of these files: that of the .zip, the one file or the folder."""
    if folder:
        path = Path(folder)
        return (path.stem if os.path.isfile(path) else path.name) or "pictures"  # noqa: PTH113 (as above)
    return uploads[0].stem if len(uploads) == 1 else "pictures"


def _put(path: Path, place: Path) -> None:
    try:
        place.unlink(missing_ok=True)
        try:
            place.hardlink_to(path)
        except OSError:  # another disk, or a file system without links
            shutil.copyfile(path, place)
    except OSError as error:
        raise OutputError(f"Cannot write {place}: {error.strerror or error}.") from None
