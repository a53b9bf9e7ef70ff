"""Figures of texts, on texts so small that they can be counted by hand."""

from __future__ import annotations

import pytest

from studio.text import measures
from studio.text.measures import distinct, lines_a_stanza, repeated_lines, repeated_words, repetition, words_a_line

POEM = "The sea, the sea,\nthe open sea!\n\nThe sea the SEA\n  \nIt ends."


def test_distinct() -> None:
    assert distinct(["a b a b"], 1) == 0.5 and distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct(["a b", "a b"], 2) == 0.5, "of all texts together"
    assert distinct(["A b", "’a B"], 1) == 0.5, "however they are written"
    assert distinct([], 1) == distinct(["a"], 2) == 0


def test_repetition() -> None:
    assert repetition(["a b a b"], 2) == pytest.approx(1 / 3) and repetition(["a b c"], 1) == 0
    assert repetition(["a a a a", "a b"], 1) == pytest.approx(0.75 / 2), "the mean over texts"
    assert repetition([], 2) == repetition(["a"], 2) == 0


def test_repeated_words() -> None:
    assert repeated_words("a b a c") == 0.25 and repeated_words("a b c a", window=2) == 0 and repeated_words("") == 0


def test_lines() -> None:
    assert repeated_lines(POEM) == 0.25 and words_a_line(POEM) == pytest.approx(13 / 4)
    assert lines_a_stanza(POEM) == pytest.approx(4 / 3)
    assert repeated_lines("") == words_a_line("\n") == lines_a_stanza("\n\n") == 0


def test_summary() -> None:
    found = measures.summary([POEM, ""])
    assert list(found) == [measure.name for measure in measures.MEASURES]
    assert found["words a line"] == pytest.approx(13 / 8)
