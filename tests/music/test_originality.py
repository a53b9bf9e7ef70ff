"""The longest run that a melody shares with the training tunes is found exactly, whatever its key and rhythm."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.music.melody import Melody, Note
from studio.music.originality import Index, Nearest, groups
from studio.music.theory import Key, Meter


def melody(pitches: list[int | None], ticks: int = 12) -> Melody:
    return Melody(tuple(Note(pitch, ticks) for pitch in pitches), Key(0), Meter(4, 4))


tunes = st.lists(st.sampled_from([60, 62, 64]), max_size=40).map(melody)


def longest_by_trying(one: Melody, other: Melody) -> int:
    """The slow way, of which there can be no doubt."""
    a, b = ([int(step) for step in np.diff(tune.pitches)] for tune in (one, other))
    runs = [{tuple(steps[i:j]) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1)} for steps in (a, b)]
    best = max(map(len, runs[0] & runs[1]), default=0)
    return best + 1 if best else 0


@given(tunes, st.lists(tunes, min_size=1, max_size=4))
def test_longest_run_is_exact_and_the_first_tune_that_has_it_is_named(query: Melody, training: list[Melody]) -> None:
    runs = [longest_by_trying(query, tune) for tune in training]
    found = Index.build(training, [str(number) for number in range(len(training))]).nearest(query)
    assert found.longest == max(runs)
    assert found.name == (str(runs.index(max(runs))) if max(runs) else "")
    assert [Index.build([tune], [""]).nearest(query).longest for tune in training] == runs


@given(tunes.filter(lambda tune: len(tune.pitches) > 1), st.integers(-30, 30))
def test_key_rhythm_and_rests_hide_nothing(tune: Melody, semitones: int) -> None:
    other = [pitch for note in tune.transposed(semitones).notes for pitch in (None, note.pitch)]
    assert Index.build([tune], ["it"]).nearest(melody(other, 30)) == Nearest("it", len(tune.pitches), 1.0)


@given(st.lists(tunes, max_size=4), tunes)
def test_arrays_keep_everything(training: list[Melody], query: Melody) -> None:
    index = Index.build(training, ["a"] * len(training))
    again = Index.from_arrays(index.to_arrays(), index.names)
    assert again.nearest(query) == index.nearest(query)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"steps": np.array([1, 2, -128], np.int8), "starts": np.array([1], np.int32)},
        {"steps": np.array([1, 2, -128], np.int8), "starts": np.array([0, 3], np.int32)},
    ],
)
def test_damaged_arrays_are_refused(arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match="index of training tunes is damaged"):
        Index.from_arrays(arrays, ["a"])


def test_a_library_is_searched_fast() -> None:
    rng = np.random.default_rng(0)
    walks = (60 + rng.integers(-2, 3, (4000, 108)).cumsum(1)).clip(0, 127)
    training = [melody(walk.tolist()) for walk in walks]
    index = Index.build(training, [str(number) for number in range(len(training))])
    assert sum(array.nbytes for array in index.to_arrays().values()) < 500_000
    index.nearest(training[0])
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        assert index.nearest(training[3999]) == Nearest("3999", 108, 1.0)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.05


def test_variants_are_one_group_and_others_are_not() -> None:
    rng = np.random.default_rng(1)
    first, second, third = (melody((60 + rng.integers(-4, 5, 60)).tolist()) for _ in range(3))
    ornamented = melody([p for note in first.notes for p in ([note.pitch] * (2 if rng.random() < 0.05 else 1))])
    half = melody([*second.pitches[:25], *third.pitches[30:35]])
    assert groups([first, second, ornamented.transposed(5), third, half]) == (0, 1, 0, 2, 1)


@given(st.lists(tunes, max_size=6))
def test_a_tune_and_its_copy_are_never_apart(training: list[Melody]) -> None:
    found = groups([*training, *training])
    assert found[: len(training)] == found[len(training) :]
    assert sorted(set(found)) == list(range(len(set(found))))
