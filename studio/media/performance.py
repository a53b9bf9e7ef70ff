"""Bars played as they come, in time, into a MIDI port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from studio.media.ports import ALL_NOTES_OFF, CONTROL, NOTE_OFF, NOTE_ON, PROGRAM, Port
from studio.music.melody import Note, in_seconds
from studio.music.theory import Meter

VELOCITY, ACCENT = 84, 100


class Played(Protocol):
    """A bar: its notes; the first is held over from the bar before where it is `tied`."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """From the beginning of the bar to its end, without gaps."""

    @property
    def tied(self) -> bool:
        """Whether the last note of the bar before goes on for as long as the first of these."""


def perform(
    bars: Iterable[Played],
    port: Port,
    meter: Meter,
    tempo: float,
    *,
    program: int = 73,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Play until the bars end or something is raised, as by Ctrl-C; no note is left sounding. Returns the bars played.

    tempo: felt beats a minute. Each bar is asked for while the last note of the one before sounds; where one comes late
    all the same, those after it keep their distance.
    """
    port.send_message([PROGRAM, program])
    sounding, played, due = None, 0, now()
    try:
        coming = iter(bars)
        bar = next(coming, None)
        while bar is not None:
            due, following = max(due, now()), None
            for place, note in enumerate(bar.notes, 1):
                if not (place == 1 and bar.tied):
                    sounding = _turn(port, sounding, note.pitch, VELOCITY if place > 1 else ACCENT)
                due += in_seconds(note.ticks, meter, tempo)
                if place == len(bar.notes):
                    following = next(coming, None)
                sleep(max(0.0, due - now()))
            played, bar = played + 1, following
    finally:
        _turn(port, sounding, None, 0)
        port.send_message([CONTROL, ALL_NOTES_OFF, 0])
    return played


def _turn(port: Port, before: int | None, pitch: int | None, velocity: int) -> int | None:
    """End one note and begin another."""
    if before is not None:
        port.send_message([NOTE_OFF, before, 0])
    if pitch is not None:
        port.send_message([NOTE_ON, pitch, velocity])
    return pitch
