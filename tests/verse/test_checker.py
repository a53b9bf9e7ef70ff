"""The checker beside poems whose merits and misses are known by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.verse import meter
from studio.verse.checker import score, syllables
from studio.verse.forms import Form, acrostic, haiku, limerick, rhymed, sonnet
from studio.verse.lexicon import Lexicon

SONNET_18 = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date:

Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;

But thy eternal summer shall not fade
Nor lose possession of that fair thou ow'st;
Nor shall Death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:

So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee."""

PIN = """There was a Young Lady whose chin
Resembled the point of a pin;
So she had it made sharp,
And purchased a harp,
And played several tunes with her chin."""

POND = """An old silent pond,
a frog jumps into the pond:
the sound of water"""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load()


def test_a_sonnet_of_shakespeare(lexicon: Lexicon) -> None:
    found = score(SONNET_18, sonnet(), lexicon)
    assert not found.passed and found.share > 0.85
    said = " ".join(found.problems)
    assert "Line 4 does not rhyme: date, temperate." in said  # it does not, to us
    assert "syllables" not in said
    assert score(SONNET_18, sonnet(iambic=False), lexicon).problems == ("Line 4 does not rhyme: date, temperate.",)


def test_a_limerick_of_lear_ends_with_its_first_word(lexicon: Lexicon) -> None:
    assert score(PIN, limerick(), lexicon).problems == ("Line 5 ends with chin again.",)
    other = PIN.replace("her chin", "a grin")
    assert score(other, limerick(), lexicon).passed


def test_a_haiku(lexicon: Lexicon) -> None:
    assert score(POND, haiku(), lexicon).passed
    longer = score(POND.replace("old silent", "old and silent"), haiku(), lexicon)
    assert longer.problems == ("Line 1 has 6 syllables, not 5.",) and longer.share == 0.75
    assert score(POND + "\nand one more", haiku(), lexicon).problems == ("The form has 3 lines, the text has 4.",)


def test_an_acrostic_and_what_it_is_not(lexicon: Lexicon) -> None:
    text = "Over the hills\n\n“Éve went home\n"
    assert score(text, acrostic("oe"), lexicon).passed
    assert score(text, acrostic("of"), lexicon).problems == ("Line 2 begins with E, not F.",)
    assert score("...\n!", acrostic("of"), lexicon).problems[0] == "Line 1 begins with no letter, not O."


def test_rhymes(lexicon: Lexicon) -> None:
    form = rhymed("AAA")
    assert score("the night\nthe light\nthe sight", form, lexicon).passed
    said = score("the night\nthe night\nthe stone", form, lexicon).problems
    assert said == ("Line 2 ends with night again.", "Line 3 does not rhyme: stone, night.")


def test_guessed_words_are_named(lexicon: Lexicon) -> None:
    assert score("the slithy toves", rhymed("x"), lexicon).guessed == ("slithy", "toves")


def test_the_number_of_syllables_of_a_line(lexicon: Lexicon) -> None:
    assert syllables("The fire of heaven", lexicon) == {4, 5, 6}
    assert syllables("", lexicon) == {0}


@pytest.mark.parametrize(
    ("words", "scan"),
    [
        ("the water falls", True), ("water the falls", True), ("the falls water", False), ("delight in love", True),
        ("a melody", True), ("a butterfly", True), ("eternally", True), ("the delight falls", False),
    ],
)  # fmt: skip
def test_words_in_an_iambic_line(lexicon: Lexicon, words: str, scan: bool) -> None:
    ways = [[reading.stresses for reading in lexicon.read(word)] for word in words.split()]
    assert meter.scans(ways, "wSwS") is scan


@given(st.text(max_size=200), st.sampled_from([haiku(), limerick(), sonnet(), acrostic("art"), rhymed("ABBA x", 8)]))
def test_any_text_has_a_score(text: str, form: Form) -> None:
    found = score(text, form, Lexicon.load())
    assert 0 <= found.share <= 1 and found.passed == (not found.problems)
    assert all("\n" not in problem for problem in found.problems)
