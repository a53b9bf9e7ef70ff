"""The n-gram models that the network is measured against: their probabilities are such, and they learn."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def ngram() -> ModuleType:
    """The module, which is outside of the package."""
    path = Path(__file__).parent.parent / "benchmarks" / "ngram.py"
    found = importlib.util.spec_from_file_location("ngram", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ngram", module)  # a dataclass looks its module up
        found.loader.exec_module(module)
    return module


def by_chance(count: int, seed: int) -> list[list[str]]:
    """Letters of which each is followed by the next one three times out of four."""
    chance = random.Random(seed)
    sequences = []
    for _ in range(count):
        letters = [chance.randrange(6)]
        while len(letters) < 30:
            letters.append((letters[-1] + 1) % 6 if chance.random() < 0.75 else chance.randrange(6))
        sequences.append(["abcdef"[letter] for letter in letters])
    return sequences


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_probabilities_add_up_to_one(ngram: ModuleType, order: int) -> None:
    model = ngram.KneserNey(by_chance(20, 0), order, vocabulary=10)
    for context in ("abcde", "aaaaa", "fghij"):
        told = tuple(context)[len(context) - order + 1 :]
        chances = [model.probability(told, token) for token in "abcdefghij"]
        assert sum(chances) == pytest.approx(1) and min(chances) > 0
        assert model.probability(told, model.likeliest(told)) == pytest.approx(max(chances))


def test_counts_of_lower_orders_are_those_of_contexts(ngram: ModuleType) -> None:
    # "x" comes often, but after "a" alone; "b" and "c" come after everything.
    model = ngram.KneserNey([list("axaxaxaxaxaxbcbdcecfbgc")], 2, vocabulary=26)
    assert model.followers[0][()]["x"] == 1 and model.followers[1][("a",)]["x"] == 6
    assert model.probability(("h",), "c") > model.probability(("h",), "x")


def test_a_context_helps_where_there_is_something_to_learn(ngram: ModuleType) -> None:
    learnt, held_out = by_chance(200, 0), by_chance(20, 1)
    one, two, six = (ngram.KneserNey(learnt, order, 6).score(held_out) for order in (1, 2, 6))
    assert two.nats < one.nats - 0.5 and two.accuracy > 0.75
    assert 0.87 < two.nats < 0.92  # 0.878 is what chance makes it cost
    assert two.nats < six.nats < one.nats - 0.5  # what is learnt by heart costs little
