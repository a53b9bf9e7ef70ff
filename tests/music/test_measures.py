"""Measures are muspy's, and stay what they are where the music does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.music.measures import MEASURES, distance, measure, overlaps, summary
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter
from tests.music.tunes import jig, melodies


def bars(*contents: list[int], meter: str = "2/4") -> Melody:
    """Bars of equal notes."""
    length = Meter.named(meter).bar
    return Melody(
        tuple(Note(pitch, length // len(bar)) for bar in contents for pitch in bar), Key(0), Meter.named(meter)
    )


def test_values_of_muspy() -> None:
    """What muspy 0.5.0 gives for the same notes, in sixteenths, behind five eighths of rest."""
    found = measure(jig())
    assert found["pitch_class_entropy"] == pytest.approx(2.6489162209541828)
    assert found["scale_consistency"] == 1.0
    assert found["groove_consistency"] == 0.90625
    assert found["pitch_range"] == 13


def test_two_equal_bars_of_four() -> None:
    tune = bars([60, 62, 64, 65], [67, 67, 72], [60, 62, 64, 65], [60])
    assert measure(tune)["repeated_bars"] == 0.25
    assert measure(tune)["repeated_pitches"] == pytest.approx(1 / 11)


def test_same_pitches_in_another_rhythm_are_no_repetition() -> None:
    dotted = Melody((Note(60, 36), Note(62, 12), Note(60, 24), Note(62, 24)), Key(0), Meter.named("2/4"))
    assert measure(dotted)["repeated_bars"] == 0


@given(melodies(), st.integers(-12, 12))
def test_no_measure_knows_the_key(tune: Melody, semitones: int) -> None:
    assert measure(tune.transposed(semitones)) == pytest.approx(measure(tune), nan_ok=True)


@given(melodies())
def test_measures_stay_within_their_bounds(tune: Melody) -> None:
    for name, value in measure(tune).items():
        highest = {"pitch_class_entropy": math.log2(12) + 1e-9, "pitch_range": 127}.get(name, 1)
        assert math.isnan(value) or 0 <= value <= highest, name


def test_silence_has_no_measures() -> None:
    silent = Melody((Note(None, 48),), Key(0), Meter.named("2/4"))
    assert all(math.isnan(measure(silent)[name]) for name in MEASURES if name not in ("pitch_range", "repeated_bars"))
    assert not math.isnan(summary([silent, jig()])["scale_consistency"].mean)


def test_distance_is_in_deviations_of_the_real_ones() -> None:
    one, two = bars([60, 72], [60]), bars([60, 64], [60])
    real, generated = summary([one, two]), summary([one])
    assert real["pitch_range"] == (8, 4)
    assert distance(generated, real)["pitch_range"] == 1
    assert distance(real, real) == dict.fromkeys(MEASURES, 0)
    assert distance(summary([two]), generated)["pitch_range"] == -math.inf


def test_overlap_is_whole_with_itself_and_none_with_the_remote() -> None:
    tune = jig()
    wide = replace(tune, notes=(*tune.notes, Note(20, 12)))
    assert overlaps([tune, tune], [tune]) == dict.fromkeys(MEASURES, 1)
    assert overlaps([tune], [wide])["pitch_range"] == 0
