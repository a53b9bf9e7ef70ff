"""Tunes without end: whole bars, and no sequence of bars twice."""

from __future__ import annotations

from itertools import islice

from studio.device import Device
from studio.melody.compose import Asked
from studio.melody.live import FRESH, Memory, stream
from studio.melody.parameters import MelodyParameters
from studio.melody.stepper import Stepper


def bars(network: Stepper, device: Device, count: int, **options: object) -> list[tuple[tuple[int | None, int], ...]]:
    asked = Asked.of(MelodyParameters(**options), [])
    found = list(islice(stream(network, device, asked).bars, count))
    assert [bar.number for bar in found] == list(range(count))
    assert all(sum(note.ticks for note in bar.notes) == asked.meter.bar for bar in found)
    return [tuple((note.pitch, note.ticks) for note in bar.notes) for bar in found]


def test_bars_come_without_end_and_the_same_again(network: Stepper, device: Device) -> None:
    assert bars(network, device, 40, seed=1, bars=8) == bars(network, device, 60, seed=1, bars=8)[:40]
    assert bars(network, device, 40, seed=1, bars=8) != bars(network, device, 40, seed=2, bars=8)


def test_no_sequence_of_bars_comes_twice(network: Stepper, device: Device) -> None:
    """Not even where the likeliest note is taken each time, which would go round in circles."""
    played = bars(network, device, 200, temperature=0, bars=4, scale_only=True)
    sequences = [tuple(played[at : at + FRESH]) for at in range(len(played) - FRESH + 1)]
    assert len(set(sequences)) == len(sequences)
    assert len(set(played)) < len(played), "there was nothing to keep from repeating"


def test_nothing_comes_twice_where_there_is_little_to_choose_from(network: Stepper, device: Device) -> None:
    """Bars that lead to nothing fresh are begun again."""
    played = bars(network, device, 400, temperature=0, meter="2/4", lowest="D4", highest="G4", scale_only=True, top_k=1)
    sequences = [tuple(played[at : at + FRESH]) for at in range(len(played) - FRESH + 1)]
    assert len(set(sequences)) == len(sequences)


def test_memory_knows_what_was_played() -> None:
    memory = Memory(fresh=2)
    one, two, three = ((1, 2),), ((3, 4),), ((5, 6),)
    for bar in (one, two, three, one):
        assert not memory.would_repeat(bar)
        memory.keep(bar)
    assert memory.has_been_here() and not memory.is_exhausted(())
    memory.exhaust(())
    assert memory.is_exhausted(())
    assert memory.would_repeat(two) and not memory.would_repeat(three) and not memory.would_repeat(one)
