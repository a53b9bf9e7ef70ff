"""Texts out of other formats: a pandas pickle that is not run, R's lazy-load databases, plays in Markdown."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

SENTINELS = {254: None, 253: "global", 242: "empty", 241: "base", 247: "base", 251: "missing", 252: "unbound"}


class Husk:
    """Stands for any object of a pickle: keeps what it was made of, does nothing."""

    parts: list[object]

    def __new__(cls, *parts: object) -> Husk:
        husk = super().__new__(cls)
        husk.parts = list(parts)
        return husk

    def __init__(self, *parts: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.parts.append(state)


class Shell(pickle.Unpickler):
    """Reads a pickle without importing or calling anything that it names."""

    def find_class(self, module: str, name: str) -> Any:
        return slice if (module, name) == ("builtins", "slice") else type(name, (Husk,), {})


def frame_column(packed: bytes) -> list[str]:
    """The first column of text of a gzipped pickle of a pandas frame whose columns are of one kind."""
    with gzip.open(io.BytesIO(packed)) as file:
        frame = Shell(file).load()
    lists = sorted(lists_in(frame), key=len)
    if not lists:
        raise SystemExit("The pickle holds no list of texts.")
    both = lists[-1]  # numpy keeps a frame's texts column after column
    return both[: len(both) // 2]


def lists_in(node: object) -> Iterator[list[str]]:
    if isinstance(node, list) and len(node) > 1000 and all(isinstance(item, str) for item in node[:100]):
        yield node
    elif isinstance(node, Husk):
        yield from lists_in(node.parts)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from lists_in(item)
    elif isinstance(node, dict):
        yield from lists_in(list(node.values()))


def r_database(index: bytes, data: bytes) -> dict[str, Any]:
    """The variables of an R lazy-load database: its index, .rdx, and its .rdb, compressed objects one after another."""
    variables = Serialised(zlib.decompress(index, 47)).value()["variables"]
    found = {}
    for name, (start, size) in variables.items():
        found[name] = Serialised(unpacked(data[start : start + size])).value()
    return found


def unpacked(record: bytes) -> bytes:
    """R_decompress: four bytes of length, then zlib, or a letter and bzip2 or xz."""
    body = record[4:]
    if body[:1] == b"2":
        return bz2.decompress(body[1:])
    if body[:1] == b"Z":
        return lzma.decompress(body[1:], lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])
    return zlib.decompress(body)


class Serialised:
    """R's binary serialisation (R Internals, 1.8), as far as vectors, lists and their names go."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place, self.symbols = content, 0, []
        if self.take(2) != b"X\n":
            raise SystemExit("Expected R's XDR serialisation.")
        version, _, _ = self.integers(3)
        if version == 3:
            self.take(self.integers(1)[0])  # the name of the encoding

    def take(self, size: int) -> bytes:
        self.place += size
        return self.content[self.place - size : self.place]

    def integers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f">{count}i", self.take(4 * count))

    def value(self) -> Any:
        flags = self.integers(1)[0]
        kind, attributed, tagged = flags & 255, flags & 0x200, flags & 0x400
        if kind in SENTINELS:
            return SENTINELS[kind]
        if kind == 255:  # a symbol that was named before
            return self.symbols[(flags >> 8 or self.integers(1)[0]) - 1]
        if kind == 1:
            self.symbols.append(self.value())
            return self.symbols[-1]
        if kind == 2:
            return self.pairs(flags)
        if kind == 9:
            size = self.integers(1)[0]
            return None if size < 0 else self.take(size).decode("utf-8", "replace")
        if kind not in (10, 13, 14, 16, 19, 20, 24):
            raise SystemExit(f"R objects of type {kind} are not expected here (tagged {bool(tagged)}).")
        size = self.integers(1)[0]
        found: Any
        if kind in (10, 13):
            found = list(self.integers(size))
        elif kind == 14:
            found = list(struct.unpack(f">{size}d", self.take(8 * size)))
        elif kind == 24:
            found = self.take(size)
        else:
            found = [self.value() for _ in range(size)]
        names = (self.value() or {}).get("names") if attributed else None
        return dict(zip(names, found, strict=True)) if names else found

    def pairs(self, flags: int) -> dict[str, Any]:
        """A pairlist, which is how attributes are kept, by tag."""
        found = {}
        while flags & 255 == 2:
            if flags & 0x200:
                self.value()
            tag = self.value() if flags & 0x400 else ""
            found[tag] = self.value()
            flags = self.integers(1)[0]
        return found


def scenes_of(play: str) -> Iterator[list[list[str]]]:
    """Scenes of a play in Markdown, each a list of speeches, each a list of lines: no heads, names or directions."""
    for scene in re.split(r"^#+ .*$", play, flags=re.MULTILINE):
        speeches = []
        for speech in re.split(r"^\*\*.*\*\*\s*$", scene, flags=re.MULTILINE)[1:]:
            lines = [re.sub(r"\\?\[.*?\]|_[A-Z].*?_", "", line).strip() for line in speech.splitlines()]
            if lines := [line for line in lines if line]:
                speeches.append(lines)
        if speeches:
            yield speeches
