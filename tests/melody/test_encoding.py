"""Melodies as events and back, and what the network is told: the same while sampling as while learning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.device import Device
from studio.errors import InputError
from studio.melody.draws import Draw
from studio.melody.encoding import (
    COLUMNS,
    DURATIONS,
    HOLD,
    PITCH_TOKENS,
    REST,
    columns_of,
    events_of,
    melody_of,
    reference,
)
from studio.melody.rules import Rules
from studio.melody.sampler import Sampler
from studio.melody.stepper import Stepper
from studio.music.melody import Melody, Note
from studio.music.theory import METERS, MODES, Key, Meter

LENGTHS = st.sampled_from([4, 6, 8, 12, 16, 18, 24, 36, 48, 72, 96])


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    """Melodies that can be written as events, whole bars and others."""
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(MODES)))
    meter = Meter.named(draw(st.sampled_from(METERS)))
    pitches = st.none() | st.integers(60 + key.tonic - 4, 60 + key.tonic + 12)
    notes = [Note(draw(pitches), draw(LENGTHS)) for _ in range(draw(st.integers(1, 60)))]
    notes[0] = Note(60 + key.tonic, notes[0].ticks)
    pickup = draw(st.sampled_from([0, 0, 12, 24]))
    found = Melody(tuple(notes), key, meter, 120.0, pickup)
    try:
        events_of(found, reference(key, found.pitches))
    except InputError:  # a bar line leaves a part that is no token: shorter notes are always some
        notes = [Note(note.pitch, 12) for note in notes]
        return Melody(tuple(notes), key, meter, 120.0, pickup)
    return found


@given(melodies())
def test_a_melody_comes_back_from_its_events(melody: Melody) -> None:
    origin = reference(melody.key, melody.pitches)
    events = events_of(melody, origin)
    ticks = [DURATIONS[token] for token in events.durations]
    again = melody_of(events.pitches.tolist(), ticks, origin, melody.key, melody.meter, melody.tempo, melody.pickup)
    assert sum(note.ticks for note in again.notes) == melody.ticks
    assert sounding(again) == sounding(melody)
    assert (np.diff(events.starts) > 0).all()
    assert all(start // melody.meter.bar == (start + length - 1) // melody.meter.bar
               for start, length in zip(events.starts, ticks, strict=True))  # fmt: skip


@given(melodies())
def test_a_tune_has_the_same_events_in_every_key(melody: Melody) -> None:
    events = events_of(melody, reference(melody.key, melody.pitches))
    higher = melody.transposed(5)
    again = events_of(higher, reference(higher.key, higher.pitches))
    assert (events.pitches == again.pitches).all() and (events.durations == again.durations).all()


@given(melodies())
def test_what_is_told_stays_within_the_columns(melody: Melody) -> None:
    events = events_of(melody, reference(melody.key, melody.pitches))
    columns = columns_of(events, melody, 3)
    assert columns.shape == (len(events.pitches), len(COLUMNS))
    assert (columns >= 0).all() and (columns < [size for _, size in COLUMNS]).all()


@given(melodies())
def test_sampling_tells_the_network_what_learning_did(network: Stepper, device: Device, melody: Melody) -> None:
    """The state kept event by event gives the columns that are computed from the whole tune."""
    origin = reference(melody.key, melody.pitches)
    events = events_of(melody, origin)
    expected = columns_of(events, melody, 0)
    left = [name for name, _ in COLUMNS].index("bars_left")
    expected[:, left] = np.maximum(1, expected[:, left])  # what is sampled always ends with a full bar
    rules = Rules(melody.key, melody.meter, melody.bars, origin, 0, 127, end_on_tonic=False)
    sampler = Sampler(network, rules, [Draw(0)], device)
    sampler.now.at[:] = -melody.pickup
    for number, (pitch, duration) in enumerate(zip(events.pitches, events.durations, strict=True)):
        told = sampler._columns(sampler.now.at)[0].numpy()
        names = [name for (name, _), one, other in zip(COLUMNS, told, expected[number], strict=True) if one != other]
        assert not names, (number, names)
        sampler._take(np.array([pitch]), np.array([duration]), np.array([DURATIONS[duration]]))


@pytest.mark.parametrize(("last", "told"), [(48, 0), (96, 1)])
def test_a_last_bar_that_is_short_is_told(last: int, told: int) -> None:
    melody = Melody((Note(62, 48), Note(64, 96), Note(62, last)), Key.named("D"), Meter.named("4/4"), 120.0, 48)
    columns = columns_of(events_of(melody, 62), melody, 0)
    left = [name for name, _ in COLUMNS].index("bars_left")
    assert columns[:, left].tolist() == [3, 2, told]


def test_a_note_over_a_bar_line_is_held() -> None:
    melody = Melody((Note(62, 72), Note(64, 48), Note(62, 72)), Key.named("D"), Meter.named("4/4"))
    events = events_of(melody, 62)
    assert events.pitches.tolist()[2] == HOLD and [DURATIONS[token] for token in events.durations] == [72, 24, 24, 72]


def test_rests_are_events() -> None:
    melody = Melody((Note(None, 48), Note(62, 48)), Key.named("D"), Meter.named("4/4"))
    assert events_of(melody, 62).pitches[0] == REST


@pytest.mark.parametrize(
    ("note", "words"), [(Note(62, 7), "a note of 7/24 of a quarter"), (Note(100, 24), r"\+38 semitones from the tonic")]
)
def test_what_cannot_be_written(note: Note, words: str) -> None:
    with pytest.raises(InputError, match=words):
        events_of(Melody((note,), Key.named("D"), Meter.named("4/4")), 62)


def test_off_the_grid_it_takes_the_nearest() -> None:
    melody = Melody((Note(62, 7), Note(64, 89)), Key.named("D"), Meter.named("4/4"))
    events = events_of(melody, 62, exact=False)
    assert [DURATIONS[token] for token in events.durations] == [6, 90] and events.starts.tolist() == [0, 7]


def test_there_is_a_token_for_every_pitch() -> None:
    assert COLUMNS[6] == ("pitch", PITCH_TOKENS + 1)


def sounding(melody: Melody) -> list[tuple[int, int, int]]:
    """(start, ticks, pitch) of what sounds, equal neighbours of rests left aside."""
    return [(start, note.ticks, note.pitch) for start, note in melody.timed() if note.pitch is not None]
