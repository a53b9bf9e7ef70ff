"""A grid that notes are clicked into: rows are the notes of a scale, columns are eighths; what lies there is a melody.

    notes = grid("melody-grid")
    {notes: fresh(Key.named("D"), Meter.named("6/8"))}     # an empty one in that key and metre
    melody_of(value, key, meter, tempo)                    # what was clicked, or None

Its value is JSON, kept and changed in the browser by `note_grid.js`. Notes are kept by their place in the scale, so
that they follow when another key is chosen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import gradio as gr

from studio.errors import InputError
from studio.music.melody import Melody, Note, joined
from studio.music.theory import SCALES, TICKS, Key, Meter
from studio.ui.piano_roll import name_of

CELL: Final = TICKS // 2
"""Ticks of a column: an eighth."""
LOWEST, HIGHEST = -3, 8
"""The rows, as steps of the scale above the tonic that lies from C4 to B4."""
BARS, MOST_BARS = 2, 8
_STEPS = 7

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_SKELETON = """
<div class="grid">
  <div class="cells" role="grid" aria-label="Notes to begin with"></div>
  <div class="tools" role="group" aria-label="The grid">
    <button type="button" data-do="fewer">One bar less</button>
    <button type="button" data-do="more">One bar more</button>
    <button type="button" data-do="clear">Clear</button>
  </div>
  <p class="hint">Click to put a note or take it away; drag to make it longer. By keyboard: arrows move, Enter puts a
  note or takes it away, Shift with ← → makes it shorter or longer.</p>
</div>
"""


def grid(name: str, key: Key, meter: Meter) -> gr.HTML:
    """An empty grid."""
    return gr.HTML(
        fresh(key, meter),
        html_template=_SKELETON,
        js_on_load=_SCRIPT,
        elem_id=name,
        apply_default_css=False,
    )


def fresh(key: Key, meter: Meter, before: Any = None) -> dict[str, Any]:
    """The value of a grid in a key and a metre, with those notes of `before` that still have a place."""
    kept = before if isinstance(before, dict) else {}
    bars, notes = kept.get("bars"), kept.get("notes")
    if type(bars) is not int or not 1 <= bars <= MOST_BARS:
        bars = BARS
    cells = meter.bar // CELL
    return {
        "key": key.name,
        "rows": [[degree, name_of(key, pitch_of(key, degree))] for degree in range(HIGHEST, LOWEST - 1, -1)],
        "cells": cells,
        "beat": meter.beat // CELL,
        "bars": bars,
        "most": MOST_BARS,
        "notes": [
            note
            for note in (notes if isinstance(notes, list) else [])
            if _is_note(note) and note[0] + note[1] <= cells * bars
        ],
    }


def pitch_of(key: Key, degree: int) -> int:
    """The pitch of a row, as MIDI counts it."""
    return 60 + key.tonic + 12 * (degree // _STEPS) + SCALES[key.mode][degree % _STEPS]


def melody_of(value: Any, key: Key, meter: Meter, tempo: float) -> Melody | None:
    """What lies on a grid, from its beginning to the end of its last note; None where it is empty.

    Raises InputError for what no grid holds: values may come from anyone.
    """
    notes = value.get("notes") if isinstance(value, dict) else None
    if not notes:
        return None
    most = meter.bar // CELL * MOST_BARS
    if not isinstance(notes, list) or len(notes) > most or not all(map(_is_note, notes)):
        raise InputError("The notes to begin with cannot be understood; clear the grid and click them again.")
    found: list[Note] = []
    at = 0
    for start, length, degree in sorted(notes):
        if start < at or start + length > most:
            raise InputError("The notes to begin with lie over one another or beyond the grid; clear it.")
        if start > at:
            found.append(Note(None, (start - at) * CELL))
        found.append(Note(pitch_of(key, degree), length * CELL))
        at = start + length
    return Melody(joined(found), key, meter, tempo)


def _is_note(note: Any) -> bool:
    """Whether it is [first column, columns, row]."""
    if not (isinstance(note, list) and len(note) == 3 and all(type(number) is int for number in note)):
        return False
    start, length, degree = note
    return bool(0 <= start < 10_000 and 1 <= length < 10_000 and LOWEST <= degree <= HIGHEST)
