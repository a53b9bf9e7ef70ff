"""How a token is chosen: as transformers' own processors have it, and never out of nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from studio.errors import InputError, ModelError
from studio.text.draws import Draws, uniform
from studio.text.sampling import Past, Sampling, choose, distribution, distributions, draw

V = 60
samplings = st.builds(
    Sampling,
    temperature=st.floats(0.2, 3),
    top_k=st.sampled_from([0, 1, 5, 40, 1000]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]),
    min_p=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.3, 5.0]),
    no_repeat_ngram=st.integers(0, 3),
)


def scores(seed: int, rows: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, V)) * 3).astype(np.float32)


def theirs(logits: np.ndarray, history: list[int], sampling: Sampling) -> np.ndarray:
    steps = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        steps.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.no_repeat_ngram:
        steps.append(NoRepeatNGramLogitsProcessor(sampling.no_repeat_ngram))
    steps.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        steps.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        steps.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        steps.append(MinPLogitsWarper(sampling.min_p))
    return torch.softmax(steps(torch.tensor([history]), torch.tensor(logits)[None].double()), -1)[0].numpy()


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 1000), st.lists(st.integers(0, V - 1), min_size=1, max_size=30), samplings)
def test_a_distribution_is_that_of_transformers(seed: int, history: list[int], sampling: Sampling) -> None:
    logits = scores(seed)[0]
    ours = distribution(logits, history, sampling)
    assert math.isclose(ours.sum(), 1)
    np.testing.assert_allclose(ours, theirs(logits, history, sampling), atol=1e-9)


@settings(deadline=None)
@given(st.integers(0, 100), st.lists(samplings, min_size=4, max_size=4))
def test_rows_are_the_same_alone_and_in_a_batch(seed: int, each: list[Sampling]) -> None:
    logits, histories = scores(seed, 4), [[1, 2, 1], [5] * 9, [3], [7, 8]]
    together = distributions(logits, histories, each)
    numbers = [float(number) for number in uniform(seed, 0, 0, count=4)]
    drawn = draw(logits, histories, each, numbers)
    for row in range(4):
        assert np.array_equal(together[row], distribution(logits[row], histories[row], each[row]))
        assert drawn[row] == choose(together[row], numbers[row])


@given(st.lists(st.integers(0, V - 1), max_size=200), st.integers(0, 200))
def test_a_past_grows_and_is_cut(tokens: list[int], count: int) -> None:
    past = Past(tokens[:3], V)
    other = past.copy()
    for token in tokens[3:]:
        past.push(token)
    assert past.tokens.tolist() == tokens and set(np.flatnonzero(past.seen)) == set(tokens)
    past.cut(min(count, len(tokens)))
    past.push(5)
    assert past.tokens.tolist() == [*tokens[:count], 5] and set(np.flatnonzero(past.seen)) == {*tokens[:count], 5}
    assert other.tokens.tolist() == tokens[:3] and other.seen.sum() == len(set(tokens[:3]))


@given(
    tokens=st.lists(st.integers(0, V - 1), min_size=1, max_size=30), reach=st.integers(1, 12), kept=st.integers(1, 30)
)
def test_a_past_has_seen_what_is_within_reach(tokens: list[int], reach: int, kept: int) -> None:
    past = Past(tokens[:1], V, reach)
    for token in tokens[1:]:
        past.push(token)
    assert set(np.flatnonzero(past.seen)) == set(np.flatnonzero(past.copy().seen)) == set(tokens[-reach:])
    past.cut(min(kept, len(tokens)))
    assert set(np.flatnonzero(past.seen)) == set(tokens[:kept][-reach:]) and len(past.tokens) == min(kept, len(tokens))


def test_temperature_0_takes_the_likeliest_the_first_of_equals() -> None:
    logits = np.array([1.0, 4.0, 4.0, 0.0])
    assert distribution(logits, [], Sampling(temperature=0)).tolist() == [0, 1, 0, 0]
    assert distribution(logits, [], Sampling(temperature=0), np.array([True, False, False, True])).tolist() == [
        1,
        0,
        0,
        0,
    ]
    assert distribution(logits, [], Sampling(temperature=1e-300)).tolist() == [0, 0.5, 0.5, 0]


def test_there_is_always_a_token() -> None:
    only = np.zeros(V, bool)
    only[7] = True
    repeated = [7, 7, 7]
    found = distribution(scores(0)[0], repeated, Sampling(0.1, 1, 0.01, 1.0, 10.0, 2), only)
    assert found[7] == 1
    with pytest.raises(InputError, match="No token is allowed"):
        distribution(scores(0)[0], [], Sampling(), np.zeros(V, bool))


def test_the_last_number_below_1_still_means_a_token() -> None:
    parts = np.array([0.0, 0.3, 0.7, 0.0])
    assert [choose(parts, number) for number in (0.0, 0.29, 0.31, math.nextafter(1, 0))] == [1, 1, 2, 2]


def test_draws_follow_the_distribution() -> None:
    logits = np.tile(scores(3), (20_000, 1))
    numbers = [float(number) for number in uniform(1, 0, 0, count=len(logits))]
    drawn = draw(logits, [[]] * len(logits), Sampling(top_p=0.9), numbers)
    share = np.bincount(drawn, minlength=V) / len(drawn)
    np.testing.assert_allclose(share, distribution(logits[0], [], Sampling(top_p=0.9)), atol=0.02)


def test_random_numbers_are_fixed_by_seed_attempt_and_place() -> None:
    places = [*range(600), 3, 599]
    draws = Draws(5)
    found = [draws.at(place) for place in places]
    assert found[600:] == [found[3], found[599]] and len(set(found)) == 600
    assert all(0 <= number < 1 for number in found)
    assert len({Draws(5).at(3), Draws(6).at(3), Draws(5, 1).at(3), Draws(5).at(3, again=1), Draws(5).at(4)}) == 5


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"temperature": math.nan}, {"top_p": 0}, {"min_p": 2}, {"top_k": -1}]
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))}: expected"):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_logits_that_are_no_numbers_are_told() -> None:
    logits = scores(0)
    logits[0, 3] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        draw(logits, [[]], Sampling(), [0.5])
