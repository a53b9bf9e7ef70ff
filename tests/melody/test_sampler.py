"""Sampling: the same tune in any company, ways between tunes, primers, and how tokens are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.device import Device
from studio.melody.draws import Draw
from studio.melody.rules import Rules
from studio.melody.sampler import Sampler, Taste, choose, origin_for
from studio.melody.stepper import Stepper
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter
from tests.music.tunes import jig

KEY, METER = Key.named("D"), Meter.named("6/8")


def rules(bars: int = 4, **changes: bool) -> Rules:
    return Rules(KEY, METER, bars, origin_for(KEY, 55, 84), 55, 84, **changes)


def sampled(network: Stepper, device: Device, draws: list[Draw], **options: object) -> list[Melody]:
    sampler = Sampler(network, options.pop("rules", rules()), draws, device, **options)  # type: ignore[arg-type]
    assert sampler.run()
    return sampler.tunes()


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=9, unique=True))
def test_a_tune_is_the_same_in_any_company(network: Stepper, device: Device, seeds: list[int]) -> None:
    together = sampled(network, device, [Draw(seed) for seed in seeds])
    assert together == [sampled(network, device, [Draw(seed)])[0] for seed in seeds]
    assert len({tune.notes for tune in together}) > 1 or len(seeds) < 3


def test_a_way_between_two_seeds(network: Stepper, device: Device) -> None:
    parts = np.linspace(0, 1, 9)
    way = sampled(network, device, [Draw(1, 2, float(part)) for part in parts])
    ends = sampled(network, device, [Draw(1), Draw(2)])
    assert [way[0], way[-1]] == ends and ends[0] != ends[1]
    assert len({tune.notes for tune in way}) > 4
    again = sampled(network, device, [Draw(1, 2, float(parts[3]))])[0]
    assert again == way[3]


def test_neighbours_on_a_way_are_alike(network: Stepper, device: Device) -> None:
    """Nearer to the tune that they are beside than two tunes of different seeds are to each other."""

    def shared(one: Melody, other: Melody) -> float:
        onsets = [{(start, note.pitch) for start, note in tune.timed()} for tune in (one, other)]
        return len(onsets[0] & onsets[1]) / len(onsets[0] | onsets[1])

    apart, beside = [], []
    for seed in range(10):
        here, near, there = sampled(network, device, [Draw(seed), Draw(seed, 100 + seed, 0.02), Draw(100 + seed)])
        apart.append(shared(here, there))
        beside.append(shared(here, near))
    assert np.mean(beside) > np.mean(apart) + 0.2


def test_a_primer_is_gone_on_with(network: Stepper, device: Device) -> None:
    primer = jig().transposed(-5)
    whole = rules(primer.bars + 4)
    sampler = Sampler(network, whole, [Draw(3), Draw(4)], device, pasts=[primer])
    assert sampler.seam == primer.ticks - primer.pickup and sampler.run()
    for tune in sampler.tunes():
        assert sampler.seam + tune.ticks == whole.end
    alone = Sampler(network, whole, [Draw(4)], device, pasts=[primer])
    assert alone.run() and alone.tunes()[0] == sampler.tunes()[1]
    assert sampler.tunes()[0] != sampled(network, device, [Draw(3)])[0], "the primer was not heard"


def test_two_primers_are_led_between(network: Stepper, device: Device) -> None:
    first = Melody(tuple(Note(62 + step, 36) for step in (0, 2, 4, 5)), KEY, METER)
    second = Melody(tuple(Note(74 - step, 12) for step in range(12)), KEY, METER)
    weights = np.array([[1, 0], [0.5, 0.5], [0, 1]], float)
    way = sampled(network, device, [Draw(5)] * 3, rules=rules(6), pasts=[first, second], weights=weights)
    for end, past in ((way[0], first), (way[2], second)):
        sampler = Sampler(network, rules(6), [Draw(5)], device, pasts=[past])
        sampler.now.sounding[:], sampler.now.first[:], sampler.now.sounded[:] = 0, 0, 0  # what comes is a new tune
        assert sampler.run() and sampler.tunes()[0] == end


def test_a_primer_that_ends_where_no_note_can_begin(network: Stepper, device: Device) -> None:
    """What comes next goes to the nearest place where one can, and the bars are full."""
    primer = Melody((Note(62, 36), Note(64, 29)), KEY, METER)
    sampler = Sampler(network, rules(3), [Draw(0)], device, pasts=[primer])
    assert sampler.run()
    assert [tune.ticks + 65 for tune in sampler.tunes()] == [3 * METER.bar]


def test_it_can_be_stopped(network: Stepper, device: Device) -> None:
    told: list[float] = []
    sampler = Sampler(network, rules(), [Draw(0)], device)
    assert not sampler.run(lambda done: told.append(done) or len(told) == 3)  # type: ignore[func-returns-value]
    assert len(told) == 3 and 0 < told[0] < told[1] < told[2] < 1


def test_how_tokens_are_chosen() -> None:
    scores = np.log([[0.5, 0.3, 0.15, 0.05]])
    spread = np.linspace(0, 0.999, 1000)

    def shares(taste: Taste) -> list[float]:
        found = [int(choose(scores, taste, np.array([number]))[0]) for number in spread]
        return (np.bincount(found, minlength=4) / len(found)).round(2).tolist()  # type: ignore[no-any-return]

    assert shares(Taste()) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.011)
    assert shares(Taste(temperature=0)) == [1, 0, 0, 0]
    assert shares(Taste(top_k=2)) == pytest.approx([0.625, 0.375, 0, 0], abs=0.011)
    assert shares(Taste(top_p=0.6)) == pytest.approx([0.625, 0.375, 0, 0], abs=0.011)
    assert shares(Taste(temperature=0.5))[0] == pytest.approx(0.25 / 0.365, abs=0.011)
    blocked = np.where([[True, False, True, True]], scores, -np.inf)
    assert 1 not in {int(choose(blocked, Taste(), np.array([number]))[0]) for number in spread}
