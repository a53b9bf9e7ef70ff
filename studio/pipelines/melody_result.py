"""What a call for melodies gives back: tunes, what plays under them, and every form they can be written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pretty_midi

from studio.errors import OutputError
from studio.media import audio, files, images, midi, roll
from studio.media.abc_writer import write_abc
from studio.music.accompaniment import Part
from studio.music.melody import Melody, in_seconds
from studio.music.originality import Nearest
from studio.recipe import Recipe

PICTURES, SCORES = (".png", ".svg"), (".abc",)
SUFFIXES = (*midi.SUFFIXES, *audio.SUFFIXES, *PICTURES, *SCORES)
SHORTEST_NUMBER = 4


@dataclass(frozen=True)
class MelodyResult:
    """Tunes, in the order of their seeds.

    parts: what accompanies each; nearest: of each, the tune learnt from that it shares most with; recipes: what makes
    each alone; recipe: what made all; finished: False if it was stopped before its end.
    """

    melodies: list[Melody]
    parts: list[tuple[Part, ...]]
    instrument: int
    loop: bool
    seeds: tuple[int, ...]
    nearest: tuple[Nearest, ...]
    recipe: Recipe
    recipes: tuple[Recipe, ...]
    finished: bool = True

    @property
    def midis(self) -> list[pretty_midi.PrettyMIDI]:
        """Each tune with what accompanies it."""
        return [self._midi(number) for number in range(len(self.melodies))]

    def save(self, path: str | Path, *, soundfont: str | Path | None = None) -> Path:
        """Write one tune into a file, or any number into a folder as NAME-0000.mid and so on.

        The suffix says as what: .mid music, .wav sound, .png or .svg the piano roll, .abc the score. Each file holds
        its recipe. soundfont: an .sf2 file that .wav is played with. Raises OutputError, InputError for a soundfont.
        """
        target = Path(path)
        if len(self.melodies) == 1 and target.suffix.lower() in SUFFIXES:
            return self._write(0, target, soundfont)
        self.save_all(target, ".mid")
        return target

    def save_all(self, folder: str | Path, suffix: str, *, soundfont: str | Path | None = None) -> list[Path]:
        """Write every tune into a folder, in one form. Raises OutputError."""
        target = files.make_folder(folder)
        width = max(SHORTEST_NUMBER, len(str(len(self.melodies) - 1)))
        return [
            self._write(number, target / f"{target.name}-{number:0{width}d}{suffix}", soundfont)
            for number in range(len(self.melodies))
        ]

    def sound(self, number: int = 0, *, soundfont: str | Path | None = None) -> audio.Samples:
        """One tune as it sounds: (N, 2) int16 at `studio.media.audio.RATE`; one that loops repeats without a seam."""
        melody = self.melodies[number]
        music = midi.midi_bytes(self._midi(number))
        lead = midi.lead_in(melody)
        loop = in_seconds(melody.ticks, melody.meter, melody.tempo) if self.loop else None
        return audio.render(music, soundfont=soundfont, start=lead, loop=loop)

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        return {
            "count": len(self.melodies),
            "bars": [melody.bars for melody in self.melodies],
            "notes": [len(melody.pitches) for melody in self.melodies],
            "seeds": list(self.seeds),
            "nearest": [{"tune": near.name, "notes": near.longest} for near in self.nearest],
            "finished": self.finished,
        }

    @property
    def in_words(self) -> str:
        """The same for people: "16 bars in D major, 6/8"."""
        first = self.melodies[0]
        one = f"{first.bars} bars in {first.key.name}, {first.meter.name}"
        return one if len(self.melodies) == 1 else f"{len(self.melodies):,} tunes of {one}"

    def _midi(self, number: int) -> pretty_midi.PrettyMIDI:
        return midi.to_midi(self.melodies[number], self.parts[number], program=self.instrument)

    def _write(self, number: int, target: Path, soundfont: str | Path | None) -> Path:
        recipe, suffix = self.recipes[number].to_json(), target.suffix.lower()
        melody, parts = self.melodies[number], self.parts[number]
        if suffix in midi.SUFFIXES:
            midi.write_midi(self._midi(number), target, recipe)
        elif suffix in audio.SUFFIXES:
            audio.write_wav(target, self.sound(number, soundfont=soundfont), recipe)
        elif suffix == ".png":
            images.write_picture(roll.draw(melody, parts), target, recipe)
        elif suffix == ".svg":
            roll.write_svg(target, melody, parts, recipe)
        elif suffix in SCORES:
            write_abc(target, melody, self.title(number), recipe)
        else:
            raise OutputError(f"Cannot write {target}: expected a name that ends in {', '.join(SUFFIXES)}.")
        return target

    def title(self, number: int) -> str:
        """What a score is called: "Tune 7 in D major"."""
        return f"Tune {self.seeds[number]} in {self.melodies[number].key.name}"


def beside(target: Path, suffixes: Sequence[str]) -> list[Path]:
    """Names of other forms of the same tune: tune.mid → tune.wav, tune.png."""
    return [target.with_suffix(suffix) for suffix in suffixes]
