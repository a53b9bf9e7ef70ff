"""Melodies for tests: any at all, and one that a person would know."""

from __future__ import annotations

from hypothesis import strategies as st

from studio.music.melody import Melody, Note
from studio.music.theory import METERS, MODES, Key, Meter

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(MODES))
meters = st.sampled_from(METERS).map(Meter.named)


@st.composite
def melodies(draw: st.DrawFn, *, bars: int = 6, lowest: int = 48, highest: int = 96) -> Melody:
    """Any key, metre and rhythm, with and without pickup, rests and a full last bar."""
    meter = draw(meters)
    pickup = draw(st.sampled_from([0, 6, 12, 24, 60]))
    total = pickup + draw(st.integers(1, bars)) * meter.bar - draw(st.sampled_from([0, 0, 12]))
    pitches = st.integers(lowest, highest) | st.none()
    notes: list[Note] = []
    while (left := total - sum(note.ticks for note in notes)) > 0:
        notes.append(Note(draw(pitches), min(left, draw(st.sampled_from([3, 4, 6, 8, 12, 18, 24, 36, 48, 96])))))
    return Melody(tuple(notes), draw(keys), meter, 120.0, pickup)


def jig() -> Melody:
    """Eight bars in G, 6/8, with a pickup, after the manner of a jig."""
    bars = [
        "7 4 7 9 7 4",
        "0 4 7 12 7 4",
        "5 9 12 9 5 9",
        "2 5 9 11 9 7",
        "7 4 7 9 7 4",
        "0 4 7 12 7 4",
        "5 2 5 2 -1 2",
    ]
    pitches = [67 + int(step) for bar in bars for step in bar.split()]
    notes = [Note(74, 12), *(Note(pitch, 12) for pitch in pitches), Note(67, 36), Note(67, 24)]
    return Melody(tuple(notes), Key(7), Meter(6, 8), 110.0, 12)
