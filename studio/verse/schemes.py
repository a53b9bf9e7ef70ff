"""Rhyme schemes and lengths as people write them: "ABAB CDCD EFEF GG", "shakespearean", 8, "8-6-8-6"."""

from __future__ import annotations

import re
import unicodedata

from studio.errors import InputError

SONNETS = {
    "shakespearean": "ABAB CDCD EFEF GG",
    "petrarchan": "ABBAABBA CDECDE",
    "spenserian": "ABAB BCBC CDCD EE",
}
LONGEST = 100
"""Lines of a form, at most."""
MOST_SYLLABLES = 24
"""In a line, at most."""

Stanzas = tuple[tuple[str | None, ...], ...]
"""A rhyme letter, or None, for each line of each stanza."""


def parse_scheme(scheme: str) -> Stanzas:
    """Letters are lines, spaces part stanzas, "-" and "x" are lines that rhyme with none. Raises InputError."""
    stanzas = tuple(
        tuple(None if sign in "-–xX" else sign.upper() for sign in part)
        for part in re.split(r"[\s/|,]+", scheme)
        if part
    )
    signs = [sign for stanza in stanzas for sign in stanza]
    if not signs:
        raise InputError("The rhyme scheme is empty; give letters such as ABAB, with spaces between stanzas.")
    for sign in signs:
        if sign is not None and not "A" <= sign <= "Z":
            raise InputError(
                f"Expected a rhyme scheme of letters such as ABAB CC, with - for no rhyme, got {_shown(scheme)}."
            )
    _check_length(len(signs))
    return stanzas


def parse_sonnet(scheme: str) -> Stanzas:
    """A named scheme or the letters of 14 lines. Raises InputError."""
    stanzas = parse_scheme(SONNETS.get(scheme.strip().lower(), scheme))
    lines = sum(map(len, stanzas))
    if lines != 14:
        names = ", ".join(SONNETS)
        raise InputError(
            f"A sonnet has 14 lines, and the scheme {_shown(scheme)} has {lines}; give 14 letters or one of {names}."
        )
    return stanzas


def parse_syllables(syllables: int | str | None, lines: int) -> tuple[int | None, ...]:
    """One count a line from one for all, or from some that come round: "8-6". Raises InputError."""
    if syllables is None or syllables == "":
        return (None,) * lines
    try:
        counts = [int(part) for part in re.split(r"[-–,\s]+", str(syllables).strip())]
    except ValueError:
        raise InputError(f'Expected syllables a line such as 8 or "8-6-8-6", got {_shown(str(syllables))}.') from None
    if not all(1 <= count <= MOST_SYLLABLES for count in counts):
        raise InputError(f"Expected from 1 to {MOST_SYLLABLES} syllables a line, got {_shown(str(syllables))}.")
    if lines % len(counts):
        raise InputError(
            f"{len(counts)} counts of syllables do not come round in {lines} lines; give one for each line."
        )
    return tuple(counts * (lines // len(counts)))


def parse_letters(word: str) -> tuple[str, ...]:
    """The words of a phrase as capital letters A to Z, accents and punctuation left out. Raises InputError."""
    plain = unicodedata.normalize("NFKD", word)
    if re.search(r"\d", plain):
        raise InputError(f"An acrostic is made of letters, got digits in {_shown(word)}; write the number out.")
    parts = [re.sub(r"[\W_]", "", part).upper() for part in re.split(r"[\s-]+", plain)]
    parts = [part for part in parts if part]
    if not parts:
        raise InputError(f"An acrostic needs a word or a phrase, got {_shown(word)}.")
    for letter in "".join(parts):
        if not "A" <= letter <= "Z":
            raise InputError(f"An acrostic is made of the letters A to Z, got {letter} in {_shown(word)}.")
    _check_length(sum(map(len, parts)))
    return tuple(parts)


def _check_length(lines: int) -> None:
    if lines > LONGEST:
        raise InputError(f"A form has at most {LONGEST} lines, got {lines}.")


def _shown(text: str) -> str:
    """What was given, short enough for one line."""
    text = " ".join(text.split())
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'
