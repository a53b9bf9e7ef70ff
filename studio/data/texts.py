"""A text file, or a folder of them  →  tokens to learn from and tokens held out, with a report.

    data = read_texts("poems.txt", Path("cache"), held_out=0.05)
    data.tokens           # (N,) memory-mapped
    data.tokenizer        # trained on the same text, where none is given

Files are read in pieces and tokens are kept in files, so that memory does not grow with the data. The tail of a file is
held out; of a folder of many small ones, whole files. A form feed ends a document, as the end of a file does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from studio.data.report import LeftOut
from studio.data.text_report import TextReport
from studio.data.tokens import Writer, decoded, train_tokenizer
from studio.data.tree import entries_in
from studio.errors import InputError, OutputError
from studio.media import files, text

SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".fountain", ".srt", ".poem", ".verse", ".csv", ".tsv")
LEAST = 2_000  # characters to train on
LEAST_HELD_OUT = 50  # characters to measure on
SMALL = 1 << 16  # bytes: of files smaller than that, and more than MANY, whole ones are held out
MANY = 20
OVER_FITS = 200_000  # characters: of less, a network soon knows all by heart

_VERSION = 1  # of how texts are read: another one is other data
_LOOKED_AT = 1 << 16  # bytes in which a place to cut a file is looked for, or its last letter


@dataclass(frozen=True)
class Stretch:
    """A part of a file, in bytes."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class TextData:
    """Tokens (N,) to learn from, and those held out (M,) that are `held_out_bytes` of UTF-8.

    fingerprint: SHA-256 over both and the tokenizer, in hexadecimal: the same means the same data in the same order.
    """

    tokens: NDArray[np.unsignedinteger]
    held_out: NDArray[np.unsignedinteger]
    held_out_bytes: int
    tokenizer: Tokenizer
    report: TextReport
    fingerprint: str

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return int(self.tokenizer.get_vocab_size())

    def texts(self) -> Iterator[str]:
        """What is learnt from, as text, in pieces of some thousand words."""
        return decoded(self.tokens, self.tokenizer)

    def held_out_text(self) -> Iterator[str]:
        """What is held out, as text, in pieces."""
        return decoded(self.held_out, self.tokenizer)


def read_texts(
    source: str | Path,
    cache: Path,
    *,
    held_out: float = 0.05,
    tokenizer: Tokenizer | None = None,
    vocabulary: int | None = None,
) -> TextData:
    """Read a file or a folder into files of tokens, in a folder of the cache that appears whole or not at all.

    held_out: the part that is kept for measuring. tokenizer: one to use; else one of `vocabulary` tokens is trained,
    of a number that suits the amount of text if none is given. What is in the cache already is not made again.
    Raises InputError in one line where there is no text, OutputError, for a full disk for one.
    """
    learnt, kept, left_out, other = stretches(Path(source), held_out)
    settings = [_VERSION, held_out, vocabulary, tokenizer and tokenizer.to_str(), *left_out, other]
    files.make_folder(cache)
    place = cache / _key(settings, learnt, kept)
    if (known := kept_texts(place)) is not None:
        return known
    for unfinished in cache.glob(".studio-*"):  # of a run that was killed
        shutil.rmtree(unfinished, ignore_errors=True)
    making = None
    try:
        making = Path(tempfile.mkdtemp(dir=cache, prefix=".studio-"))
        size = sum(part.end - part.start for part in learnt)
        if tokenizer is None:
            tokenizer = train_tokenizer((piece for part in learnt for piece in _pieces(part)), size, vocabulary)
        _write(making, str(source), learnt, kept, tokenizer, left_out, other)
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    except OSError as error:
        raise OutputError(
            f"Cannot keep the tokens in {cache}: {error.strerror or error}; free some space or choose another folder."
        ) from None
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)
    data = kept_texts(place)
    if data is None:
        raise OutputError(f"The tokens in {place} were damaged as soon as they were written; check the disk.")
    return data


def kept_texts(folder: Path, fingerprint: str | None = None) -> TextData | None:
    """What `read_texts` left in a folder of its cache; None where there is nothing whole, or of another fingerprint."""
    try:
        facts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        if fingerprint not in (None, facts["fingerprint"]):
            return None
        tokens, held_out = (_mapped(folder / f"{name}.bin", facts) for name in ("tokens", "held_out"))
        return TextData(
            tokens,
            held_out,
            facts["bytes"],
            Tokenizer.from_file(str(folder / "tokenizer.json")),
            TextReport.from_dict(facts["report"]),
            facts["fingerprint"],
        )
    except Exception:  # tokenizers raises Exception itself
        return None


def _mapped(path: Path, facts: dict[str, Any]) -> NDArray[np.unsignedinteger]:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != facts["sha256"][path.stem]:
            raise ValueError("not what was written")
    return np.memmap(path, facts["type"], "r")


def _key(settings: list[Any], learnt: list[Stretch], kept: list[Stretch]) -> str:
    """A name for these texts and how they are read, in hexadecimal."""
    whole = hashlib.sha256(json.dumps([settings, [[part.start, part.end] for part in (*learnt, *kept)]]).encode())
    for path in dict.fromkeys(part.path for part in (*learnt, *kept)):
        try:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None
    return whole.hexdigest()


def _write(
    folder: Path,
    source: str,
    learnt: list[Stretch],
    kept: list[Stretch],
    tokenizer: Tokenizer,
    left_out: list[LeftOut],
    other: int,
) -> None:
    """Tokens, tokenizer and what is known of them, as `kept_texts` reads them."""
    counts = text.Counts()
    writer = _written(folder / "tokens.bin", learnt, tokenizer, counts)
    behind = _written(folder / "held_out.bin", kept, tokenizer, counts)
    if writer.characters < LEAST:
        raise InputError(
            f"{source} holds {writer.characters:,} characters to learn from; expected at least {LEAST:,}, a page."
        )
    if behind.characters < LEAST_HELD_OUT:
        raise InputError(
            f"Of {source}, {behind.characters:,} characters would be held out for measuring; expected at least "
            f"{LEAST_HELD_OUT}: give a larger --held-out, or more text."
        )
    report = TextReport(
        used=writer.documents,
        characters=writer.characters,
        words=writer.words,
        tokens=writer.count,
        held_out=behind.characters,
        replaced=counts.replaced,
        controls=counts.controls,
        left_out=tuple(left_out),
        other_files=other,
        over_fits=writer.characters < OVER_FITS,
    )
    whole = f"{_VERSION}/{tokenizer.to_str()}/{writer.digest}/{behind.digest}"
    facts = {
        "report": report.to_dict(),
        "bytes": behind.bytes,
        "fingerprint": hashlib.sha256(whole.encode()).hexdigest(),
        "type": writer.type.name,
        "sha256": {"tokens": writer.digest, "held_out": behind.digest},
    }
    files.write_bytes(folder / "tokenizer.json", tokenizer.to_str().encode())
    files.write_bytes(folder / "texts.json", json.dumps(facts).encode())


def _written(path: Path, parts: list[Stretch], tokenizer: Tokenizer, counts: text.Counts) -> Writer:
    with Writer(path, tokenizer) as writer:
        for part in parts:
            writer.document()
            for piece in _pieces(part, counts):
                writer.add(piece)
    return writer


def stretches(source: Path, held_out: float) -> tuple[list[Stretch], list[Stretch], list[LeftOut], int]:
    """What to learn from, what to hold out, the files left out, and how many are of other kinds. Raises InputError."""
    if os.path.isfile(source):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        text.check_text(source)
        left_out: list[LeftOut] = []
        found, other = [("", source)], 0
    elif os.path.isdir(source):  # noqa: PTH112
        found, left_out, other = _texts_in(source)
        if not found:
            some = f"; {len(left_out)} could not be used, such as {': '.join(left_out[0])}" if left_out else ""
            raise InputError(f"There are no texts in {source}{some}; expected .txt files in UTF-8, or one file.")
    else:
        raise InputError(f"There is no file or folder {source}; check the name.")
    learnt: list[Stretch] = []
    kept: list[Stretch] = []
    sizes = [path.stat().st_size for _, path in found]
    many = sum(size < SMALL for size in sizes) > MANY
    for (name, path), size in zip(found, sizes, strict=True):
        if many and size < SMALL:
            (kept if _share(name) < held_out else learnt).append(Stretch(path, 0, size))
            continue
        cut, end = _place_to_cut(path, size, int(size * (1 - held_out))), _end_of_text(path, size)
        if cut >= end:  # what would be held out is blank
            cut = _place_to_cut(path, end, int(end * (1 - held_out)))
        learnt.append(Stretch(path, 0, cut))
        kept.append(Stretch(path, cut, size))
    if not kept:  # so few small files that chance took none
        kept.append(learnt.pop())
    return learnt, kept, left_out, other


def _texts_in(root: Path) -> tuple[list[tuple[str, Path]], list[LeftOut], int]:
    """Texts by name, each once; those that cannot be used; how many files are of other kinds."""
    left_out: list[LeftOut] = []
    found, other, seen = [], 0, dict[str, str]()
    for name, path in sorted(entries_in(root, left_out)):
        if path.suffix.lower() not in SUFFIXES or not os.path.isfile(path):  # noqa: PTH113
            other += 1
            continue
        try:
            text.check_text(path)
        except InputError as error:
            reason = str(error).removeprefix(f"{path} ").removeprefix("is ")
            left_out.append(LeftOut(name, f"{'empty' if reason.startswith('empty') else 'not a text'}: {reason}"))
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in seen:
            left_out.append(LeftOut(name, f"duplicate: the same as {seen[digest]}"))
            continue
        seen[digest] = name
        found.append((name, path))
    return found, sorted(left_out), other


def _share(name: str) -> float:
    """A number in [0, 1) that follows from a name."""
    return int.from_bytes(hashlib.sha256(name.encode(errors="replace")).digest()[:8], "big") / 2**64


def _end_of_text(path: Path, size: int) -> int:
    """The byte after the last letter of a file."""
    with path.open("rb") as file:
        start = max(0, size - _LOOKED_AT)
        file.seek(start)
        last = file.read(size - start).rstrip()
    return start + len(last) if last else size


def _place_to_cut(path: Path, size: int, wanted: int) -> int:
    """A byte after `wanted` where a document, a stanza, a line or a word ends."""
    with path.open("rb") as file:
        file.seek(wanted)
        ahead = file.read(min(_LOOKED_AT, max(1, (size - wanted) // 2)))
    for mark in (b"\f", b"\n\n", b"\r\n\r\n", b"\n", b" "):
        place = ahead.find(mark)
        if place >= 0:
            return wanted + place + len(mark)
    whole = next((n for n, byte in enumerate(ahead) if byte & 0xC0 != 0x80), 0)  # where a character of UTF-8 begins
    return wanted + whole


def _pieces(part: Stretch, counts: text.Counts | None = None) -> Iterator[str]:
    return text.pieces(part.path, part.start, part.end, counts)
