"""Bars played in time, into something that listens."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from studio.errors import OutputError
from studio.media import ports
from studio.media.performance import perform
from studio.music.melody import Note
from studio.music.theory import Meter


@dataclass
class Ear:
    """A clock that runs only while it is slept, and a port that hears when what is played."""

    time: float = 100.0
    heard: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def send_message(self, message: Sequence[int]) -> None:
        self.heard.append((round(self.time - 100, 4), tuple(message)))

    def close_port(self) -> None:
        pass


@dataclass
class Bar:
    notes: tuple[Note, ...]
    tied: bool = False


def played(ear: Ear, bars: Iterator[Bar] | list[Bar]) -> int:
    return perform(bars, ear, Meter(2, 4), 60, program=40, now=ear.now, sleep=ear.sleep)


def test_notes_begin_and_end_in_time() -> None:
    ear = Ear()
    assert (
        played(ear, [Bar((Note(60, 24), Note(None, 12), Note(62, 12))), Bar((Note(None, 24), Note(64, 24)), True)]) == 2
    )
    assert ear.heard == [
        (0.0, (0xC0, 40)), (0.0, (0x90, 60, 100)),
        (1.0, (0x80, 60, 0)),
        (1.5, (0x90, 62, 84)),  # held over the bar line
        (3.0, (0x80, 62, 0)), (3.0, (0x90, 64, 84)),
        (4.0, (0x80, 64, 0)), (4.0, (0xB0, 123, 0)),
    ]  # fmt: skip


def test_nothing_is_left_sounding_when_it_is_stopped() -> None:
    def bars() -> Iterator[Bar]:
        yield Bar((Note(60, 48),))
        raise KeyboardInterrupt

    ear = Ear()
    with pytest.raises(KeyboardInterrupt):
        played(ear, bars())
    assert [message for _, message in ear.heard][-2:] == [(0x80, 60, 0), (0xB0, 123, 0)]


def test_a_late_bar_keeps_its_length() -> None:
    ear = Ear()

    def bars() -> Iterator[Bar]:
        yield Bar((Note(60, 48),))
        ear.time += 5
        yield Bar((Note(62, 48),))

    played(ear, bars())
    assert ear.heard[-4:] == [(5.0, (0x80, 60, 0)), (5.0, (0x90, 62, 100)), (7.0, (0x80, 62, 0)), (7.0, (0xB0, 123, 0))]


def test_bars_are_made_while_the_last_note_sounds() -> None:
    ear = Ear()

    def bars() -> Iterator[Bar]:
        for pitch in (60, 62, 64):
            yield Bar((Note(pitch, 24), Note(pitch, 24)))
            ear.time += 0.5  # what making the next one takes

    played(ear, bars())
    begun = [time for time, message in ear.heard if message[0] == 0x90]
    assert begun == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_without_rtmidi_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(OutputError, match=r"python-rtmidi is not installed: pip install 'creative-studio\[live\]'"):
        ports.open_port()


@pytest.mark.skipif(importlib.util.find_spec("rtmidi") is None, reason="needs python-rtmidi")
def test_a_port_that_is_not_there() -> None:
    with pytest.raises(OutputError, match="no MIDI"):
        ports.open_port("a port of no name")
