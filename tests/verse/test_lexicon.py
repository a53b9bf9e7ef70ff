"""How words sound: listed, guessed, rhymed; and what the words of a line are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.verse.lexicon import Lexicon, Reading, rhymes, words_of


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load()


def test_a_reading_knows_its_syllables_stresses_and_rhyme() -> None:
    delight = Reading(("D", "IH0", "L", "AY1", "T"))
    assert (delight.syllables, delight.stresses, delight.rhyme, delight.onset) == (2, "01", ("AY", "T"), ("L",))
    assert Reading(("DH", "AH0")).rhyme == ("AH",)
    assert Reading(("B", "AH1", "T", "ER0", "F", "L", "AY2")).rhyme == ("AY",)


def test_loading_is_quick_and_done_once(lexicon: Lexicon) -> None:
    Lexicon.load.cache_clear()
    start = time.perf_counter()
    again = Lexicon.load()
    assert time.perf_counter() - start < 1  # 0.1 s on an idle core
    assert Lexicon.load() is again and len(list(again.words)) > 120_000


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("Butterfly", {3}), ("fire", {1, 2}), ("o’er", {1, 2}), ("THOU", {1}), ("heaven", {1, 2}), ("'tis", {1}),
        ("wand'ring", {2}), ("turn'd", {1}), ("blessèd", {2}), ("know'st", {1}), ("lovest", {2}), ("runneth", {2}),
        ("carriest", {3}), ("sea-nymph", {2}), ("moonbeam's", {2}), ("unreprieved", {3}), ("42", {3}), ("1805", {5}),
        ("colour", {2}), ("borogoves", {3}), ("o'erhanging", {3}), ("wish'd", {1}), ("vexed", {1}), ("walkin'", {2}),
        ("x", {1}), ("§", {1}),
    ],
)  # fmt: skip
def test_syllables(lexicon: Lexicon, word: str, syllables: set[int]) -> None:
    assert lexicon.syllables(word) == syllables


@pytest.mark.parametrize(
    ("word", "syllables"), [("1" * 5000, 5000), ("0" * 5000 + "7", 2), ("x" + "'s" * 1000, 1), ("o'er" * 1000, 1000)]
)
def test_words_without_end_have_syllables_too(lexicon: Lexicon, word: str, syllables: int) -> None:
    assert lexicon.syllables(word) == {syllables}


def test_a_word_without_end_takes_no_memory() -> None:
    lexicon = Lexicon({})
    lexicon.guess("abcde" * 2000)
    assert len(lexicon._readings) < 10


def test_an_unknown_word_has_no_reading_but_a_guess(lexicon: Lexicon) -> None:
    assert lexicon.readings("slithy") == () and lexicon.common("slithy") == 0
    assert lexicon.read("slithy") == (lexicon.guess("slithy"),)
    assert rhymes("toves", "groves", lexicon) and rhymes("drown'd", "sound", lexicon)


@pytest.mark.parametrize("pair", ["night light", "Love dove", "flower hour", "feather weather", "sky butterfly"])
def test_perfect_rhymes(lexicon: Lexicon, pair: str) -> None:
    assert rhymes(*pair.split(), lexicon)


@pytest.mark.parametrize("pair", ["light light", "sea see", "love move", "night nine", "alight delight", "Sea’s sea's"])
def test_what_is_no_rhyme(lexicon: Lexicon, pair: str) -> None:
    assert not rhymes(*pair.split(), lexicon)


def test_the_words_of_a_line() -> None:
    assert words_of("'Tis the well-known wand'ring voice,") == ["'Tis", "the", "well", "known", "wand'ring", "voice"]
    assert words_of("'Stop,' he cried -- 'o’er th’ gods' ways!'")[:4] == ["Stop", "he", "cried", "o'er"]
    assert words_of("...") == []


def test_the_guess_comes_close_to_the_dictionary(lexicon: Lexicon) -> None:
    words = [word for word in lexicon.words if len(word) > 3 and "'" not in word][::97]
    right = sum(abs(lexicon.guess(word).syllables - lexicon.readings(word)[0].syllables) == 0 for word in words)
    assert right / len(words) > 0.8


@given(st.text(max_size=30))
def test_every_text_has_a_reading(text: str) -> None:
    assert all(reading.syllables for reading in Lexicon.load().read(text))
    assert all(reading.syllables for word in words_of(text) for reading in Lexicon.load().read(word))
