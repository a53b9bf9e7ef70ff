"""Masks for one line: whatever is chosen among what they leave, the line comes out right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from studio.text.constraints import LinePlan
from studio.text.vocabulary import CAPITAL, Vocabulary
from studio.verse.checker import score
from studio.verse.forms import Form, Line, haiku, limerick, sonnet
from studio.verse.lexicon import Lexicon, words_of

LINES = [haiku().lines[1], limerick().lines[0], sonnet().lines[0], Line(letter="S"), Line(9)]


@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_random_walk_under_a_mask_ends_with_a_line_that_fits(
    vocabulary: Vocabulary, tokenizer: Tokenizer, number: int
) -> None:
    line = LINES[number]
    plan = LinePlan(vocabulary, line, vocabulary.ending, look=CAPITAL)
    generator = np.random.default_rng(number)
    for _ in range(20):
        text = walk(plan, generator, tokenizer)
        assert text is not None and text.lstrip("'")[0].isupper()
        assert score(text, Form("line", (line,)), Lexicon.load()).passed


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), word=st.sampled_from(["night", "sea", "alone", "ocean"]))
def test_the_last_word_is_one_of_those_asked_for(
    vocabulary: Vocabulary, tokenizer: Tokenizer, seed: int, word: str
) -> None:
    wanted = vocabulary.rhymes_with(word)
    text = walk(LinePlan(vocabulary, Line(8), wanted, closing=True), np.random.default_rng(seed), tokenizer)
    assert text is not None and wanted[vocabulary.number[words_of(text)[-1].lower()]] and text[-1] in ".!?"


def test_what_cannot_be_has_an_empty_mask(vocabulary: Vocabulary) -> None:
    nothing = LinePlan(vocabulary, Line(5), np.zeros(len(vocabulary.words), bool)).begin()
    assert not nothing.allowed().any()
    long = vocabulary.ending & (vocabulary.kind == vocabulary.kind[vocabulary.number["delight"]])
    assert not LinePlan(vocabulary, Line(1), long).begin().allowed().any()


def test_a_copy_goes_its_own_way(vocabulary: Vocabulary) -> None:
    one = LinePlan(vocabulary, Line(5), vocabulary.ending).begin()
    first = int(np.flatnonzero(one.allowed())[0])
    two = one.copy()
    two.push(first)
    assert one.allowed()[first] and not (one.allowed() == two.allowed()).all()


def walk(plan: LinePlan, generator: np.random.Generator, tokenizer: Tokenizer) -> str | None:
    """A line of tokens drawn evenly from what is allowed; None where it came to a dead end."""
    for _ in range(20):
        state, tokens = plan.begin(), []
        while not state.done:
            allowed = np.flatnonzero(state.allowed())
            if not len(allowed):
                break
            tokens.append(int(generator.choice(allowed)))
            state.push(tokens[-1])
        else:
            return str(tokenizer.decode(tokens)).strip()
    return None
