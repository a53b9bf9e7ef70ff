"""MIDI: a melody comes back as it went out; what others wrote is put on a grid, or left out with a reason."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from pathlib import Path

import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.errors import InputError, OutputError
from studio.media import midi
from studio.music.melody import Melody, Note, joined
from studio.music.theory import METERS, MODES, Key, Meter
from studio.recipe import Recipe, Source, recipe_of

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(MODES))
lengths = st.one_of(st.sampled_from([3, 4, 6, 8, 12, 18, 24, 36, 48, 96]), st.integers(1, 100))
notes = st.lists(st.builds(Note, st.none() | st.integers(0, 127), lengths), min_size=1, max_size=40)


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    """Any melody in which something sounds."""
    found = joined(draw(notes.filter(lambda notes: any(note.pitch is not None for note in notes))))
    pickup = draw(st.integers(0, min(200, sum(note.ticks for note in found))))
    tempo = draw(st.integers(20, 400) | st.floats(20, 400))
    return Melody(found, draw(keys), Meter.named(draw(st.sampled_from(METERS))), tempo, pickup)


def tune(**changes: object) -> Melody:
    pitches = [62, 64, 66, 67, 69, 71, 73, 74] * 2
    made: dict[str, object] = {"notes": tuple(Note(pitch, 12) for pitch in pitches), "key": Key.named("D")}
    return Melody(**(made | {"meter": Meter.named("4/4"), "tempo": 100.0} | changes))  # type: ignore[arg-type]


def read(music: pretty_midi.PrettyMIDI, recipe: str = "") -> pretty_midi.PrettyMIDI:
    return midi.read_midi(midi.midi_bytes(music, recipe))


def played(
    notes: Sequence[tuple[float, float, int]], *, meter: str | None = "4/4", drums: bool = False, tempo: float = 120
) -> pretty_midi.PrettyMIDI:
    """Notes (start and end in quarters, pitch) as another program may write them, read again."""
    music = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=tempo)
    instrument = pretty_midi.Instrument(0, is_drum=drums)
    for start, end, pitch in notes:
        instrument.notes.append(pretty_midi.Note(80, pitch, start * 60 / tempo, end * 60 / tempo))
    music.instruments.append(instrument)
    if meter:
        music.time_signature_changes.append(pretty_midi.TimeSignature(*map(int, meter.split("/")), 0))
    music = read(music)
    if meter is None:
        music.time_signature_changes.clear()  # pretty_midi writes 4/4 where nobody said anything
    return music


@given(melodies())
@settings(max_examples=300, deadline=None)
def test_a_melody_comes_back_as_it_was(melody: Melody) -> None:
    assert midi.melody_of(read(midi.to_midi(melody), recipe='{"a": 1}'), "a.mid") == melody
    assert midi.melodies_in(read(midi.to_midi(melody)), "a.mid") == ([("a.mid", melody)], [])


@given(melodies())
@settings(max_examples=50, deadline=None)
def test_the_same_melody_gives_the_same_bytes(melody: Melody) -> None:
    assert midi.midi_bytes(midi.to_midi(melody), "{}") == midi.midi_bytes(midi.to_midi(melody), "{}")
