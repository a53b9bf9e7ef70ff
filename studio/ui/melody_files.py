"""The files of a tune that a page offers: MIDI, sound, pictures and score, each with its recipe; kept in the cache."""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gradio.components import Component

from studio.errors import InputError, OutputError
from studio.ui.shell import handed_over

if TYPE_CHECKING:
    from studio.music.melody import Melody
    from studio.pipelines.melody_result import MelodyResult

FORMS: Mapping[str, str] = {".mid": "MIDI", ".wav": "WAV", ".png": "PNG", ".svg": "SVG", ".abc": "ABC"}
"""What a tune can be kept as, and what the buttons are called."""


def alone(result: MelodyResult, number: int) -> MelodyResult:
    """One of several tunes, as the result of a call for it alone."""
    recipe = result.recipes[number]
    return dataclasses.replace(
        result,
        melodies=[result.melodies[number]],
        parts=[result.parts[number]],
        seeds=(result.seeds[number],),
        nearest=(result.nearest[number],),
        recipe=recipe,
        recipes=(recipe,),
        finished=True,
    )


def written(result: MelodyResult, number: int, component: Component) -> tuple[dict[str, str], str]:
    """(the file of each form, why there is no sound). A form that cannot be made is left out."""
    tune, silence = alone(result, number), ""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FORMS:
            path = Path(folder) / f"melody-{tune.seeds[0]}{suffix}"
            try:
                found[suffix] = handed_over(tune.save(path), component)
            except (InputError, OutputError) as error:
                if suffix != ".wav":
                    raise
                silence = str(error)
    return found, silence


def heard(melody: Melody, instrument: int, component: Component) -> tuple[str | None, str]:
    """(the WAV of a melody alone, why there is none)."""
    from studio.media import audio, midi

    music = midi.midi_bytes(midi.to_midi(melody, program=instrument))
    try:
        samples = audio.render(music, start=midi.lead_in(melody))
    except (InputError, OutputError) as error:
        return None, str(error)
    with tempfile.TemporaryDirectory() as folder:
        return handed_over(audio.write_wav(Path(folder) / "primer.wav", samples), component), ""


def nonce() -> str:
    """A word that comes once."""
    return secrets.token_hex(4)
