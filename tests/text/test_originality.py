"""What a text copies is found, all of it, and little else."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError
from studio.parameters import limits
from studio.text import originality
from studio.text.fuse_filter import FuseFilter, packed, shards_for, unique
from studio.text.originality import ORDER, Index, normalised
from studio.text.parameters import TextParameters
from studio.text.sampler import REMEMBERED

DAFFODILS = """I wandered lonely as a cloud
That floats on high o'er vales and hills,
When all at once I saw a crowd,
A host, of golden daffodils;
Beside the lake, beneath the trees,
Fluttering and dancing in the breeze."""


def words(chance: random.Random, count: int, letters: str = "abcdefghijklmnop") -> list[str]:
    return ["".join(chance.choices(letters, k=5)) for _ in range(count)]


LEARNT = words(random.Random(0), 30_000)
SMALL = Index.build([" ".join(LEARNT)])
TIGHT = Index.build([" ".join(LEARNT)], budget_bytes=15_000)  # 4 bits a word


def test_of_a_poem() -> None:
    index = Index.build([DAFFODILS])
    run = index.longest("He said: “WHEN ALL AT ONCE — I saw;\n\na crowd”, and went.")
    assert (run.words, run.text, run.start) == (8, "WHEN ALL AT ONCE — I saw;\n\na crowd", 10)
    assert run.in_words() == "8 words: “WHEN ALL AT ONCE — I saw; a crowd”"
    assert index.words == 39 and index.size < 1000


@pytest.mark.parametrize("text", ["", "daffodils", "of golden daffodils", "Nothing of this was ever in that poem."])
def test_of_nothing_shared(text: str) -> None:
    index = Index.build([DAFFODILS])
    assert index.runs(text) == [] and index.longest(text).words == 0
    assert index.longest(text).in_words() == "fewer than 5 words"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("o'er", "O’ER"), ("o'er", "oer"), ("lovers'", "lovers"), ("café", "CAFE"), ("café", "cafe\u0301"),
        ("day\u00adlight", "daylight"), ("zero\u200bwidth", "zerowidth"), ("Cæsar", "caesar"), ("ﬁre", "fire"),
    ],
)  # fmt: skip
def test_words_are_the_same_however_they_are_written(one: str, other: str) -> None:
    assert Index.build([f"as far as {one} went they"]).longest(f"So far, As far as {other}, went they").words == 6


def test_runs_go_on_from_piece_to_piece() -> None:
    assert Index.build(["I wandered lonely\n", "as a cloud\n", "that floats"]).longest(DAFFODILS).words == 8


def test_a_long_text_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originality, "_PIECE", 50)
    assert Index.build([DAFFODILS * 3]).longest(DAFFODILS * 3).words == 39 * 3


@settings(max_examples=60, deadline=None)
@given(length=st.integers(ORDER, 60), at=st.integers(0, 29_000), seed=st.integers(0, 10_000), tight=st.booleans())
def test_a_planted_run_is_always_found(length: int, at: int, seed: int, tight: bool) -> None:
    chance = random.Random(seed)
    planted = LEARNT[at : at + length]
    text = " ".join([*words(chance, 40, "qrstuvwxyz"), *planted, *words(chance, 40, "qrstuvwxyz")])
    found = (TIGHT if tight else SMALL).longest(text)
    assert found.words >= length
    if not tight:
        assert found.words == length and found.text == " ".join(planted)


def test_reports_are_as_rare_as_is_said() -> None:
    texts = [" ".join(words(random.Random(seed), 200, "qrstuvwxyz")) for seed in range(1000, 1400)]
    assert 0.05 < TIGHT.rate < 0.12 and TIGHT.size <= 15_000
    told = np.array([run.words for text in texts for run in TIGHT.runs(text)])
    hits = (told - ORDER + 1).sum() / (len(texts) * 196)
    assert hits == pytest.approx(TIGHT.rate, rel=0.1)
    assert (told >= TIGHT.reliable).sum() <= 2 and (told >= TIGHT.reliable - 2).sum() > 0
    assert not any(SMALL.runs(text) for text in texts) and SMALL.reliable == ORDER


def test_much_text_goes_through_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originality, "_KEPT", 1000)
    monkeypatch.setattr(originality, "_PIECE", 2000)
    whole = " ".join(LEARNT)
    arrays = Index.build([whole]).to_arrays()
    for name, array in SMALL.to_arrays().items():
        assert np.array_equal(arrays[name], array)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 50, 3000, 40_000])
@pytest.mark.parametrize("shards", [1, 4])
def test_the_filter_holds_its_keys(count: int, shards: int) -> None:
    chance = np.random.default_rng(count)
    keys = unique([chance.integers(0, 2**64, count, dtype=np.uint64)])
    parts = [keys[keys // np.uint64(2**62) * shards // 4 == number] for number in range(shards)]
    made = FuseFilter.build(lambda number: parts[number], [len(part) for part in parts], lambda cells: cells // 18 + 1)
    others = chance.integers(0, 2**64, 50_000, dtype=np.uint64)
    assert made.sound and made.holds(keys).all()
    assert made.holds(others).mean() < 1.2 / made.q + 1e-3
    assert shards_for(40_000_000) == 32 and packed(11) == 18 and packed(2**32) == 2


def test_saved_and_read() -> None:
    read = Index.from_arrays({name: array.copy() for name, array in TIGHT.to_arrays().items()})
    text = " ".join(LEARNT[70:90])
    assert read.runs(text) == TIGHT.runs(text) and (read.words, read.rate) == (TIGHT.words, TIGHT.rate)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cells": None}, "is damaged: it needs arrays"),
        ({"facts": np.zeros(3, np.int64)}, "is damaged: it needs arrays"),
        ({"cells": np.zeros(3, np.float32)}, "is damaged: it needs arrays"),
        ({"cells": np.zeros(3, np.uint64)}, "do not belong together"),
        ({"seeds": np.zeros(3, np.uint64)}, "do not belong together"),
        ({"facts": np.zeros(6, np.int64)}, "by another version of Studio"),
    ],
)
def test_damaged_arrays(change: dict[str, Any], said: str) -> None:
    arrays = {name: array for name, array in (TIGHT.to_arrays() | change).items() if array is not None}
    with pytest.raises(InputError, match=said):
        Index.from_arrays(arrays)


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 29_000), limit=st.integers(ORDER, 12), copied=st.integers(1, 20))
def test_watching(at: int, limit: int, copied: int) -> None:
    watch = SMALL.watch(limit)
    told = [watch.push(word) for word in ["new", "ones", *LEARNT[at : at + copied]]]
    assert any(told) == (copied > limit)
    assert watch.words == (copied if copied >= ORDER else 0)
    before = watch.copy()
    assert not watch.push("otherwise") and watch.words == 0 and before.words == (copied if copied >= ORDER else 0)


def test_a_guard_lets_be_what_stood_before() -> None:
    allows = Index.build([DAFFODILS]).guard(5)
    assert allows("", "I wandered lonely as a") and not allows("", "I wandered lonely as a cloud")
    assert not allows("I wandered lonely", " as a cloud") and allows("I wandered lonely", " as a crowd")
    assert allows("I wandered lonely as a cloud", " of smoke") and not allows("I wandered lonely as a cloud", " that")


def test_the_largest_limit_can_be_kept() -> None:
    limit = int(next(limits(field)["le"] for name, field in TextParameters.fields() if name == "original"))
    words = ["".join(letters) * 5 for letters in itertools.islice(itertools.permutations("abcdefgh", 7), limit + 1)]
    learnt = " ".join(words)
    allows, before = Index.build([learnt]).guard(limit), learnt.removesuffix(words[-1])
    assert not allows(before[-REMEMBERED:], words[-1]) and allows(before[-REMEMBERED:], "otherwise")


@pytest.mark.parametrize("limit", [-1, 0, ORDER - 1])
def test_limits_that_cannot_be_watched(limit: int) -> None:
    with pytest.raises(InputError, match=f"Expected 5 or more words .* got {limit}"):
        SMALL.watch(limit)
    with pytest.raises(InputError, match="Expected 5 or more words"):
        SMALL.guard(limit)


def test_a_budget_that_is_none() -> None:
    with pytest.raises(InputError, match="at least 1000 bytes"):
        Index.build([DAFFODILS], budget_bytes=10)


def test_words_that_are_none() -> None:
    assert normalised("’") == "" and Index.build([]).longest(DAFFODILS).words == 0
