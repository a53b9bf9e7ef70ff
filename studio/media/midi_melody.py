"""Melodies out of MIDI: which instruments play one voice, on which grid, and where its bars begin.

What a file of Studio says of its melody in a text is taken as it stands. From other files: onsets and ends go to the
nearest 12th of a quarter note, or 24th where those fit clearly better; overlaps of a tenth of a quarter and the gaps
between detached notes are closed; what comes before the first full bar is a pickup. Where the first note stands at the
very beginning, bars may still begin later (programs write a pickup without the silence before it): then the notes tell,
which for 1,397 tunes of O'Neill, Ryan and Aird gives the right first bar for 94 %.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple, Self

import pretty_midi

from studio.errors import InputError
from studio.music.key_finding import find_key
from studio.music.melody import Melody, Note, joined, quarters_a_minute
from studio.music.meter_finding import find_bars
from studio.music.theory import METERS, MODES, TICKS, Key, Meter, MeterName

_log = logging.getLogger("studio")
_OVERLAP = TICKS / 10
_SHORT = TICKS // 4  # a gap below a sixteenth, and below a quarter of the note's time, is its touch and no rest
_EXACT = 0.02  # ticks
_MOST_NOTES = 10_000  # five a second for half an hour
_TEMPI = 20.0, 400.0  # felt beats a minute: those of a tune that somebody could play
_CLEARLY = 0.4  # the finer grid is taken where what it misses is less than this part of what the coarser one misses
_FREE = 0.4  # ticks off the coarser grid, in the mean, where notes anywhere at all would be off by half a tick
_LISTENED = 4  # bars from which on a pickup can be heard
_IN_KEY = 0.85  # the part of the sounding time in the scale of a signature from which on it is believed
_KEY_TEXT = re.compile(r"key: ([A-G][#b]?) ([a-z]+)")
_MELODY_TEXT = re.compile(r"melody: pickup (\d{1,7}), length (\d{1,7}), tempo (\d{1,7}(?:\.\d{1,20})?)")


@dataclass(frozen=True)
class Told:
    """What a file of Studio says of its melody: its key, the ticks of its pickup and of all of it, and its tempo."""

    key: Key
    pickup: int
    ticks: int
    tempo: float

    def texts(self) -> list[str]:
        """For text events at the start of a file."""
        return [f"key: {self.key.name}", f"melody: pickup {self.pickup}, length {self.ticks}, tempo {self.tempo!r}"]

    @classmethod
    def by(cls, midi: pretty_midi.PrettyMIDI) -> Self | None:
        """What a file says, unless a program that changed its key or its tempo left the texts behind."""
        found = [text.text for text in midi.text_events if text.time == 0]
        key = next(filter(None, map(_KEY_TEXT.fullmatch, found)), None)
        melody = next(filter(None, map(_MELODY_TEXT.fullmatch, found)), None)
        if not key or not melody or key[2] not in MODES:
            return None
        told = cls(Key.named(key[1], key[2]), int(melody[1]), int(melody[2]), float(melody[3]))
        signatures = [change.key_number for change in midi.key_signature_changes]
        meters = {(change.numerator, change.denominator) for change in midi.time_signature_changes}
        if signatures != [key_number(told.key)] or len(meters) != 1 or not told.tempo:
            return None
        _, tempos = midi.get_tempo_changes()
        expected = quarters_a_minute(Meter(*meters.pop()), told.tempo)
        return told if len(tempos) == 1 and abs(6e7 / tempos[0] - 6e7 / expected) < 2 else None


class _Span(NamedTuple):
    """A note: when it begins and ends, in ticks of ours from the start of the file, and its pitch."""

    start: float
    end: float
    pitch: int


class _Unfit(Exception):  # noqa: N818 (it never leaves this module)
    """Why an instrument gives no melody."""


def melodies_in(midi: pretty_midi.PrettyMIDI, name: str) -> tuple[list[tuple[str, Melody]], list[tuple[str, str]]]:
    """The melodies of a file, each with a label; and what was left out, each with its label and the reason.

    A melody is what an instrument plays that is no drum and sounds one note at a time, in one metre of METERS, and on
    a grid. Labels begin with `name` and, where there are several instruments, end with which of them it is.
    """
    taken: list[tuple[str, Melody]] = []
    left_out: list[tuple[str, str]] = []
    for number, instrument in enumerate(midi.instruments, 1):
        label = f"{name} ({number}: {_called(instrument)})" if len(midi.instruments) > 1 else name
        try:
            if instrument.is_drum:
                raise _Unfit("drums have no melody")
            taken.append((label, _melody(midi, _one_voice(_spans(midi, instrument)), strict=True)))
        except _Unfit as reason:
            left_out.append((label, str(reason)))
    if not midi.instruments:
        left_out.append((name, "no note in it ends"))
    return taken, left_out


def melody_of(midi: pretty_midi.PrettyMIDI, name: str) -> Melody:
    """The melody of a file: its first instrument that is no drum, of chords the top notes.

    What is taken, where the file holds more, is said by a warning of the logger "studio". Raises InputError if there is
    no melody in it.
    """
    pitched = [instrument for instrument in midi.instruments if not instrument.is_drum]
    if not pitched:
        what = "drums only" if midi.instruments else "no note that ends"
        raise InputError(f"{name} holds {what}; expected a melody, for one voice.")
    first = pitched[0]
    if len(pitched) > 1 and Told.by(midi) is None:
        _log.warning("%s has %d instruments; taking the first, %s.", name, len(pitched), _called(first))
    try:
        spans = _spans(midi, first)
        try:
            spans = _one_voice(spans)
        except _Unfit as reason:
            _log.warning("%s: %s; taking the top line.", name, reason)
            spans = _top_line(spans)
        return _melody(midi, spans, strict=False, name=name)
    except _Unfit as reason:
        raise InputError(f"{name}: {reason}.") from None


def key_number(key: Key) -> int:
    """A key signature as pretty_midi counts them: 0 to 11 for major, 12 to 23 for minor; of a mode, by its sharps."""
    return key.tonic + 12 if key.mode == "minor" else 7 * key.sharps % 12


def _called(instrument: pretty_midi.Instrument) -> str:
    if instrument.is_drum:
        return "drums"
    return instrument.name.strip() or str(pretty_midi.program_to_instrument_name(instrument.program))


def _spans(midi: pretty_midi.PrettyMIDI, instrument: pretty_midi.Instrument) -> list[_Span]:
    """The notes of an instrument, sorted, those of the same onset and pitch once. Raises _Unfit for too many."""
    if len(instrument.notes) > _MOST_NOTES:
        raise _Unfit(f"it has {len(instrument.notes):,} notes; expected a melody of at most {_MOST_NOTES:,}")
    ours = TICKS / midi.resolution
    found: dict[tuple[float, int], float] = {}
    for note in instrument.notes:
        place = midi.time_to_tick(note.start) * ours, note.pitch
        found[place] = max(found.get(place, 0.0), midi.time_to_tick(note.end) * ours)
    return sorted(_Span(float(start), float(end), pitch) for (start, pitch), end in found.items())


def _one_voice(spans: Sequence[_Span]) -> list[_Span]:
    """The same without small overlaps. Raises _Unfit where notes sound together."""
    if not spans:
        raise _Unfit("no note in it ends")
    ends = [following.start for following in spans[1:]] + [spans[-1].end]
    together = sum(
        following - span.start < _EXACT or span.end - following > _OVERLAP
        for span, following in zip(spans[:-1], ends, strict=False)
    )
    if together:
        raise _Unfit(f"it is polyphonic: {together} of its {len(spans)} notes sound together with another")
    return [span._replace(end=min(span.end, end)) for span, end in zip(spans, ends, strict=True)]


def _top_line(spans: Sequence[_Span]) -> list[_Span]:
    """The highest note at each onset, left out where a higher one still sounds, and cut off where the next begins."""
    line: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.pitch)):
        if line and span.start < line[-1].end - _OVERLAP and span.pitch <= line[-1].pitch:
            continue
        if line and span.start < line[-1].end:
            line[-1] = line[-1]._replace(end=span.start)
        line.append(span)
    return [span for span in line if span.end > span.start]


def _melody(midi: pretty_midi.PrettyMIDI, spans: Sequence[_Span], *, strict: bool, name: str = "") -> Melody:
    """The melody of one voice. strict: refuse what was played without a beat; else warn, calling it `name`."""
    told = Told.by(midi)
    if told and all(abs(time - round(time)) < _EXACT for span in spans for time in (span.start, span.end)):
        bar = _only_meter(midi, spans)[0].bar
        notes = list(_notes([(round(s.start), round(s.end), s.pitch) for s in spans], -told.pickup % bar))
        rest = told.ticks - sum(note.ticks for note in notes)
        if rest >= 0:
            notes += [Note(None, rest)] if rest else []
            tempo = _playable(told.tempo, name)
            return Melody(joined(notes), told.key, _only_meter(midi, spans)[0], tempo, told.pickup)
    step, misses = _grid(spans)
    if misses > _FREE:
        if strict:
            raise _Unfit("its notes keep to no beat: it was played freely, or its tempo is not the one written")
        _log.warning("%s keeps to no beat: its rhythm is a guess.", name)
    placed = _on_grid(spans, step)
    if midi.time_signature_changes:
        meter, bar_line = _only_meter(midi, spans)
        pickup = round(bar_line - placed[0][0]) % meter.bar
        if not pickup and not placed[0][0] and placed[-1][1] >= _LISTENED * meter.bar:
            pickup = find_bars(list(_notes(placed, 0)), [_named(meter)]).pickup
    else:
        meter, pickup = find_bars(list(_notes(placed, placed[0][0])))
    notes = list(_notes(placed, placed[0][0]))
    tempo = _playable(_tempo(midi, spans[0].start, meter), name)
    return Melody(joined(notes), _key(midi, notes), meter, tempo, pickup)


def _named(meter: Meter) -> MeterName:
    return next(name for name in METERS if name == meter.name)


def _notes(placed: Sequence[tuple[int, int, int]], start: int) -> Iterator[Note]:
    """Notes and the rests between them, from a tick on."""
    at = start
    for begin, end, pitch in placed:
        if begin > at:
            yield Note(None, begin - at)
        yield Note(pitch, end - begin)
        at = end


def _grid(spans: Sequence[_Span]) -> tuple[int, float]:
    """The step of the grid that onsets fit, in ticks (2 for 12 a quarter, 1 for 24), and how far they are off it."""
    coarse = fmean(abs(span.start - 2 * round(span.start / 2)) for span in spans)
    fine = fmean(abs(span.start - round(span.start)) for span in spans)
    step = 1 if fine < _EXACT or fine < _CLEARLY * coarse else 2
    return step, coarse if step == 2 else fine


def _on_grid(spans: Sequence[_Span], step: int) -> list[tuple[int, int, int]]:
    """Whole ticks, the touch of detached notes filled up; of notes that fall on one place the last stays."""
    starts = [step * round(span.start / step) for span in spans]
    placed = []
    for number, span in enumerate(spans):
        start = starts[number]
        if number + 1 < len(spans):
            following = starts[number + 1]
            gap = following - span.end
            end = following if gap < min(_SHORT, (following - start) / 4) else step * round(span.end / step)
            end = min(max(end, start + step), following)
        else:
            end = max(step * round(span.end / step), start + step)
            full = -(-end // (TICKS // 2)) * (TICKS // 2)
            end = full if full - span.end < min(_SHORT, (full - start) / 4) else end
        if end > start:
            placed.append((start, end, span.pitch))
    return placed


def _only_meter(midi: pretty_midi.PrettyMIDI, spans: Sequence[_Span]) -> tuple[Meter, float]:
    """The metre of a file and a tick at which one of its bars begins. Raises _Unfit for a change or another metre."""
    changes: list[tuple[float, Meter]] = []
    for change in sorted(midi.time_signature_changes, key=lambda change: change.time):
        at, meter = (
            midi.time_to_tick(change.time) * TICKS / midi.resolution,
            Meter(change.numerator, change.denominator),
        )
        if at >= spans[-1].end:
            break
        if changes and changes[-1][0] == at:
            changes.pop()
        if not changes or changes[-1][1] != meter:
            changes.append((at, meter))
    if len(changes) > 1 and changes[1][0] - changes[0][0] <= min(changes[0][1].bar, changes[1][1].bar):
        changes.pop(0)  # a short bar in front is how some programs write a pickup
    at, meter = changes[0]
    if len(changes) > 1:
        raise _Unfit(f"its metre changes from {meter.name} to {changes[1][1].name}; expected one metre")
    if meter.name not in METERS:
        raise _Unfit(f"it is in {meter.name}; the metres that can be used are {', '.join(METERS)}")
    return meter, at


def _key(midi: pretty_midi.PrettyMIDI, notes: Sequence[Note]) -> Key:
    """The key of the first signature if the notes keep to it, else the one they tell.

    Many programs write C major where nobody said anything, so of the keys without sharps the notes choose.
    """
    found = find_key(notes)
    if not midi.key_signature_changes:
        return found
    first = min(midi.key_signature_changes, key=lambda change: change.time)
    said = Key(first.key_number % 12, "minor" if first.key_number >= 12 else "major")
    scale = set(said.pitch_classes)
    if said.mode == "minor":
        scale |= {(said.tonic + 9) % 12, (said.tonic + 11) % 12}  # melodic and harmonic minor
    sounding = sum(note.ticks for note in notes if note.pitch is not None)
    inside = sum(note.ticks for note in notes if note.pitch is not None and note.pitch % 12 in scale)
    if inside < _IN_KEY * sounding or (said == Key(0) and found.sharps == 0):
        return found
    return said


def _playable(tempo: float, name: str) -> float:
    """A tempo within what tunes have; where it was not, that is said of a tune with a name."""
    kept = min(max(tempo, _TEMPI[0]), _TEMPI[1])
    if kept != tempo and name:
        _log.warning("%s has %s beats a minute; taking it at %g.", name, f"{tempo:,.4g}", kept)
    return kept


def _tempo(midi: pretty_midi.PrettyMIDI, start: float, meter: Meter) -> float:
    """Felt beats a minute where the melody begins: the roundest number that the file may have meant."""
    times, tempos = midi.get_tempo_changes()
    began = midi.tick_to_time(round(start * midi.resolution / TICKS))
    quarters = float(next(tempo for time, tempo in zip(times[::-1], tempos[::-1], strict=True) if time <= began))
    beats = quarters * TICKS / meter.beat
    for digits in range(6):
        rounded = round(beats, digits)
        if rounded and abs(6e7 / quarters_a_minute(meter, rounded) - 6e7 / quarters) <= 1:
            return rounded
    return beats
