"""Chords cover the melody, belong to its key and close it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from studio.music.harmony import chords_of
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter
from tests.music.tunes import jig, melodies


def names(tune: Melody) -> list[str]:
    return [chord.name for chord in chords_of(tune)]


@given(melodies())
def test_chords_cover_the_full_bars_and_none_is_longer_than_one(tune: Melody) -> None:
    chords = chords_of(tune)
    assert chords[0].start == -(tune.pickup // tune.meter.bar) * tune.meter.bar
    assert chords[-1].start + chords[-1].ticks == tune.ticks - tune.pickup
    assert all(one.start + one.ticks == other.start for one, other in pairwise(chords))
    assert all(chord.start // tune.meter.bar == (chord.start + chord.ticks - 1) // tune.meter.bar for chord in chords)


@given(melodies())
def test_chords_are_of_the_key_but_for_the_raised_seventh_of_minor(tune: Melody) -> None:
    raised = {(tune.key.tonic + 11) % 12} if tune.key.mode == "minor" else set()
    assert {pitch for chord in chords_of(tune) for pitch in chord.pitch_classes} <= tune.key.pitch_classes | raised


@given(melodies())
def test_transposed_melody_has_transposed_chords(tune: Melody) -> None:
    moved = chords_of(tune.transposed(5))
    assert [((chord.root + 5) % 12, chord.quality) for chord in chords_of(tune)] == [
        (chord.root, chord.quality) for chord in moved
    ]


@given(melodies())
def test_last_note_of_the_tonic_triad_gets_the_tonic(tune: Melody) -> None:
    third = 4 if tune.key.mode in ("major", "mixolydian") else 3
    if not tune.pitches or (tune.pitches[-1] - tune.key.tonic) % 12 in (0, third, 7):
        assert chords_of(tune)[-1].root == tune.key.tonic


def test_chords_of_a_jig() -> None:
    found = names(jig())
    assert len(found) == 8
    assert found[0] == found[-1] == "G"
    assert found[-2] in ("D", "D7")


@pytest.mark.parametrize(
    ("key", "bar", "expected"),
    [
        (Key(0, "major"), (67, 71, 74, 77), "G7"),
        (Key(9, "minor"), (64, 68, 71, 64), "E"),
        (Key(9, "minor"), (67, 71, 74, 67), "G"),
        (Key(2, "dorian"), (67, 71, 74, 67), "G"),
        (Key(7, "mixolydian"), (65, 69, 72, 65), "F"),
        (Key(10, "major"), (63, 67, 70, 63), "Eb"),
    ],
)
def test_bar_of_one_chord_gets_it(key: Key, bar: tuple[int, ...], expected: str) -> None:
    tonic = [Note(60 + key.tonic, 96)]
    tune = Melody((*tonic, *(Note(pitch, 24) for pitch in bar), *tonic), key, Meter(4, 4))
    assert names(tune)[1] == expected


def test_melody_shorter_than_its_pickup_has_no_chords() -> None:
    assert chords_of(Melody((Note(60, 12),), Key(0), Meter(4, 4), 120.0, 12)) == ()
    assert chords_of(Melody((), Key(0), Meter(4, 4))) == ()
