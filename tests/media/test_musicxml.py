"""MusicXML: what is read, and what is refused in which words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.media.musicxml import read_musicxml, read_score
from studio.music.melody import Melody
from studio.music.theory import Key, Meter

TIME = "<time><beats>4</beats><beat-type>4</beat-type></time>"
KEY = "<key><fifths>2</fifths><mode>major</mode></key>"
ATTRIBUTES = f"<attributes><divisions>2</divisions>{KEY}{TIME}</attributes>"


def note(step: str, duration: int, more: str = "", octave: int = 4, alter: str = "") -> str:
    alter = f"<alter>{alter}</alter>" if alter else ""
    pitch = f"<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>" if step else "<rest/>"
    return f"<note>{more}{pitch}<duration>{duration}</duration></note>"


def score(*measures: str, attributes: str = ATTRIBUTES, title: str = "A tune") -> bytes:
    inside = "".join(
        f'<measure number="{number}">{"" if number else attributes}{measure}</measure>'
        for number, measure in enumerate(measures)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
        'Partwise//EN" "partwise.dtd"><score-partwise version="4.0">'
        f'<work><work-title>{title}</work-title></work><part id="P1">{inside}</part></score-partwise>'
    ).encode()


def melody(*measures: str, attributes: str = ATTRIBUTES) -> Melody:
    tune = read_score(score(*measures, attributes=attributes), "a.musicxml")
    assert tune.reason == ""
    assert tune.name == "A tune"
    assert tune.melody is not None
    return tune.melody


def reason(*measures: str, attributes: str = ATTRIBUTES) -> str:
    tune = read_score(score(*measures, attributes=attributes), "a.musicxml")
    assert tune.melody is None
    return tune.reason


def pairs(found: Melody) -> list[tuple[int | None, int]]:
    return [(each.pitch, each.ticks) for each in found.notes]


def test_a_score() -> None:
    found = melody(note("D", 2) + note("F", 2, alter="1") + note("", 4), note("A", 8, octave=5))
    assert pairs(found) == [(62, 24), (66, 24), (None, 48), (81, 96)]
    assert (found.key, found.meter, found.tempo, found.pickup) == (Key(2), Meter(4, 4), 120, 0)


def test_a_pickup_ties_graces_and_chords() -> None:
    tie, end = '<tie type="start"/>', '<tie type="stop"/>'
    found = melody(
        note("A", 2),
        note("D", 8, tie),
        note("D", 2, end) + "<note><grace/><pitch><step>E</step><octave>4</octave></pitch></note>" + note("E", 6),
        note("D", 6) + note("G", 6, "<chord/>") + note("C", 6, "<chord/>"),
    )
    assert pairs(found) == [(69, 24), (62, 120), (64, 72), (67, 72)]
    assert found.pickup == 24


def test_repeats_and_endings() -> None:
    def ending(number: int) -> str:
        return f'<barline location="left"><ending number="{number}" type="start"/></barline>'

    back = '<barline location="right"><repeat direction="backward"/></barline>'
    found = melody(note("D", 8), ending(1) + note("E", 8) + back, ending(2) + note("F", 8) + back, note("G", 8))
    assert found.pitches == [62, 65, 67]
    pickup = melody(note("A", 2), note("D", 8), note("D", 6) + back, note("A", 2), note("D", 8), note("D", 6))
    assert pickup.bars == 4


@pytest.mark.parametrize(
    ("fifths", "mode", "key"),
    [
        (0, "", Key(0)),
        (-3, "minor", Key(0, "minor")),
        (0, "dorian", Key(2, "dorian")),
        (1, "mixolydian", Key(2, "mixolydian")),
        (1, "aeolian", Key(4, "minor")),
        (-2, "major", Key(10)),
    ],
)
def test_keys(fifths: int, mode: str, key: Key) -> None:
    written = f"<key><fifths>{fifths}</fifths>{f'<mode>{mode}</mode>' if mode else ''}</key>"
    assert melody(note("D", 8), attributes=ATTRIBUTES.replace(KEY, written)).key == key


def test_tempo_is_of_felt_beats() -> None:
    six = ATTRIBUTES.replace(TIME, "<time><beats>6</beats><beat-type>8</beat-type></time>")
    sound = '<direction><sound tempo="120"/></direction>'
    assert melody(sound + note("D", 6), attributes=six).tempo == 80


@pytest.mark.parametrize(
    ("measures", "attributes", "what"),
    [
        ((note("D", 6), note("D", 6)), ATTRIBUTES, "bar 1 holds 3/4 where 4/4 is expected"),
        ((note("", 8),), ATTRIBUTES, "it has no notes"),
        ((note("D", 8),), ATTRIBUTES.replace(KEY, ""), "it says no key"),
        ((note("D", 8),), ATTRIBUTES.replace(TIME, ""), "it says no metre"),
        ((note("D", 8),), ATTRIBUTES.replace("<beats>4", "<beats>5"), "its metre is 5/4; expected one of"),
        ((note("D", 8),), ATTRIBUTES.replace("major", "lydian"), "its mode is lydian; expected one of"),
        ((note("D", 8), ATTRIBUTES.replace(">2<", ">1<") + note("D", 4)), ATTRIBUTES, "its key changes to G major"),
        ((note("D", 4) + note("D", 4, "<voice>2</voice>"),), ATTRIBUTES, "it has more than one voice"),
        ((note("D", 8, alter="0.5"),), ATTRIBUTES, "is none of a keyboard's"),
        ((note("D", 8, octave=99),), ATTRIBUTES, "is none of a keyboard's"),
        ((note("D", 0),), ATTRIBUTES, "a note has no length"),
        ((note("D", 8),), ATTRIBUTES.replace(">2</div", ">many</div"), "'many' is no number"),
    ],
)
def test_what_cannot_be_used(measures: tuple[str, ...], attributes: str, what: str) -> None:
    assert what in reason(*measures, attributes=attributes)


def test_more_than_one_part() -> None:
    two = score(note("D", 8)).replace(b"</part>", b'</part><part id="P2"/>')
    assert read_score(two, "a").reason == "it has more than one part"


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_packed(tmp_path: Path) -> None:
    container = b'<container><rootfiles><rootfile full-path="b.xml"/></rootfiles></container>'
    content = packed({"META-INF/container.xml": container, "a.xml": b"<other/>", "b.xml": score(note("D", 8))})
    (tmp_path / "a.mxl").write_bytes(content)
    assert read_musicxml(tmp_path / "a.mxl").name == "A tune"
    assert read_score(packed({"a.musicxml": score(note("D", 8))}), "a.mxl").name == "A tune"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is damaged or is no MusicXML"),
        (b"<score-partwise>", "is damaged or is no MusicXML"),
        (b"<html/>", "expected a score-partwise in it, found html"),
        (b"<score-timewise/>", "save it as partwise"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><score-partwise/>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><score-partwise/>'.encode("utf-16"), "declares entities"),
        (b"PK\x03\x04 cut off", "is damaged or cut off"),
        (packed({"a.txt": b""}), "holds no score"),
        (packed({"a.xml": b" " * (17 << 20)}), "is larger than 16 MB"),
    ],
    ids=range(9),
)
def test_what_is_no_score(content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_score(content, "a.musicxml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_musicxml(tmp_path / "a.musicxml")


def test_without_bars_or_title() -> None:
    tune = read_score(b"<score-partwise/>", "a.musicxml")
    assert (tune.name, tune.reason) == ("a.musicxml", "it has no bars")


@given(st.data())
def test_a_damaged_score_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(score(note("D", 8), note("E", 4) + note("F", 4)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        tune = read_score(bytes(content), "a")
    except InputError:
        return
    assert (tune.melody is None) == bool(tune.reason)
