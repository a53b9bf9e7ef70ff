"""Poems of a network that knows nothing keep their form all the same: counted here by other means than the writer's."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from studio.errors import InputError
from studio.text.sampling import Past, Sampling, draw
from studio.text.stepper import Stepper
from studio.text.verse_writer import Drawn, VerseWriter, Written
from studio.text.vocabulary import Vocabulary
from studio.verse.checker import score
from studio.verse.forms import Form, acrostic, haiku, limerick, rhymed, sonnet
from studio.verse.lexicon import Lexicon

SEEDS = st.integers(0, 2**63 - 1)
SLOW = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def writer(stepper: Stepper, tokenizer: Tokenizer, vocabulary: Vocabulary) -> VerseWriter:
    return VerseWriter(stepper, tokenizer, vocabulary, Sampling(temperature=1.0, min_p=0.0), candidates=3)


def written(writer: VerseWriter, form: Form, seed: int = 0, before: Sequence[int] = (0,)) -> Written:
    return list(writer.write(form, before, seed=seed))[-1]


def sounds(word: str) -> list[str]:
    """Phones of the first reading."""
    readings = Lexicon.load().readings(word)
    assert readings, word
    return list(readings[0].phones)


def count(line: str) -> int:
    return sum(phone[-1].isdigit() for word in re.findall(r"[A-Za-z']+", line) for phone in sounds(word))


def tail(line: str) -> str:
    """From the last stressed vowel of the last word, with the consonants before it after a slash."""
    phones = sounds(re.findall(r"[A-Za-z']+", line)[-1])
    turn = max(place for place, phone in enumerate(phones) if phone[-1] in "12")
    start = turn
    while start and not phones[start - 1][-1].isdigit():
        start -= 1
    return " ".join(phones[turn:]).translate(str.maketrans("", "", "012")) + "/" + " ".join(phones[start:turn])


def rhymes(lines: Sequence[str], scheme: str) -> bool:
    tails = [tail(line).split("/") for line in lines]
    same = [(a, b) for a, b in combinations(range(len(lines)), 2) if scheme[a] == scheme[b] != "-"]
    return all(tails[a][0] == tails[b][0] and tails[a][1] != tails[b][1] for a, b in same)


@SLOW
@given(seed=SEEDS)
def test_every_haiku_counts_5_7_5(writer: VerseWriter, seed: int) -> None:
    poem = written(writer, haiku(), seed)
    assert poem.kept and poem.finished and score(poem.text, haiku(), Lexicon.load()).passed
    assert [count(line) for line in poem.text.split("\n")] == [5, 7, 5]
    assert poem.text[-1] in ".!?" and not re.search(r"\s[,.;:!?]|[,.;:!?]{2}|^[,.;:!?]", poem.text, re.MULTILINE)


@SLOW
@given(seed=SEEDS, scheme=st.sampled_from(["ABABCDCDEFEFGG", "ABBAABBACDECDE", "ABABBCBCCDCDEE", "AABBCCDDEEFFGG"]))
def test_every_sonnet_has_14_lines_of_ten_syllables_that_rhyme(writer: VerseWriter, seed: int, scheme: str) -> None:
    form = sonnet(scheme)
    poem = written(writer, form, seed)
    assert poem.kept and score(poem.text, form, Lexicon.load()).passed
    assert [count(line) for line in poem.lines] == [10] * 14 and rhymes(poem.lines, scheme)


@SLOW
@given(seed=SEEDS)
def test_every_limerick_scans_and_rhymes(writer: VerseWriter, seed: int) -> None:
    poem = written(writer, limerick(), seed)
    assert poem.kept and score(poem.text, limerick(), Lexicon.load()).passed
    assert rhymes(poem.lines, "AABBA")
    assert [5 <= count(line) <= 7 for line in poem.lines] == [False, False, True, True, False]


@SLOW
@given(seed=SEEDS, word=st.text("abcdefghilmnoprstuw", min_size=1, max_size=6), length=st.sampled_from([None, 6, 8]))
def test_every_acrostic_spells_its_word(writer: VerseWriter, seed: int, word: str, length: int | None) -> None:
    form = acrostic(word, length)
    poem = written(writer, form, seed)
    assert poem.kept and score(poem.text, form, Lexicon.load()).passed
    assert "".join(line.lstrip("'")[0] for line in poem.lines) == word.upper()
    assert length is None or {count(line) for line in poem.lines} == {length}


@SLOW
@given(seed=SEEDS, scheme=st.sampled_from(["AA", "AAAA BBBB", "AB-B -ABA", "xAxA", "AAAAAA"]))
def test_every_scheme_is_kept(writer: VerseWriter, seed: int, scheme: str) -> None:
    form = rhymed(scheme, "8-6", iambic=seed % 2 == 0) if seed % 3 else rhymed(scheme)
    poem = written(writer, form, seed)
    assert poem.kept and score(poem.text, form, Lexicon.load()).passed
    assert rhymes(poem.lines, re.sub(" ", "", scheme).replace("x", "-"))
    assert poem.text.count("\n\n") == scheme.count(" ")


def test_a_poem_is_fixed_by_its_seed(writer: VerseWriter) -> None:
    first = [written(writer, haiku(), seed).text for seed in (5, 6, 7)]
    assert first == [written(writer, haiku(), seed).text for seed in (5, 6, 7)]
    assert len(set(first)) == 3
    one, two = (writer.write(sonnet(), [0], seed=seed) for seed in (1, 2))  # two at a time, line by line
    beside = [pair[0].text for pair in zip(one, two, strict=True)][-1]
    assert beside == written(writer, sonnet(), 1).text
    assert list(writer.write(haiku(), [0], seed=5, attempt=1))[-1].text != first[0]


def test_a_poem_comes_line_by_line(writer: VerseWriter) -> None:
    steps = list(writer.write(limerick(), [0], seed=3))
    assert [len(step.lines) for step in steps] == [1, 2, 3, 4, 5]
    assert [step.finished for step in steps] == [False] * 4 + [True]
    assert all(later.text.startswith(step.text) for step, later in pairwise(steps))


def test_what_was_said_before_matters_and_is_no_part_of_it(writer: VerseWriter, tokenizer: Tokenizer) -> None:
    before = [0, *tokenizer.encode("the cold sea\n\n").ids]
    poem = written(writer, haiku(), 0, before)
    assert poem.kept and poem.text != written(writer, haiku(), 0).text and len(poem.lines) == 3


def test_lines_given_are_gone_on_from(writer: VerseWriter) -> None:
    given = ["The moon is bright upon the silent sea", "And all the stars are shining in the night"]
    poem = list(writer.write(sonnet(), [0], seed=0, opening=given))[-1]
    assert list(poem.lines[:2]) == given and score(poem.text, sonnet(), Lexicon.load()).passed
    with pytest.raises(InputError, match=r"does not fit the haiku: Line 1 has 10 syllables, not 5\."):
        list(writer.write(haiku(), [0], seed=0, opening=given))
    with pytest.raises(InputError, match="has 3 lines, and 4 are there already"):
        list(writer.write(haiku(), [0], seed=0, opening=given * 2))


def test_a_form_that_no_words_can_meet_is_written_as_far_as_it_goes_and_says_so(
    stepper: Stepper, tokenizer: Tokenizer, vocabulary: Vocabulary
) -> None:
    def without_q(word: str) -> bool:
        return word.startswith("q")

    few = Vocabulary(tokenizer, Lexicon.load(), refused=without_q)
    writer = VerseWriter(stepper, tokenizer, few, Sampling(), candidates=2, tries=3)
    poem = written(writer, acrostic("aq"))
    assert poem.finished and not poem.kept and len(poem.lines) == 2
    assert poem.missing == ("Line 2 does without the first letter: no words were found.",)
    assert not score(poem.text, acrostic("aq"), Lexicon.load()).passed


def test_at_temperature_0_the_likeliest_line_comes_first_and_then_others(
    writer: VerseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    likeliest = replace(writer, sampling=Sampling(temperature=0.0), candidates=8)
    poems = {written(likeliest, haiku(), seed).text for seed in range(3)}
    assert len(poems) == 1
    poem = poems.pop()
    begun = poem.split("\n")[0]
    asked: list[str] = []
    other = replace(likeliest, accept=lambda before, line: not asked.append(line) and line != begun)
    drawn: list[tuple[int, bool]] = []
    real = VerseWriter.draw

    def spied(self: VerseWriter, form: Form | None, lines: Any, *given: Any, likeliest: bool, **more: Any) -> Any:
        drawn.append((len(lines), likeliest))
        return real(self, form, lines, *given, likeliest=likeliest, **more)

    monkeypatch.setattr(VerseWriter, "draw", spied)
    again = written(other, haiku(), 1)
    assert asked[0] == begun and again.kept and again.text.split("\n")[0] != begun
    assert drawn[:2] == [(0, True), (0, False)]
    assert {number for number, likeliest in drawn if likeliest} == {0, 1, 2}, "a line that never failed, whatever did"


class _Stubborn(VerseWriter):
    """Finds no line before so much is let go."""

    least = 1

    def draw(self, *given: Any, let_go: Sequence[str] = (), **others: Any) -> list[Drawn]:
        if len(let_go) < self.least:
            return []
        return super().draw(*given, let_go=let_go, **others)


@pytest.mark.parametrize(
    ("form", "least"), [(rhymed("AA", 6), 1), (limerick(), 1), (sonnet("ABABCDCDEFEFGG"), 2), (acrostic("see"), 1)]
)
def test_what_a_line_does_without_is_so(
    writer: VerseWriter, form: Form, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Stubborn, "least", least)
    stubborn = _Stubborn(writer.stepper, writer.tokenizer, writer.vocabulary, Sampling(), candidates=3, tries=2)
    said_at_all = 0
    for seed in range(3):
        poem = written(stubborn, form, seed)
        said_at_all += len(poem.missing)
        problems = score(poem.text, form, Lexicon.load()).problems
        assert len(poem.lines) == len(form.lines)
        assert {said.split()[1] for said in poem.missing} == {problem.split()[1] for problem in problems}
        for said in poem.missing:
            asked = [line for line in problems if line.split()[1] == said.split()[1]]
            assert ("rhyme" in said) == any("rhyme" in line or "again" in line for line in asked)
            assert ("stress" in said) == any("scan" in line for line in asked)
            assert ("first letter" in said) == any("begins" in line for line in asked)
    assert said_at_all


def test_a_haiku_does_without_nothing(writer: VerseWriter) -> None:
    stubborn = _Stubborn(writer.stepper, writer.tokenizer, writer.vocabulary, Sampling(), candidates=3, tries=2)
    assert written(stubborn, haiku()).missing == ("Line 1 could not be written.",)


def test_lines_that_are_refused_never_come_out(stepper: Stepper, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
    def accept(before: str, line: str) -> bool:
        return "a" not in line.lower()

    writer = VerseWriter(stepper, tokenizer, vocabulary, Sampling(), candidates=24, tries=30, accept=accept)
    assert "a" not in written(writer, haiku(), 1).text.lower()
    never = VerseWriter(stepper, tokenizer, vocabulary, Sampling(), candidates=2, tries=2, accept=lambda *_: False)
    poem = written(never, haiku())
    assert poem.lines == () and poem.finished and poem.missing == ("Line 1 could not be written.",)


def test_what_accepts_a_line_sees_where_the_one_before_ends(
    stepper: Stepper, tokenizer: Tokenizer, vocabulary: Vocabulary
) -> None:
    shown: list[str] = []

    def accept(before: str, line: str) -> bool:
        shown.append(before)
        return True

    writer = VerseWriter(stepper, tokenizer, vocabulary, Sampling(), candidates=2, accept=accept)
    list(writer.write(rhymed("xx xx", "4"), [0], seed=2, opening=["The sun is red", "The moon is white"]))
    assert shown[0] == "The sun is red\nThe moon is white\n"
    writer.draw(haiku(), [], stepper.begin([[0]]), [0], seed=2)
    assert shown[-1] == ""


def test_rules_against_repetition_see_all_that_was_said_before(
    writer: VerseWriter, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, shown = [0, *tokenizer.encode("the cold sea and the old moon\n" * 30).ids], []

    def spied(logits: object, pasts: list[Past], *others: object) -> list[int]:
        shown.extend(past.tokens.tolist() for past in pasts)
        return draw(logits, pasts, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("studio.text.verse_writer.draw", spied)
    poem = written(writer, haiku(), 1, before)
    assert len(before) > writer.stepper.context and all(tokens[: len(before)] == before for tokens in shown)
    assert any(tokenizer.decode(tokens).rstrip(".!?").endswith(poem.text.rstrip(".!?")) for tokens in shown)


class _Line:
    """Any token, `length` of them; a line that is `blocked` can go on with none after the first."""

    def __init__(self, size: int, blocked: bool, length: int = 3) -> None:
        self.size, self.blocked, self.left, self.length = size, blocked, length, length

    @property
    def done(self) -> bool:
        return self.left == 0

    def allowed(self) -> NDArray[np.bool_]:
        return np.full(self.size, not (self.blocked and self.left < self.length))

    def push(self, token: int) -> None:
        self.left -= 1

    def copy(self) -> _Line:
        return copy.copy(self)


def test_a_line_that_nothing_can_follow_leaves_the_others_alone(writer: VerseWriter, vocabulary: Vocabulary) -> None:
    size = vocabulary.size
    lines = [_Line(size, blocked=number == 1) for number in range(6)]
    draws = np.random.default_rng(0).random((6, 200))
    completed = list(writer._sampled(lines, draws, writer.stepper.begin([[0]]), Past([0], size), Sampling()))
    assert len(completed) == 5
