"""Drums for each metre, in the manner of a bodhrán and brushes: a low stroke, a dry one and a shaker."""

from __future__ import annotations

from collections.abc import Mapping

from studio.music.parts import Part, PartNote, Touch
from studio.music.theory import Meter, MeterName

LOW, DRY, SHAKER = 36, 37, 82
"""Bass drum 1, side stick and shaker of General MIDI's percussion map."""

_REEL = {LOW: (0, 48), DRY: (24, 72), SHAKER: tuple(range(0, 96, 12))}
_PATTERNS: Mapping[MeterName, Mapping[int, tuple[int, ...]]] = {
    "2/4": {LOW: (0, 24), DRY: (12, 36), SHAKER: tuple(range(0, 48, 6))},
    "3/4": {LOW: (0,), DRY: (24, 48), SHAKER: tuple(range(0, 72, 12))},
    "4/4": _REEL,
    "2/2": _REEL,
    "6/8": {LOW: (0, 36), DRY: (24, 60), SHAKER: tuple(range(0, 72, 12))},
    "9/8": {LOW: (0, 36, 72), DRY: (24, 60, 96), SHAKER: tuple(range(0, 108, 12))},
}
_USUAL = {LOW: 58, DRY: 42, SHAKER: 34}
_LENGTH = 6
_FILL_EVERY, _FILL = 4, 24
"""Every fourth bar its last quarter is played closer: sixteenths of the dry stroke, each left out now and then."""


def drum_part(meter: Meter, ringing: int, end: int, seed: int) -> Part:
    """Drums from the first full bar to the tick at which the last chord begins to ring, and a low stroke on that."""
    touch = Touch(meter, seed, "drums")
    strokes = {
        (bar + at, drum)
        for bar in range(0, ringing, meter.bar)
        for drum, places in _PATTERNS[_named(meter)].items()
        for at in places
    }
    for bar in range((_FILL_EVERY - 1) * meter.bar, ringing, _FILL_EVERY * meter.bar):
        close = range(bar + meter.bar - _FILL, bar + meter.bar, _LENGTH)
        strokes |= {(at, DRY) for at in close if touch.chance(0.7)}
    kept = sorted({stroke for stroke in strokes if stroke[0] < ringing} | {(ringing, LOW)})
    notes = [PartNote(at, min(_LENGTH, end - at), drum, touch.velocity(at, _USUAL[drum])) for at, drum in kept]
    return Part("Drums", 0, True, tuple(notes))


def _named(meter: Meter) -> MeterName:
    return next(name for name in _PATTERNS if name == meter.name)
