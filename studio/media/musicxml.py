"""Tunes in MusicXML, plain (.musicxml, .xml) or packed (.mxl) → melodies.

Follows MusicXML 4.0 (W3C Music Notation Community Group), partwise, of one part with one voice.
Ties are joined, grace notes left out, of chords the top note is taken, repeats are not unfolded, and of several endings
the last one is taken, as `studio.media.abc` does.
"""

from __future__ import annotations

import io
import re
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from studio.errors import InputError
from studio.media import files
from studio.media.abc import Tune, meter_of
from studio.media.barring import MAX_NOTES, Stretch, UnusableError, Written, barred
from studio.music.melody import Melody
from studio.music.theory import FIFTHS, LETTERS, SCALES, TEMPO, TICKS, Key, Meter, Mode

SUFFIXES: Final = (".musicxml", ".mxl", ".xml")
MAX_BYTES = 16 << 20  # of a score, unpacked

_MODES: dict[str, Mode] = {"": "major", "ionian": "major", "aeolian": "minor", **{mode: mode for mode in SCALES}}


def read_score(content: bytes, name: str) -> Tune:
    """The tune of a MusicXML file, or the reason why it cannot be used. name: of the file, where it has no title.

    Raises InputError, in one line, for what is no MusicXML, is damaged, or is larger than 16 MB.
    """
    root = _root(content, name)
    title = (root.findtext("work/work-title") or root.findtext("movement-title") or "").strip() or name
    try:
        return Tune(title, _melody(root))
    except UnusableError as error:
        return Tune(title, None, str(error))


def read_musicxml(path: str | Path) -> Tune:
    """The same from a file by its path. Raises InputError also where it cannot be read."""
    return read_score(files.read_bytes(path), str(path))


def _root(content: bytes, name: str) -> Element:
    """The score, its elements without a namespace."""
    text = _unpacked(content, name) if content[:2] == b"PK" else content
    if len(text) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES >> 20} MB; expected one tune.")
    if b"<!ENTITY" in text or "<!ENTITY".encode("utf-16-le") in text or "<!ENTITY".encode("utf-16-be") in text:
        raise InputError(f"{name} declares entities of its own, which no score needs; it is not opened.")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise InputError(f"{name} is damaged or is no MusicXML ({error}); save it again.") from None
    if root.tag == "score-timewise":
        raise InputError(f"{name} is timewise MusicXML; save it as partwise, which nearly every program writes.")
    if root.tag != "score-partwise":
        raise InputError(f"{name} is no MusicXML: expected a score-partwise in it, found {root.tag[:40]}.")
    return root


def _unpacked(content: bytes, name: str) -> bytes:
    """The score inside an .mxl: the first that its container names, or the first .xml or .musicxml."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            scores = [each for each in names if each.endswith((".xml", ".musicxml")) and "META-INF" not in each]
            if "META-INF/container.xml" in names:
                with archive.open("META-INF/container.xml") as file:
                    inside = ElementTree.fromstring(file.read(1 << 16)).find(".//{*}rootfile")
                named = "" if inside is None else inside.get("full-path", "")
                scores = [named] if named in names else scores
            if not scores:
                raise InputError(f"{name} holds no score; expected a .musicxml in it.")
            with archive.open(scores[0]) as file:
                return file.read(MAX_BYTES + 1)
    except InputError:
        raise
    except Exception as error:  # its parser raises many kinds
        raise InputError(f"{name} is damaged or cut off ({error}); save it again.") from None


def _melody(root: Element) -> Melody:
    part = root.find("part")
    if part is None or part.find("measure") is None:
        raise UnusableError("it has no bars")
    if len(root.findall("part")) > 1:
        raise UnusableError("it has more than one part")
    reader = _Reader()
    for measure in part.findall("measure"):
        reader.read(measure)
    if reader.meter is None:
        raise UnusableError("it says no metre")
    if reader.key is None:
        raise UnusableError("it says no key")
    notes, pickup = barred(reader.stretches, reader.meter)
    tempo = float(reader.quarters) * TICKS / reader.meter.beat if reader.quarters else TEMPO
    return Melody(notes, reader.key, reader.meter, tempo if 20 <= tempo <= 400 else TEMPO, pickup)


class _Reader:
    """Reads the bars of a part. quarters: a minute, of the first tempo; 0 where there is none."""

    def __init__(self) -> None:
        self.meter: Meter | None = None
        self.key: Key | None = None
        self.quarters = 0.0
        self.stretches: list[Stretch] = []
        self._divisions = 1
        self._voice = ""
        self._count = 0
        self._part_ended = False

    def read(self, measure: Element) -> None:
        stretch = Stretch("part" if self._part_ended else "bar")
        self.stretches.append(stretch)
        self._part_ended = False
        for element in measure:
            if element.tag == "attributes":
                self._attributes(element)
            elif element.tag == "note":
                self._note(element, stretch)
            elif element.tag == "barline":
                self._barline(element, stretch)
            elif element.tag in ("sound", "direction") and not self.quarters:
                sound = element if element.tag == "sound" else element.find("sound")
                self.quarters = 0.0 if sound is None else _number(sound.get("tempo", "0"))

    def _attributes(self, element: Element) -> None:
        if element.find("divisions") is not None:
            self._divisions = int(_number(element.findtext("divisions", "1"))) or 1
        if (time := element.find("time")) is not None:
            meter = meter_of(f"{time.findtext('beats', '')}/{time.findtext('beat-type', '')}")
            if self.meter not in (None, meter):
                raise UnusableError(f"its metre changes to {meter.name}")
            self.meter = meter
        if (written := element.find("key")) is not None:
            key = _key(written)
            if self.key not in (None, key):
                raise UnusableError(f"its key changes to {key.name}")
            self.key = key

    def _barline(self, element: Element, stretch: Stretch) -> None:
        """Notes an ending, and where a part begins or ends."""
        ending = element.find("ending")
        if ending is not None and ending.get("type") == "start":
            stretch.ending = frozenset(int(each) for each in re.findall(r"\d{1,3}", ending.get("number", "")))
        if element.find("repeat") is None and element.findtext("bar-style", "") not in ("light-light", "light-heavy"):
            return
        if element.get("location", "right") == "left":
            stretch.border = "part"
        else:
            self._part_ended = True

    def _note(self, element: Element, stretch: Stretch) -> None:
        if element.find("grace") is not None or element.find("cue") is not None:
            return
        voice = element.findtext("voice", "1")
        self._voice = self._voice or voice
        if voice != self._voice:
            raise UnusableError("it has more than one voice")
        pitch = _pitch(element)
        tied = any(tie.get("type") == "start" for tie in element.findall("tie"))
        if element.find("chord") is not None and stretch.notes:
            before = stretch.notes[-1]
            if pitch is not None and (before.pitch is None or pitch > before.pitch):
                before.pitch, before.tied = pitch, tied
            return
        self._count += 1
        if self._count > MAX_NOTES:
            raise UnusableError(f"it has more than {MAX_NOTES:,} notes")
        length = Fraction(int(_number(element.findtext("duration", "0"))), self._divisions)
        if length <= 0:
            raise UnusableError("a note has no length")
        stretch.notes.append(Written(pitch, length, tied))


def _pitch(element: Element) -> int | None:
    written = element.find("pitch")
    if written is None:
        return None
    step, octave = written.findtext("step", ""), _number(written.findtext("octave", "x"))
    shift = _number(written.findtext("alter", "0"))
    pitch = 12 * (int(octave) + 1) + LETTERS.get(step, -1000) + int(shift)
    if shift != int(shift) or not 0 <= pitch <= 127:
        raise UnusableError(f"the note {step}{octave:g} is none of a keyboard's")
    return pitch


def _key(element: Element) -> Key:
    name = element.findtext("mode", "").strip().lower()
    if name not in _MODES:
        raise UnusableError(f"its mode is {name[:20]}; expected one of {', '.join(SCALES)}")
    mode = _MODES[name]
    return Key(7 * (int(_number(element.findtext("fifths", "0"))) - FIFTHS[mode]) % 12, mode)


def _number(written: str) -> float:
    try:
        number = float(written)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e6:
        raise UnusableError(f"{written[:20]!r} is no number")
    return number
