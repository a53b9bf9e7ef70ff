"""A folder of MIDI, ABC and MusicXML  →  the tunes a model learns from, with a report of what was left out and why.

data = read_melodies("tunes")
data.tunes            # of which each has a name and a melody
print(data.report.in_words())
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from studio.data.choose import classes_of, digest
from studio.data.report import LeftOut, counted
from studio.data.tune_files import Found, contents
from studio.errors import InputError
from studio.media import midi, musicxml
from studio.media.abc import read_tunes
from studio.media.scores import SUFFIXES
from studio.music.melody import Melody, Note
from studio.music.originality import groups
from studio.music.theory import Key, Meter

MIN_TUNES = 8
MIN_BARS = 2

_VERSION = 1  # of how tunes are read: another one is other data
_NAMED = 10  # tunes left out that are named in words; `to_dict` has them all
_KINDS = {
    "bar ": "bars not full",
    "its metre": "metre",
    "its key": "key or mode",
    "its mode": "key or mode",
    "it has more than one": "several voices",
    "it is polyphonic": "several voices",
    "drums": "drums",
    "its pitches": "range",
    "a note of": "rhythm",
}


@dataclass(frozen=True)
class Tune:
    """A melody to learn from. name: the path of its file, and its title where the file has several tunes."""

    name: str
    melody: Melody


@dataclass(frozen=True)
class MelodyReport:
    """What was found. used: tunes for training and those held out, together; other_files: those of other kinds.

    collections: used tunes by folder, empty where there is only one; keys, metres: used tunes by "D major", "6/8".
    """

    used: int
    held_out: int
    left_out: tuple[LeftOut, ...]
    other_files: int
    collections: Mapping[str, int]
    keys: Mapping[str, int]
    metres: Mapping[str, int]

    def in_words(self) -> str:
        """A few plain lines, without a newline at the end."""
        lines = [f"{self.used:,} {_tunes(self.used)} used, {self.held_out:,} of them held out for measuring."]
        for title, counts in (("Collections", self.collections), ("Metres", self.metres), ("Keys", self.keys)):
            if counts:
                lines.append(f"{title}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()) + ".")
        if self.left_out:
            lines.append(f"Left out: {counted(self.left_out)}.")
            lines += [f"  {name}: {reason}" for name, reason in self.left_out[:_NAMED]]
        if len(self.left_out) > _NAMED:
            lines.append(f"  and {len(self.left_out) - _NAMED:,} more.")
        if self.other_files:
            lines.append(
                f"Besides: {self.other_files:,} {'file' if self.other_files == 1 else 'files'} of other kinds."
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        return asdict(self) | {"left_out": [list(item) for item in self.left_out]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that `to_dict` was made from."""
        return cls(**{**values, "left_out": tuple(LeftOut(name, reason) for name, reason in values["left_out"])})


@dataclass(frozen=True)
class MelodyData:
    """Tunes for training, and those held out for measuring, in the order of their names.

    fingerprint: SHA-256 over the tunes of both, in hexadecimal: the same means the same data in the same order.
    """

    tunes: tuple[Tune, ...]
    held_out: tuple[Tune, ...]
    report: MelodyReport
    fingerprint: str

    def to_json(self) -> str:
        """All of it as one JSON text, for a cache."""
        return json.dumps(
            {
                "tunes": [[tune.name, _plain(tune.melody)] for tune in self.tunes],
                "held_out": [[tune.name, _plain(tune.melody)] for tune in self.held_out],
                "report": self.report.to_dict(),
                "fingerprint": self.fingerprint,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave. Raises InputError for any other text."""
        try:
            values = json.loads(text)
            tunes, held_out = (
                tuple(Tune(name, _melody(plain)) for name, plain in values[part]) for part in ("tunes", "held_out")
            )
            return cls(tunes, held_out, MelodyReport.from_dict(values["report"]), values["fingerprint"])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError("The tunes that were kept for the training are damaged; read the folder again.") from None


def read_melodies(
    source: str | Path,
    *,
    held_out: float = 0.1,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    refuse: Callable[[Melody], str] | None = None,
) -> MelodyData:
    """Find, read and check every tune in a folder and the folders inside it, a .zip of one, or a single file.

    Tunes with the same steps and lengths are taken once, in whatever key the others are. held_out: about which part is
    kept for measuring, whole groups of near-variants at a time (`studio.music.originality.groups`); which ones depends
    on `seed`. progress: called with the name of each file as it is read. refuse: says why a melody cannot be used, and
    "" for one that can.
    Raises InputError where there are fewer than 8 tunes to use, in words that say why.
    """
    source, found = Path(source), Found()
    left_out, tunes = list[LeftOut](), list[Tune]()
    for name, content in contents(source, found):
        if progress is not None:
            progress(name)
        before = len(tunes), len(left_out)
        try:
            for title, melody, reason in _read(name, content):
                if melody is not None and refuse is not None and (refused := refuse(melody)):
                    melody, reason = None, refused
                _sort_in(title, melody, reason, tunes, left_out)
        except InputError as error:
            left_out.append(LeftOut(name, f"unreadable: {error}"))
        if (len(tunes), len(left_out)) == before:
            left_out.append(LeftOut(name, "unreadable: there is no tune in it"))
    left_out += found.left_out
    if not found.names and not left_out:
        raise InputError(f"{source} holds no tunes: expected {', '.join(SUFFIXES)} in it or in folders inside it.")
    used, copies = _without_copies(tunes)
    left_out = sorted(left_out + copies)
    _check_enough(str(source), len(used), left_out)
    chosen = divide(used, held_out, seed)
    parts = [tuple(tune for place, tune in enumerate(used) if (place in chosen) == part) for part in (False, True)]
    report = MelodyReport(
        used=len(used),
        held_out=len(chosen),
        left_out=tuple(left_out),
        other_files=found.others,
        collections=_collections([tune.name for tune in used], single=len(found.names) == 1),
        keys=_frequencies(tune.melody.key.name for tune in used),
        metres=_frequencies(tune.melody.meter.name for tune in used),
    )
    content_of = [[_plain(tune.melody) for tune in part] for part in parts]
    return MelodyData(parts[0], parts[1], report, digest([_VERSION, content_of]))


def divide(tunes: Sequence[Tune], part: float, seed: int) -> set[int]:
    """Places of the tunes to hold out: whole groups of near-variants by lot, until the part is reached; at least one.

    Where every tune is a variant of the others, single tunes are drawn.
    """
    members: dict[int, list[int]] = {}
    for place, number in enumerate(groups([tune.melody for tune in tunes])):
        members.setdefault(number, []).append(place)
    lots = [digest([seed, _plain(tune.melody)]) for tune in tunes]
    wanted = max(1, min(round(part * len(tunes)), len(tunes) // 2))
    chosen: set[int] = set()
    for group in sorted(members.values(), key=lambda group: min(lots[place] for place in group)):
        if len(chosen) >= wanted:
            break
        if len(chosen) + len(group) <= max(wanted * 3 // 2, wanted + 1):
            chosen.update(group)
    return chosen or set(sorted(range(len(tunes)), key=lots.__getitem__)[:wanted])


def _read(name: str, content: bytes) -> Iterator[tuple[str, Melody | None, str]]:
    """(name, melody or None, reason) of each tune in a file. Raises InputError for a file that cannot be read."""
    suffix = Path(name).suffix.lower()
    if suffix == ".abc":
        for tune in read_tunes(_text(content), name):
            yield f"{name}: {tune.name}", tune.melody, tune.reason
    elif suffix in midi.SUFFIXES:
        taken, left_out = midi.melodies_in(midi.read_midi(content, name), name)
        yield from ((label, melody, "") for label, melody in taken)
        yield from ((label, None, reason) for label, reason in left_out)
    else:
        score = musicxml.read_score(content, name)
        yield name, score.melody, score.reason


def _sort_in(name: str, melody: Melody | None, reason: str, tunes: list[Tune], left_out: list[LeftOut]) -> None:
    if melody is None:
        kind = next((kind for start, kind in _KINDS.items() if reason.startswith(start)), "unreadable")
        left_out.append(LeftOut(name, f"{kind}: {reason}"))
    elif melody.bars < MIN_BARS:
        left_out.append(LeftOut(name, f"too short: it has fewer than {MIN_BARS} bars"))
    else:
        tunes.append(Tune(name, melody))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _without_copies(tunes: list[Tune]) -> tuple[list[Tune], list[LeftOut]]:
    first: dict[tuple[object, ...], str] = {}
    used, copies = list[Tune](), list[LeftOut]()
    for tune in tunes:
        melody = tune.melody
        lowest = min(melody.pitches, default=0)
        notes = tuple((None if note.pitch is None else note.pitch - lowest, note.ticks) for note in melody.notes)
        name = first.setdefault((notes, melody.meter, melody.pickup), tune.name)
        if name is tune.name:
            used.append(tune)
        else:
            copies.append(LeftOut(tune.name, f"duplicate: the same as {name}"))
    return used, copies


def _check_enough(source: str, used: int, left_out: Sequence[LeftOut]) -> None:
    if used >= MIN_TUNES:
        return
    total = used + len(left_out)
    reasons = (
        f" Left out: {counted(list(left_out))}; the first, {left_out[0].name}: {left_out[0].reason}."
        if left_out
        else ""
    )
    raise InputError(
        f"{used} usable of {total:,} {_tunes(total)} in {source}; at least {MIN_TUNES} are needed.{reasons}"
    )


def _collections(names: list[str], single: bool) -> dict[str, int]:
    found = Counter(name or "beside the folders" for name in classes_of([name.split(": ")[0] for name in names]))
    return {} if single or len(found) < 2 else dict(sorted(found.items()))


def _frequencies(names: Iterator[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _plain(melody: Melody) -> list[Any]:
    """A melody in plain JSON types."""
    notes = [[note.pitch, note.ticks] for note in melody.notes]
    return [melody.key.tonic, melody.key.mode, melody.meter.name, melody.tempo, melody.pickup, notes]


def _melody(plain: list[Any]) -> Melody:
    tonic, mode, meter, tempo, pickup, notes = plain
    return Melody(
        tuple(Note(pitch, ticks) for pitch, ticks in notes), Key(tonic, mode), Meter.named(meter), tempo, pickup
    )


def _tunes(count: int) -> str:
    return "tune" if count == 1 else "tunes"
