"""Stop strings stop exactly, however a text is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.text.stopping import Stops

letters = st.text("abc", max_size=30)


def expected(text: str, strings: list[str]) -> tuple[str, bool]:
    for end in range(1, len(text) + 1):
        ending = [string for string in strings if text[:end].endswith(string)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


@given(letters, st.lists(st.text("abc", min_size=1, max_size=5), max_size=4), st.lists(st.integers(0, 30)))
def test_a_text_ends_right_before_the_first_stop_string(text: str, strings: list[str], cuts: list[int]) -> None:
    stops, out = Stops(strings), ""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in itertools.pairwise(places):
        out += stops.push(text[start:end])
        assert expected(text, strings)[0].startswith(out)
    out += "" if stops.stopped else stops.finish()
    assert (out, stops.stopped) == expected(text, strings)


def test_nothing_is_held_back_that_cannot_begin_one() -> None:
    stops = Stops(["\n\n", "END"])
    assert [stops.push(text) for text in ("a line\n", "b", "EN", "x", "E", "ND and more", "y")] == [
        "a line", "\nb", "", "ENx", "", "", ""
    ]  # fmt: skip
    assert stops.stopped


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(InputError, match="at least one character"):
        Stops(["a", ""])
