"""Forms are built from what people write, and what is no form is refused in one line."""

from __future__ import annotations

import pytest

from studio.errors import InputError
from studio.verse.forms import Form, Line, acrostic, haiku, limerick, rhymed, sonnet


def schemes(form: Form) -> str:
    return "".join((line.rhyme or "-") + " " * line.breaks for line in form.lines)


def test_the_fixed_forms() -> None:
    assert [line.syllables for line in haiku().lines] == [5, 7, 5]
    assert schemes(limerick()) == "AABBA"
    assert [{way.count("S") for way in line.patterns} for line in limerick().lines] == [{3}, {3}, {2}, {2}, {3}]


@pytest.mark.parametrize(
    ("scheme", "letters"),
    [
        ("Shakespearean", "ABAB CDCD EFEF GG"), ("petrarchan", "ABBAABBA CDECDE"), ("spenserian", "ABAB BCBC CDCD EE"),
        ("aabbccddeeffgg", "AABBCCDDEEFFGG"), ("ABAB-xCDCDEFEF", "ABAB--CDCDEFEF"),
    ],
)  # fmt: skip
def test_sonnets(scheme: str, letters: str) -> None:
    form = sonnet(scheme)
    assert schemes(form) == letters
    assert all(line.patterns == ("wSwSwSwSwS",) and line.iambic for line in form.lines)
    assert all(line.patterns == ("." * 10,) and not line.iambic for line in sonnet(scheme, iambic=False).lines)


def test_an_acrostic_has_a_line_for_each_letter_and_a_stanza_for_each_word() -> None:
    form = acrostic("L'été bleu", 8)
    assert "".join((line.letter or "") + " " * line.breaks for line in form.lines) == "LETE BLEU"
    assert {line.syllables for line in form.lines} == {8}
    assert form.text("abcdefgh") == "a\nb\nc\nd\n\ne\nf\ng\nh"
    assert [form.text("abcdef"[:count]) for count in (0, 4, 5)] == ["", "a\nb\nc\nd", "a\nb\nc\nd\n\ne"]


def test_lines_that_a_form_has_no_place_for_stay_in_the_text() -> None:
    assert haiku().text("abcde") == "a\nb\nc\n\nd\ne"
    assert acrostic("ab c").text("abcd") == "a\nb\n\nc\n\nd"


def test_a_scheme_with_lengths() -> None:
    form = rhymed("abab xbxb", "8-6", iambic=True)
    assert schemes(form) == "ABAB -B-B"
    assert [line.syllables for line in form.lines] == [8, 6] * 4
    assert form.lines[1].stress == ("wSwSwS",)
    assert form.partners(5) == [1, 3] and form.times(5) == 4 and form.partners(4) == []
    assert len(rhymed("AB AB").lines[0].patterns) > 5


def test_a_letter_that_comes_once_rhymes_with_nothing() -> None:
    assert schemes(rhymed("ABCB")) == "-B-B"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rhymed(""), "empty"), (lambda: rhymed("   "), "empty"), (lambda: rhymed("A" * 500), "at most 100"),
        (lambda: rhymed("A1B2"), "letters"), (lambda: rhymed("αβαβ"), "letters"),
        (lambda: rhymed("AABB", 0), "from 1 to"),
        (lambda: rhymed("AABB", "8-8-8"), "do not come round"), (lambda: rhymed("AABB", "many"), "8-6-8-6"),
        (lambda: rhymed("AABB", 1000), "from 1 to"), (lambda: rhymed("AABB", iambic=True), "number of syllables"),
        (lambda: sonnet("ABAB"), "14 lines"), (lambda: sonnet("italian-ish"), "letters|14 lines"),
        (lambda: acrostic("R2D2"), "digits"), (lambda: acrostic(" "), "needs a word"),
        (lambda: acrostic("мир"), "A to Z"),
        (lambda: acrostic("ab " * 200), "at most 100"), (lambda: Form("none", ()), "at least one line"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused_in_one_line(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make()  # type: ignore[operator]
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 160


def test_a_line_without_a_count_may_have_many() -> None:
    assert {len(way) for way in Line().patterns} == set(range(4, 13))
