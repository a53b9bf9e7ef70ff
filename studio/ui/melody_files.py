"""The files of a tune that a page offers: MIDI, sound, pictures and score, each with its recipe; kept in the cache."""

from __future__ import annotations

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


def written(result: MelodyResult, number: int, component: Component) -> tuple[dict[str, str], str]:
    """(the file of each form, why there is no sound). A form that cannot be made is left out."""
    tune, silence = result.alone(number), ""
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
