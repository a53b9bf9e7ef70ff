"""A piano roll that plays: tunes as a picture in the page, with a playhead that follows their sound.

    roll = player("melody-roll")
    {roll: playing([tune(melody, parts, "Seed 7")], chosen=0, sound=path_of_wav)}

What it is drawn from is JSON; `piano_roll_drawing.js` draws it, and `piano_roll.js` plays it through Web Audio: nothing
is loaded but the WAV that the server made. A `select` event carries the `index` of a tune that a visitor picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from studio.music.melody import Melody, in_seconds
from studio.music.theory import SCALES, Key

if TYPE_CHECKING:
    from studio.music.parts import Part

STYLESHEET = Path(__file__).with_suffix(".css")
OUTSIDE: Final = -1
"""The degree of a note that is not in the scale."""

_SCRIPT = "\n".join(
    Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("piano_roll_drawing.js", "piano_roll.js")
)
_ROOM = 2  # semitones above the highest note and below the lowest
_SKELETON = """
<div class="player" hidden>
  <div class="choice" role="group" aria-label="Tunes to choose from"></div>
  <p class="about"></p>
  <div class="transport" role="group" aria-label="Playing">
    <button type="button" data-do="play" aria-keyshortcuts="Space">Play</button>
    <button type="button" data-do="stop">Stop</button>
    <button type="button" data-do="loop" aria-keyshortcuts="L" aria-pressed="false">Loop</button>
    <span class="clock" aria-hidden="true"></span>
    <span class="hint">Space plays and stops, L loops, ← → move by a beat, Home goes to the beginning.</span>
  </div>
  <div class="roll" tabindex="0" role="slider" aria-label="Piano roll: place in the tune" aria-valuemin="0"></div>
  <p class="silence" role="status"></p>
</div>
"""


def player(name: str) -> gr.HTML:
    """A piano roll with nothing on it yet."""
    return gr.HTML(
        {},
        html_template=_SKELETON,
        js_on_load=_SCRIPT,
        elem_id=name,
        elem_classes=["piano-roll"],
        apply_default_css=False,
    )


def playing(
    tunes: Sequence[dict[str, Any]],
    *,
    chosen: int = 0,
    sound: str | None = None,
    silence: str = "",
    waiting: bool = False,
    play: str = "",
) -> dict[str, Any]:
    """What a player shows. Its value is this.

    tunes: as `tune` gives them; chosen: the one that lies on the roll; sound: the file of its WAV, in Gradio's cache;
    silence: why there is none, in a line; waiting: it is still being made; play: when this changes, it plays.
    """
    return {
        "tunes": list(tunes),
        "chosen": chosen,
        "sound": None if sound is None else {"path": sound, "meta": {"_type": "gradio.FileData"}},
        "silence": silence,
        "waiting": waiting,
        "play": play,
    }


def tune(melody: Melody, parts: Sequence[Part] = (), called: str = "", *, loop: bool = False) -> dict[str, Any]:
    """A tune as the player draws it: times in ticks from the first full bar, notes with their degree and their name.

    loop: whether its end leads back to its beginning, so that it is played that way.
    """
    key, sounds = melody.key, [part for part in parts if not part.is_drum]
    under = [[note.start, note.ticks, note.pitch] for part in sounds for note in part.notes]
    hits = [(note.start, note.pitch) for part in parts if part.is_drum for note in part.notes]
    lines = sorted({pitch for _, pitch in hits})
    pitches = melody.pitches + [pitch for _, _, pitch in under]
    low, high = max(0, min(pitches, default=60) - _ROOM), min(127, max(pitches, default=72) + _ROOM)
    return {
        "called": called,
        "about": f"{key.name} · {melody.meter.name} · {_bars(melody)} · {melody.tempo:.4g} beats a minute",
        "bar": melody.meter.bar,
        "beat": melody.meter.beat,
        "bars": max(1, melody.bars),
        "pickup": melody.pickup,
        "loop": loop,
        "ticks": melody.ticks,
        "second": 1 / in_seconds(1, melody.meter, melody.tempo),
        "low": low,
        "high": high,
        "tonics": [[pitch, name_of(key, pitch)] for pitch in range(low, high + 1) if pitch % 12 == key.tonic],
        "outside": [pitch for pitch in range(low, high + 1) if pitch % 12 not in key.pitch_classes],
        "notes": [
            [start, note.ticks, note.pitch, degree(key, note.pitch), key.spell(note.pitch)]
            for start, note in melody.timed()
            if note.pitch is not None
        ],
        "under": under,
        "drums": [[start, lines.index(pitch)] for start, pitch in hits],
    }


def degree(key: Key, pitch: int) -> int:
    """The place of a pitch in the scale, 0 for the tonic to 6; OUTSIDE for any other."""
    steps = SCALES[key.mode]
    step = (pitch - key.tonic) % 12
    return steps.index(step) if step in steps else OUTSIDE


def name_of(key: Key, pitch: int) -> str:
    """A pitch with its octave: "F#4"; the octave is that of its letter."""
    name = key.spell(pitch)
    shift = {"#": 1, "b": -1}.get(name[1:], 0)
    return f"{name}{(pitch - shift) // 12 - 1}"


def _bars(melody: Melody) -> str:
    return f"{melody.bars} bar{'' if melody.bars == 1 else 's'}"
