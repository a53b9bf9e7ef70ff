"""Make the gallery of melodies again: four tunes as pictures, MIDI and sound, and a page that shows them.

    python samples/make_melodies.py

The seeds follow one another, and none is chosen. The picture of the first is the README's.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from studio.media.audio import RATE
from studio.pipelines.melody import MelodyPipeline
from studio.pipelines.melody_result import MelodyResult

SHIPPED = "melody-folk"
FOLDER = Path(__file__).parent / "melodies"
TUNES: tuple[Mapping[str, Any], ...] = (
    {"seed": 1, "key": "D", "mode": "major", "meter": "6/8", "accompaniment": "bass"},
    {"seed": 2, "key": "G", "mode": "major", "meter": "2/2"},
    {"seed": 3, "key": "E", "mode": "dorian", "meter": "4/4", "accompaniment": "arpeggio"},
    {"seed": 4, "key": "A", "mode": "minor", "meter": "3/4", "accompaniment": "chords"},
)
HERO = "hero.png"
SOUND_RATE, BITS = 24_000, 64_000  # samples and bits a second: mono
LARGEST = 300_000  # bytes of a sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=SHIPPED, help="a shipped model or a folder")
    options = parser.parse_args()
    pipe = MelodyPipeline.from_pretrained(options.model, device="cpu")
    FOLDER.mkdir(exist_ok=True)
    sections = []
    for tune in TUNES:
        result = pipe(**tune)
        name = "-".join(str(tune[part]) for part in ("key", "mode", "meter")).replace("/", "-").lower()
        for suffix in (".png", ".mid"):
            result.save(FOLDER / f"{name}{suffix}")
        if tune is TUNES[0]:
            result.save(FOLDER / HERO)
        sound = mp3(result)
        assert len(sound) <= LARGEST, f"{name}.mp3 takes {len(sound):,} bytes"
        (FOLDER / f"{name}.mp3").write_bytes(sound)
        sections.append(section(name, tune, options.model, result))
        print(f"{FOLDER / name}.png, .mid, .mp3 ({len(sound):,} bytes)")
    (FOLDER / "README.md").write_text(page(options.model, sections), encoding="utf-8")


def section(name: str, tune: Mapping[str, Any], model: str, result: MelodyResult) -> str:
    """One tune of the page."""
    melody, near = result.melodies[0], result.nearest[0]
    under = f", {tune['accompaniment']} under it" if "accompaniment" in tune else ""
    typed = " ".join(f"--{option} {value}" for option, value in tune.items())
    other = "" if model == SHIPPED else f" --model {Path(model).name}"
    return (
        f"## {melody.key.name}, {melody.meter.name}{under}\n\n"
        f"![Piano roll of a tune in {melody.key.name}]({name}.png)\n\n"
        f"[Sound]({name}.mp3) · [MIDI]({name}.mid)\n\n"
        f"    studio melody -o tune.mid {typed}{other}\n\n"
        f"{melody.bars} bars, {len(melody.pitches)} notes. Of the tunes learnt from, “{near.name}” shares the longest "
        f"run of intervals with it: {near.longest} notes.\n"
    )


def page(model: str, sections: list[str]) -> str:
    """The page."""
    other = "" if model == SHIPPED else f" --model {Path(model).name}"
    begun = (
        "# Melodies\n\n"
        "Four tunes at default settings, of the seeds 1 to 4; none is chosen. The pictures and the MIDI hold the\n"
        "recipe: `studio recipe FILE` shows it, `studio remake FILE -o tune.mid` makes the tune again.\n\n"
        f"Made by `python samples/make_melodies.py{other}`.\n"
    )
    return "\n".join([begun, *sections])


def mp3(result: MelodyResult) -> bytes:
    """The sound of a tune, small enough for a page."""
    mono = result.sound().astype(np.int32).mean(1).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SOUND_RATE)
        stream.layout, stream.bit_rate = "mono", BITS
        frame = av.AudioFrame.from_ndarray(mono[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        smaller = av.AudioResampler(format=stream.format, layout="mono", rate=SOUND_RATE)
        for part in [*smaller.resample(frame), *smaller.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


if __name__ == "__main__":
    main()
