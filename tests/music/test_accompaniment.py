"""An accompaniment stays under the melody and within its time, whatever the tune."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.music.accompaniment import TEXTURES, Part, Texture, accompany
from studio.music.melody import Melody, Note
from studio.music.theory import METERS, Key, Meter, MeterName
from tests.music.tunes import jig, melodies

textures = st.sampled_from(TEXTURES)
tunes = melodies() | melodies(lowest=0, highest=127)


def pitched(parts: tuple[Part, ...]) -> list[Part]:
    return [part for part in parts if not part.is_drum]


@given(tunes, textures, st.booleans(), st.integers(0, 2**32))
def test_every_note_can_be_played_within_the_time_of_the_melody(
    tune: Melody, texture: Texture, drums: bool, seed: int
) -> None:
    parts = accompany(tune, texture=texture, drums=drums, seed=seed)
    for note in (note for part in parts for note in part.notes):
        assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 and note.ticks > 0
        assert -tune.pickup <= note.start and note.start + note.ticks <= tune.ticks - tune.pickup


@given(tunes, textures)
def test_nothing_sounds_as_high_as_the_melody(tune: Melody, texture: Texture) -> None:
    for part in pitched(accompany(tune, texture=texture, drums=True, seed=0)):
        for note in part.notes:
            for at, other in tune.timed():
                if other.pitch is not None and at < note.start + note.ticks and note.start < at + other.ticks:
                    assert note.pitch < other.pitch


@given(tunes, textures)
def test_no_part_strikes_a_note_that_still_sounds(tune: Melody, texture: Texture) -> None:
    for part in accompany(tune, texture=texture, drums=True, seed=0):
        for pitch in {note.pitch for note in part.notes}:
            same = sorted((note.start, note.start + note.ticks) for note in part.notes if note.pitch == pitch)
            assert all(one[1] <= other[0] for one, other in pairwise(same))


@given(melodies(lowest=60), textures)
def test_something_rings_to_the_end(tune: Melody, texture: Texture) -> None:
    parts = accompany(tune, texture=texture, seed=0)
    assert parts
    for part in parts:
        assert max(note.start + note.ticks for note in part.notes) == tune.ticks - tune.pickup


@given(melodies(lowest=60))
def test_held_chords_leave_no_gap(tune: Melody) -> None:
    (part,) = accompany(tune, texture="chords", seed=0)
    covered = {tick for note in part.notes for tick in range(note.start, note.start + note.ticks)}
    first = -(tune.pickup // tune.meter.bar) * tune.meter.bar
    assert covered == set(range(first, tune.ticks - tune.pickup))


@given(tunes, textures, st.integers(0, 100))
def test_drums_are_a_part_of_their_own_and_change_no_other(tune: Melody, texture: Texture, seed: int) -> None:
    without = accompany(tune, texture=texture, seed=seed)
    assert not any(part.is_drum for part in without)
    assert accompany(tune, texture=texture, drums=True, seed=seed)[: len(without)] == without
    (drums,) = accompany(tune, texture=None, drums=True, seed=seed) or (Part("", 0, True, ()),)
    assert drums.is_drum and {note.pitch for note in drums.notes} <= {36, 37, 82}


@given(tunes, textures)
def test_seed_decides_how_hard_and_only_that(tune: Melody, texture: Texture) -> None:
    one, again, other = (accompany(tune, texture=texture, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert [[note.pitch for note in part.notes] for part in one] == [[n.pitch for n in part.notes] for part in other]


@pytest.mark.parametrize("name", METERS)
def test_each_metre_has_its_bass(name: MeterName) -> None:
    meter = Meter.named(name)
    tune = Melody((Note(72, meter.bar), Note(76, meter.bar), Note(72, meter.bar)), Key(0), meter)
    bass, guitar = accompany(tune, texture="bass", seed=0)
    assert {note.start % meter.bar for note in bass.notes} >= {0}
    assert all(note.start % meter.bar for note in guitar.notes if note.start < 2 * meter.bar)
    assert max(note.pitch for note in bass.notes) < min(note.pitch for note in guitar.notes)


def test_voices_move_little() -> None:
    (part,) = accompany(jig(), texture="chords", seed=0)
    bars = [sorted(note.pitch for note in part.notes if note.start == start)[1:4] for start in range(0, 432, 72)]
    moves = [abs(a - b) for one, other in pairwise(bars) for a, b in zip(one, other, strict=True)]
    assert max(moves) <= 5


def test_melody_in_the_cellar_goes_alone() -> None:
    assert accompany(Melody((Note(10, 96),), Key(0), Meter(4, 4)), seed=0) == ()


def test_unknown_texture_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no texture 'polka'; choose one of chords, bass, arpeggio, drone"):
        accompany(jig(), texture="polka", seed=0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no accompaniment in 7/8"):
        accompany(Melody((Note(60, 84),), Key(0), Meter(7, 8)), seed=0)
