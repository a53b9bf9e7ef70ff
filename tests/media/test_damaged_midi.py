"""Damaged and hostile MIDI files: each gets one plain line, and neither memory nor time is spent on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.errors import InputError
from studio.media import images, midi
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter

ROOT = Path(__file__).parents[2]
ON, OFF = b"\x00\x90\x3c\x50", b"\x60\x80\x3c\x00"
END = b"\x00\xff\x2f\x00"
WHOLE = midi.midi_bytes(
    midi.to_midi(Melody(tuple(Note(60 + n % 12, 12) for n in range(16)), Key(0), Meter(4, 4), 90.0)), '{"a": 1}'
)


def header(kind: int = 1, tracks: int = 1, division: int = 96) -> bytes:
    return b"MThd\0\0\0\6" + b"".join(number.to_bytes(2, "big") for number in (kind, tracks, division))


def track(events: bytes) -> bytes:
    return b"MTrk" + len(events).to_bytes(4, "big") + events


def number(value: int) -> bytes:
    """A number of variable length."""
    found = [value & 127]
    while value := value >> 7:
        found.append(value & 127 | 128)
    return bytes(reversed(found))


def many(count: int) -> bytes:
    """A file of `count` short notes."""
    return header() + track(b"\x00\x90\x3c\x50" + b"\x01\x3c\x00\x01\x3c\x50" * (count // 2) + END)


def lasting(seconds: float, tempo: int = 0xFFFFFF) -> bytes:
    ticks = int(seconds * 1e6 / tempo * 96)
    return header() + track(b"\x00\xff\x51\x03" + tempo.to_bytes(3, "big") + ON + number(ticks) + b"\x80\x3c\x00" + END)


def picture() -> bytes:
    return images.encode_picture(Image.new("RGB", (16, 16)), ".jpg")


REFUSED = {
    "empty": (b"", "is empty; expected a MIDI file"),
    "garbage": (b"garbage" * 100, "is not a MIDI file; expected one as notation programs"),
    "jpeg": (picture(), "is not a MIDI file"),
    "header": (b"MThd\0\0\0\6\0\1", "is damaged: its header is cut off; export it again"),
    "endless header": (b"MThd\xff\xff\xff\xff" + bytes(40), "its header is cut off"),
    "type 2": (header(2) + track(ON + OFF + END), "of type 2; expected type 0 or 1"),
    "division 0": (header(division=0) + track(ON + OFF + END), "says 0 ticks a quarter note"),
    "smpte": (header(division=0xE728) + track(ON + OFF + END), r"film frames \(SMPTE\)"),
    "no tracks": (header(tracks=0), "has 0 tracks; expected 1 to 64"),
    "many tracks": (header(tracks=65) + track(END) * 65, "has 65 tracks"),
    "missing track": (header(tracks=2) + track(ON + OFF + END), "is damaged: track 2 of 2 is missing"),
    "cut off": (header() + track(ON + OFF + END)[:-3], "track 1 of 1 is cut off"),
    "endless track": (header() + b"MTrk\xff\xff\xff\xff" + ON, "track 1 of 1 is cut off"),
    "endless event": (header() + track(ON + b"\x00\xf0\xff\xff\xff\x7f"), "an event in track 1 of 1 is broken"),
    "endless number": (header() + track(b"\xff\xff\xff\xff\x7f\x90\x3c\x50"), "an event in track 1 of 1 is broken"),
    "no status": (header() + track(b"\x00\x3c\x50"), "an event in track 1 of 1 is broken"),
    "no data": (header() + track(b"\x00\x90\x3c\x80"), "an event in track 1 of 1 is broken"),
    "unknown status": (header() + track(b"\x00\xf4" + ON), "an event in track 1 of 1 is broken"),
    "tempo 0": (header() + track(b"\x00\xff\x51\x03\0\0\0" + ON + OFF + END), "an event in track 1 of 1 is broken"),
    "a week": (lasting(7 * 86_400), "lasts 168 hours; expected at most 30 minutes"),
    "an hour": (lasting(3600), "lasts 60 minutes"),
    "many ticks": (lasting(60, tempo=1000), "ticks long; expected at most 4,000,000"),
    "many events": (many(300_000), "has more than 200,000 events"),
    "10^7 events": (many(10**7), "is larger than 1 MB"),
    "no notes": (header() + track(b"\x00\x90\x3c\x00" + END), "holds no notes; expected a tune"),
    "no events": (header() + track(b""), "holds no notes"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    for source in (path, str(path), content):
        with pytest.raises(InputError, match=words) as refused:
            midi.read_midi(source)
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 300
        assert str(refused.value).startswith("the MIDI file " if source is content else f"{path} ")


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        midi.read_midi(tmp_path / "none.mid")
    with pytest.raises(InputError, match="is a folder"):
        midi.read_midi(tmp_path)


LIMITED = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
from studio.errors import InputError
from studio.media import midi
began = time.process_time()
try:
    music = midi.read_midi(sys.argv[1])
    midi.melodies_in(music, "tune")
    midi.melody_of(music, "tune")
except InputError as error:
    print(error)
sys.exit(time.process_time() - began > 5)
"""

COSTLY = {
    "a week": lasting(7 * 86_400),
    "10^7 events": many(10**7),
    "many ticks": lasting(3.9, tempo=100),
    "as many events as may be": header() + track((ON + b"\x01\x80\x3c\x00") * 99_990 + END),
    "as many tempos as may be": header()
    + track(ON + b"".join(b"\x01\xff\x51\x03\x00\x01" + bytes([n % 255]) for n in range(140_000)) + OFF + END),
    "as many chords as may be": header()
    + track(
        b"".join(b"\x00\x90" + bytes([n % 128, 80]) for n in range(100_000))
        + b"".join(b"\x01\x80" + bytes([n % 128, 80]) for n in range(99_990))
        + END
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory")
@pytest.mark.parametrize("content", COSTLY.values(), ids=COSTLY)
def test_neither_memory_nor_time_is_spent_on_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    command = [sys.executable, "-c", LIMITED, str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


def read_or_refused(content: bytes) -> None:
    try:
        music = midi.read_midi(content)
        midi.melodies_in(music, "tune")
        assert midi.melody_of(music, "tune").pitches
    except InputError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused_in_one_line(body: bytes) -> None:
    read_or_refused(body)
    read_or_refused(header() + body)
    read_or_refused(header() + track(body))
    read_or_refused(header() + track(ON + body))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_any_change_of_a_file_is_read_or_refused_in_one_line(changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(WHOLE)
    for at, value in changes:
        content[at] = value
    read_or_refused(bytes(content[: len(content) - cut]))


def test_a_file_cut_off_anywhere_is_refused() -> None:
    for length in range(len(WHOLE)):
        with pytest.raises(InputError):
            midi.read_midi(WHOLE[:length])
    assert midi.read_midi(WHOLE + b"more").instruments


def test_what_is_against_the_format_and_does_no_harm_is_passed_over() -> None:
    odd = (
        b"\x00\xff\x58\x01\x04" + b"\x00\xff\x58\x04\x05\xff\x18\x08" + b"\x00\xff\x58\x04\x00\x02\x18\x08"  # metres
        b"\x00\xff\x59\x02\x09\x00" + b"\x00\xff\x59\x02\x00\x07" + b"\x00\xff\x59\x00"  # keys
        b"\x00\xff\x54\x01\x60" + b"\x00\xff\x7f\x02\x00\x00" + b"\x00\xff\x20\x00" + b"\x00\xff\x51\x00"
        b"\x00\xf0\x03\x01\x02\xf7" + b"\x00\xff\x01\x03\xff\xfe\x00"
    )
    alien = b"XFIH" + (4).to_bytes(4, "big") + b"\0\0\0\0"
    music = midi.read_midi(header() + alien + track(odd + ON + OFF))
    assert len(music.instruments[0].notes) == 1
    assert not music.key_signature_changes and not music.time_signature_changes


def test_tempos_metres_and_keys_count_in_any_track() -> None:
    said = b"\x00\xff\x51\x03\x0f\x42\x40" + b"\x00\xff\x58\x04\x06\x03\x24\x08" + b"\x00\xff\x59\x02\xfe\x01"
    music = midi.read_midi(header(tracks=2) + track(END) + track(said + ON + OFF + END))
    melody = midi.melody_of(music, "tune")
    assert (melody.meter, melody.tempo) == (Meter(6, 8), 40.0)
    assert music.key_signature_changes[0].key_number == 12 + 7  # two flats, minor


def test_a_long_file_of_very_fine_ticks_is_brought_to_coarser_ones() -> None:
    quarter = number(10_080)
    said = b"\x00\xff\x58\x04\x03\x02\x18\x08" + b"\x00\xff\x01\x02hi"
    notes = b"".join(b"\x00\x90" + bytes([60 + n % 12, 80]) + quarter + bytes([60 + n % 12, 0]) for n in range(600))
    music = midi.read_midi(header(division=10_080) + track(said + notes + END))
    assert music.resolution == 480 and [text.text for text in music.text_events] == ["hi"]
    melody = midi.melody_of(music, "tune")
    assert melody.notes == tuple(Note(60 + n % 12, 24) for n in range(600)) and melody.meter == Meter(3, 4)
