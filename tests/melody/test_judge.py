"""The judge: real tunes score well, tunes that repeat or wander score badly."""

from __future__ import annotations

import json
import random

import pytest

from studio.melody.judge import NATS, read_typical, score, typical
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter

SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


def tune(seed: int) -> Melody:
    """Sixteen bars of steps and small leaps, of which every other four are the same."""
    chance, place = random.Random(seed), 3
    bars: list[list[Note]] = []
    for number in range(16):
        if number % 8 >= 4:
            bars.append(bars[number - 4])
            continue
        notes = []
        for _ in range(6):
            place = min(7, max(0, place + chance.choice([-2, -1, 1, 2])))
            notes.append(Note(67 + SCALE[place], 12))
        bars.append(notes)
    return Melody(tuple(note for bar in bars for note in bar), Key.named("G"), Meter.named("6/8"))


REAL = [tune(seed) for seed in range(20)]
TYPICAL = read_typical(json.loads(json.dumps(typical(REAL, [1.2 + 0.02 * (k % 5) for k in range(20)]))))


def test_real_tunes_lie_near_their_mean() -> None:
    scores = [score(melody, 1.24, TYPICAL) for melody in REAL]
    assert max(scores) < 3 and sum(scores) / len(scores) < 1.3


@pytest.mark.parametrize("what", ["one note", "chaos", "too odd"])
def test_what_is_not_like_them_scores_worse(what: str) -> None:
    melody, nats = REAL[0], {"too odd": 3.0}.get(what, 1.24)
    chance = random.Random(1)
    if what == "one note":
        melody = Melody(tuple(Note(67, 12) for _ in range(96)), melody.key, melody.meter)
    if what == "chaos":
        melody = Melody(tuple(Note(chance.randint(55, 90), 12) for _ in range(96)), melody.key, melody.meter)
    assert score(melody, nats, TYPICAL) > score(REAL[0], 1.24, TYPICAL) + 0.3


def test_the_cost_of_a_note_is_one_of_the_measures() -> None:
    assert TYPICAL[NATS].mean == pytest.approx(1.24) and TYPICAL[NATS].deviation > 0
    assert set(TYPICAL) > {"pitch_class_entropy", "groove_consistency", "pitch_range", "repeated_bars"}
