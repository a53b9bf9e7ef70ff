"""A melody: one voice, its key, its metre and its tempo. Times are in ticks, `studio.music.theory.TICKS` a quarter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from studio.errors import InputError
from studio.music.theory import METERS, MODES, TEMPO, TICKS, Key, Meter


@dataclass(frozen=True)
class Note:
    """A pitch as MIDI counts it (60 is middle C), or None for a rest; how long it lasts, in ticks."""

    pitch: int | None
    ticks: int


@dataclass(frozen=True)
class Melody:
    """Notes one after another, without gaps.

    tempo: beats a minute, of the beat as it is felt (`Meter.beat`); pickup: ticks before the first full bar.
    """

    notes: tuple[Note, ...]
    key: Key
    meter: Meter
    tempo: float = TEMPO
    pickup: int = 0

    @property
    def ticks(self) -> int:
        """How long it lasts, pickup included."""
        return sum(note.ticks for note in self.notes)

    @property
    def bars(self) -> int:
        """Bars after the pickup, the last one counted also where it is not full."""
        return -(-(self.ticks - self.pickup) // self.meter.bar)

    @property
    def seconds(self) -> float:
        return self.ticks / self.meter.beat * 60 / self.tempo

    @property
    def pitches(self) -> list[int]:
        """Of the notes that sound."""
        return [note.pitch for note in self.notes if note.pitch is not None]

    def timed(self) -> Iterator[tuple[int, Note]]:
        """Each note with the tick at which it begins; those of the pickup are negative."""
        at = -self.pickup
        for note in self.notes:
            yield at, note
            at += note.ticks

    def transposed(self, semitones: int) -> Melody:
        """The same in another key. Pitches may leave 0 … 127: that is for the caller to see to."""
        notes = tuple(Note(None if note.pitch is None else note.pitch + semitones, note.ticks) for note in self.notes)
        return replace(self, notes=notes, key=replace(self.key, tonic=(self.key.tonic + semitones) % 12))


def check(melody: Melody) -> None:
    """Raise InputError for a melody that no file would give: of another metre or mode, or with times that cannot be."""
    if melody.meter.name not in METERS or melody.key.mode not in MODES or not 0 <= melody.key.tonic < 12:
        raise InputError(
            f"Expected a melody in {', '.join(METERS)} and in {', '.join(MODES)}, got {melody.meter.name} and "
            f"{melody.key.mode}."
        )
    if not melody.tempo > 0 or not 0 <= melody.pickup <= melody.ticks or any(note.ticks <= 0 for note in melody.notes):
        raise InputError("Expected a melody whose notes last some ticks each, whose pickup is in it, and with a tempo.")
    if any(not 0 <= pitch <= 127 for pitch in melody.pitches):
        raise InputError("Expected pitches from 0 to 127, as MIDI counts.")


def joined(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The same with neighbouring rests made into one."""
    found: list[Note] = []
    for note in notes:
        if found and note.pitch is None and found[-1].pitch is None:
            found[-1] = Note(None, found[-1].ticks + note.ticks)
        else:
            found.append(note)
    return tuple(found)


def in_seconds(ticks: float, meter: Meter, tempo: float) -> float:
    """How long ticks last at a tempo."""
    return ticks / meter.beat * 60 / tempo


def quarters_a_minute(meter: Meter, tempo: float) -> float:
    """A tempo of felt beats, as MIDI counts it."""
    return tempo * meter.beat / TICKS
