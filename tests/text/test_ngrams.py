"""The byte n-gram model says what the plain one of the benchmarks says, and xz what the compressor does."""

from __future__ import annotations

import importlib.util
import lzma
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError
from studio.text import ngrams
from studio.text.ngrams import ByteNgrams, grams_of, xz_bits_per_byte, xz_bits_per_byte_after

VERSE = (Path(__file__).parent.parent.parent / "README.md").read_bytes()


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The n-gram model of the benchmarks, over any tokens, which is outside of the package."""
    path = Path(__file__).parent.parent.parent / "benchmarks" / "ngram.py"
    found = importlib.util.spec_from_file_location("ngram", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ngram", module)
        found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("order", [1, 2, 3, 6, 8])
def test_as_the_plain_model(plain: ModuleType, order: int) -> None:
    learnt, asked = VERSE[:6000], VERSE[5800:7000]
    model, other = ByteNgrams.count([learnt], order), plain.KneserNey([learnt], order, 256)
    nats = other.score([asked]).nats
    assert model.bits_per_byte(asked) == pytest.approx(nats / math.log(2), rel=1e-9)
    assert (model.order, model.counted) == (order, 6000)


@settings(max_examples=30, deadline=None)
@given(order=st.integers(1, 8), learnt=st.binary(min_size=1, max_size=300), context=st.binary(max_size=10))
def test_probabilities_add_up_to_one(order: int, learnt: bytes, context: bytes) -> None:
    model = ByteNgrams.count([learnt], order)
    chances = [model.probabilities(context + bytes([byte]))[-1] for byte in range(256)]
    assert sum(chances) == pytest.approx(1) and min(chances) > 0


def test_in_blocks_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ByteNgrams.count([VERSE], 5).probabilities(VERSE[:3000])
    monkeypatch.setattr(ngrams, "_BLOCK", 700)
    monkeypatch.setattr(ngrams, "_ASKED", 300)
    pieces = ByteNgrams.count([VERSE[:1000], VERSE[1000:1001], VERSE[1001:]], 5).probabilities(VERSE[:3000])
    assert np.array_equal(whole, pieces)


def test_only_so_much_is_counted() -> None:
    some = ByteNgrams.count(iter([VERSE[:1000], VERSE[1000:]]), 4, most=1500)
    assert some.counted == 1500
    assert np.array_equal(some.probabilities(VERSE[:99]), ByteNgrams.count([VERSE[:1500]], 4).probabilities(VERSE[:99]))


def test_a_context_helps_where_there_is_something_to_learn() -> None:
    bits = [ByteNgrams.count([VERSE[:-4000]], order).bits_per_byte(VERSE[-4000:]) for order in (1, 2, 4)]
    assert bits[0] > bits[1] + 0.5 > bits[2] + 1 and 1.5 < bits[2] < 4


def test_grams_are_numbers() -> None:
    assert [hex(gram) for gram in grams_of(b"\x01\x02\x03", 2)] == ["0x1", "0x102", "0x203"]


def test_xz() -> None:
    text = VERSE[:5000]
    assert xz_bits_per_byte(text) == 8 * len(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)) / 5000
    assert xz_bits_per_byte_after(VERSE, text) < 0.1 < xz_bits_per_byte_after(bytes(5000), text) < 6


@pytest.mark.parametrize("order", [0, 9])
def test_orders_that_are_none(order: int) -> None:
    with pytest.raises(InputError, match=f"order of 1 to 8, got {order}"):
        ByteNgrams.count([b"text"], order)


def test_no_text() -> None:
    with pytest.raises(InputError, match="no text to count"):
        ByteNgrams.count([b""])
    with pytest.raises(InputError, match="no text to measure"):
        ByteNgrams.count([b"text"]).bits_per_byte(b"")
