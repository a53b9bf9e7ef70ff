"""Metres are found from onsets and repetition, with the pickup before the first bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.music.melody import Note
from studio.music.meter_finding import find_bars
from studio.music.theory import METERS, Meter, MeterName

BARS: dict[MeterName, list[list[tuple[int, int]]]] = {
    "2/4": [
        [(0, 12), (4, 6), (7, 6), (12, 12), (7, 6), (4, 6)],
        [(2, 12), (5, 6), (9, 6), (7, 6), (5, 6), (4, 6), (2, 6)],
    ],
    "3/4": [[(7, 24), (4, 24), (0, 24)], [(9, 36), (7, 12), (5, 24)]],
    "4/4": [
        [(0, 24), (4, 12), (7, 12), (12, 12), (7, 12), (4, 12), (0, 12)],
        [(2, 12), (5, 12), (9, 24), (7, 12), (5, 12), (4, 12), (2, 12)],
    ],
    "6/8": [[(0, 24), (4, 12), (7, 12), (4, 12), (0, 12)], [(2, 12), (5, 12), (9, 12), (7, 24), (2, 12)]],
    "9/8": [
        [(0, 24), (4, 12), (7, 12), (4, 12), (0, 12), (7, 24), (4, 12)],
        [(2, 12), (5, 12), (9, 12), (7, 24), (2, 12), (5, 24), (2, 12)],
    ],
}


def tune(name: MeterName) -> list[Note]:
    """Sixteen bars of A A' B B'."""
    one, two = ([Note(62 + step, ticks) for step, ticks in bar] for bar in BARS[name])
    up = [Note(note.pitch and note.pitch + 5, note.ticks) for note in one]
    end = [Note(62, Meter.named(name).bar)]
    return [*one, *two, *one, *end, *one, *two, *one, *end, *up, *two, *up, *end, *up, *two, *one, *end]


@pytest.mark.parametrize("name", BARS)
def test_plain_tunes_of_each_metre(name: MeterName) -> None:
    assert find_bars(tune(name)).meter.name == name


@pytest.mark.parametrize("name", ["4/4", "6/8"])
def test_pickup_is_told_from_a_bar(name: MeterName) -> None:
    assert find_bars([Note(57, 12), *tune(name)]) == (Meter.named(name), 12)


def test_two_two_only_where_four_four_is_not_offered() -> None:
    assert find_bars(tune("4/4")).meter.name == "4/4"
    assert find_bars(tune("4/4"), ["6/8", "2/2"]).meter.name == "2/2"


@given(
    st.lists(st.builds(Note, st.integers(0, 127) | st.none(), st.integers(1, 200)), max_size=30),
    st.lists(st.sampled_from(METERS), min_size=1, unique=True),
)
def test_any_notes_get_one_of_the_candidates(notes: list[Note], candidates: list[MeterName]) -> None:
    found = find_bars(notes, candidates)
    assert found.meter.name in candidates
    assert 0 <= found.pickup < found.meter.bar
