"""Tunes in ABC notation → melodies. Follows the ABC music standard 2.1 (abcnotation.com/wiki/abc:standard:v2.1).

for tune in read_tunes(text, "reels.abc"):
    print(tune.name, tune.melody or tune.reason)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from studio.errors import InputError
from studio.media.abc_notes import ACCIDENTALS, Reader
from studio.media.barring import UnusableError, barred
from studio.music.melody import Melody
from studio.music.theory import FIFTHS, LETTERS, METERS, SCALES, SHARP_ORDER, TEMPO, TICKS, Key, Meter

MAX_TUNES = 20_000
_LONGEST = 200  # characters of a field that are looked at
_TEMPI = (20, 400)
_MODES = {
    **dict.fromkeys(("", "maj", "ion"), "major"),
    **dict.fromkeys(("m", "min", "aeo"), "minor"),
    "dor": "dorian",
    "mix": "mixolydian",
}
_OTHER_MODES = {"lyd": "lydian", "phr": "phrygian", "loc": "locrian"}
_FIELD = re.compile(r"([A-Za-z+]):(?![|:\]])(.*)")
_UNSAID = re.compile(r"(?<!\\)%.*")


@dataclass(frozen=True)
class Tune:
    """A tune by its title. melody: None where it cannot be used, with the reason in plain words; "" otherwise."""

    name: str
    melody: Melody | None
    reason: str = ""


def read_tunes(text: str, name: str) -> list[Tune]:
    """Every tune of an ABC file. name: that of the file, for tunes without a title.

    Grace notes are left out, of chords the top note is taken, repeats are not unfolded, and of several endings the
    last one is taken. A tune is given a reason instead of a melody where its metre or mode is not among those of
    `studio.music.theory`, where they change, or where a bar is not full. Raises InputError for more than 20,000 tunes.
    """
    tunes = [
        _tune(header, body, f"{name}, tune {number}") for number, header, body in islice(_tunes(text), MAX_TUNES + 1)
    ]
    if len(tunes) > MAX_TUNES:
        raise InputError(f"{name} holds more than {MAX_TUNES:,} tunes; split it into several files.")
    return tunes


def _tunes(text: str) -> Iterator[tuple[str, list[tuple[str, str]], list[str]]]:
    """(number, fields up to K:, lines after it) of each tune; what stands before the first holds for all."""
    shared: list[tuple[str, str]] = []
    number, header, body = "", list[tuple[str, str]](), list[str]()
    state = "between"
    in_text = False
    for line in [*text.lstrip("\ufeff").splitlines(), ""]:
        if line.startswith("%%"):
            in_text = line.startswith("%%begin") or (in_text and not line.startswith("%%end"))
        stripped = "" if in_text else _UNSAID.sub("", line).strip()
        match = _FIELD.match(stripped)
        if match and match[1] == "X":
            if state != "between":
                yield number, header, body
            number, header, body, state = match[2].strip()[:_LONGEST], list(shared), [], "header"
        elif state == "between":
            if match and not number and match[1] in "LM":
                shared.append((match[1], match[2].strip()[:_LONGEST]))
        elif state == "header":
            if match:
                header.append((match[1], match[2].strip()[:_LONGEST]))
                state = "body" if match[1] == "K" else state
        elif not line.strip() and body:
            yield number, header, body
            state = "between"
        elif stripped:
            body.append(stripped)
    if state != "between":
        yield number, header, body


def _tune(header: list[tuple[str, str]], body: list[str], unnamed: str) -> Tune:
    fields = dict(header) | {"T": next((value for letter, value in header if letter == "T" and value), "")}
    name = fields["T"].replace("\\%", "%") or unnamed
    try:
        return Tune(name, _melody(fields, body))
    except (UnusableError, InputError) as error:
        return Tune(name, None, str(error))


def _melody(fields: dict[str, str], body: list[str]) -> Melody:
    if "K" not in fields:
        raise UnusableError("it says no key")
    if "M" not in fields:
        raise UnusableError("it says no metre")
    meter = meter_of(fields["M"])
    key, signature = key_of(fields["K"])
    unit = _unit(fields["L"]) if fields.get("L") else Fraction(1, 4 if meter.beats * 4 < meter.unit * 3 else 2)
    reader = Reader(meter, signature, unit)
    voices: set[str] = set()

    def take(letter: str, value: str) -> None:
        if letter == "L":
            reader.unit = _unit(value)
        elif letter == "M" and meter_of(value) != meter:
            raise UnusableError(f"its metre changes from {meter.name} to {value}")
        elif letter == "K" and key_of(value) != (key, signature):
            raise UnusableError(f"its key changes from {key.name} to {value}")
        elif letter == "V":
            voices.add(value.split()[0] if value else "")
            if len(voices) > 1:
                raise UnusableError("it has more than one voice")

    for line in body:
        match = _FIELD.match(line)
        if match:
            take(match[1], match[2].strip()[:_LONGEST])
        else:
            reader.read(line, take)
    notes, pickup = barred(reader.stretches, meter)
    return Melody(notes, key, meter, _tempo(fields.get("Q", ""), meter, unit), pickup)


def meter_of(written: str) -> Meter:
    """The metre of "6/8", "C" or "C|". Raises UnusableError for one that is not among METERS."""
    name = {"C": "4/4", "C|": "2/2"}.get(written, written.replace(" ", ""))
    if name not in METERS:
        raise UnusableError(f"its metre is {written or 'free'}; expected one of {', '.join(METERS)}")
    return Meter.named(name)


def key_of(written: str) -> tuple[Key, dict[str, int]]:
    """The key of "Em", "D mixolydian" or "D =c", and its signature: semitones by letter. Raises UnusableError."""
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", written)
    if match is None:
        raise UnusableError(f"its key is {written or 'not said'}; expected a tonic and a mode")
    tonic, mode = match[1] + match[2], match[3].lower()
    rest = written[match.end() :]
    if mode in ("exp", "clef", "treble", "octave", "transpose"):
        mode = "exp" if mode == "exp" else ""
    mode = mode if mode in ("m", "exp") else mode[:3]
    if mode in _OTHER_MODES:
        raise UnusableError(f"its mode is {_OTHER_MODES[mode]}; expected one of {', '.join(SCALES)}")
    if mode not in _MODES and mode != "exp":
        raise UnusableError(f"its key is {written}; expected a tonic and a mode")
    key = Key.named(tonic, _MODES.get(mode, "major"))
    signature = dict.fromkeys(LETTERS, 0) if mode == "exp" else _signature(tonic, key)
    changes = re.findall(r"(\^\^?|__?|=)([A-Ga-g])", rest)
    for accidental, letter in changes:
        signature[letter.upper()] = ACCIDENTALS[accidental]
    if changes or mode == "exp":
        modes = [name for name in SCALES if _signature(tonic, Key(key.tonic, name)) == signature]
        if not modes:
            raise UnusableError(f"its key is {written}, which is none of {', '.join(SCALES)}")
        key = Key(key.tonic, modes[0])
    return key, signature


def _signature(tonic: str, key: Key) -> dict[str, int]:
    """Semitones by letter, spelt from the tonic as written (also seven sharps or flats)."""
    fifths = SHARP_ORDER.index(tonic[0]) - 1 + 7 * (tonic[1:].count("#") - tonic[1:].count("b")) + FIFTHS[key.mode]
    return {letter: (fifths + 6 - place) // 7 for place, letter in enumerate(SHARP_ORDER)}


def _unit(written: str) -> Fraction:
    """Quarters of a note without a number, of an L: field. Raises UnusableError."""
    match = re.fullmatch(r"(\d{1,3})(?:/(\d{1,3}))?", written.replace(" ", ""))
    if match is None or int(match[1]) == 0 or int(match[2] or 1) == 0:
        raise UnusableError(f"its unit of length is {written}; expected one such as 1/8")
    return Fraction(4 * int(match[1]), int(match[2] or 1))


def _tempo(written: str, meter: Meter, unit: Fraction) -> float:
    """Felt beats a minute of "1/4=90", "3/8=120 \\"lively\\"" or "120" (units of L:, as it once was)."""
    plain = re.sub(r'"[^"]*"', "", written).strip()
    match = re.fullmatch(r"(?:([\d/ ]*)=)?\s*(\d{1,4}(?:\.\d{1,20})?)", plain)
    if match is None:
        return TEMPO
    lengths = [(int(above), int(below)) for above, below in re.findall(r"(\d{1,3})/(\d{1,3})", match[1] or "")]
    if match[1] is not None and (not lengths or any(below == 0 for _, below in lengths)):
        return TEMPO
    quarters = sum((Fraction(4 * above, below) for above, below in lengths), Fraction()) or unit
    tempo = float(Fraction(match[2]) * quarters * TICKS / meter.beat)
    return tempo if _TEMPI[0] <= tempo <= _TEMPI[1] else TEMPO
