"""Drums keep the metre: low on every bar line, in the bar's own pattern, a stroke where the last chord rings."""

from __future__ import annotations

import pytest

from studio.music.drums import DRY, LOW, SHAKER, drum_part
from studio.music.theory import METERS, Meter, MeterName


@pytest.mark.parametrize("name", METERS)
def test_every_bar_begins_low_and_the_last_stroke_marks_the_ring(name: MeterName) -> None:
    meter = Meter.named(name)
    part = drum_part(meter, 7 * meter.bar, 8 * meter.bar, seed=0)
    low = [note.start for note in part.notes if note.pitch == LOW]
    assert {bar * meter.bar for bar in range(8)} <= set(low)
    assert part.notes[-1].start == 7 * meter.bar
    assert {note.pitch for note in part.notes} == {LOW, DRY, SHAKER}


@pytest.mark.parametrize("name", METERS)
def test_strokes_differ_in_strength_and_bar_lines_are_strongest(name: MeterName) -> None:
    meter = Meter.named(name)
    shaken = [note for note in drum_part(meter, 32 * meter.bar, 33 * meter.bar, seed=1).notes if note.pitch == SHAKER]
    strong = [note.velocity for note in shaken if note.start % meter.bar == 0]
    weak = [note.velocity for note in shaken if note.start % meter.beat]
    assert len(set(weak)) > 3
    assert sum(strong) / len(strong) > sum(weak) / len(weak) + 8


def test_only_the_fills_depend_on_the_seed_and_they_come_every_fourth_bar() -> None:
    meter = Meter(4, 4)
    one, other = (drum_part(meter, 16 * 96, 17 * 96, seed) for seed in (0, 1))
    places = [{(note.start, note.pitch) for note in part.notes} for part in (one, other)]
    assert all(start // 96 % 4 == 3 and start % 96 >= 72 for start, _ in places[0] ^ places[1])
