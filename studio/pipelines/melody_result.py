"""What a call for melodies gives back: tunes, what plays under them, and every form they can be written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pretty_midi

from studio.errors import OutputError
from studio.media import audio, files, images, midi, roll
from studio.media.abc_writer import write_tune
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

    def save(self, path: str | Path, *, forms: Sequence[str] = (), soundfont: str | Path | None = None) -> Path:
        """Write one tune into a file, or any number into a folder as NAME-0000.mid and so on.

        The suffix says as what: .mid music, .wav sound, .png or .svg the piano roll, .abc the score. Each file holds
        its recipe. forms: suffixes of what is written beside it; soundfont: an .sf2 file that .wav is played with.
        Raises OutputError, and InputError for a soundfont or music that is too long for sound, before it writes.
        """
        places = targets(path, len(self.melodies), forms)
        for melody, together in zip(self.melodies, places, strict=True):
            if any(map(_is_sound, together)):
                audio.check_seconds(melody.seconds)
        for number, together in enumerate(places):
            for place in sorted(together, key=_is_sound, reverse=True):  # sound first: it alone can fail
                content = self._content(number, place.suffix.lower(), soundfont)
                if place != Path(path):
                    files.make_folder(place.parent)
                files.write_bytes(place, content)
        return Path(path)

    def alone(self, number: int) -> MelodyResult:
        """One of several tunes, as the result of a call for it alone."""
        recipe = self.recipes[number]
        return replace(
            self,
            melodies=[self.melodies[number]],
            parts=[self.parts[number]],
            seeds=(self.seeds[number],),
            nearest=(self.nearest[number],),
            recipe=recipe,
            recipes=(recipe,),
            finished=True,
        )

    def sound(self, number: int = 0, *, soundfont: str | Path | None = None) -> audio.Samples:
        """One tune as it sounds: (N, 2) int16 at `studio.media.audio.RATE`; one that loops repeats without a seam."""
        melody = self.melodies[number]
        audio.check_seconds(melody.seconds)
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
        one = f"{first.bars} bar{'s' if first.bars != 1 else ''} in {first.key.name}, {first.meter.name}"
        return one if len(self.melodies) == 1 else f"{len(self.melodies):,} tunes of {one}"

    def _midi(self, number: int) -> pretty_midi.PrettyMIDI:
        return midi.to_midi(self.melodies[number], self.parts[number], program=self.instrument)

    def _content(self, number: int, suffix: str, soundfont: str | Path | None) -> bytes:
        """One tune as the bytes of a file."""
        recipe = self.recipes[number].to_json()
        melody, parts = self.melodies[number], self.parts[number]
        if suffix in audio.SUFFIXES:
            return audio.wav_bytes(self.sound(number, soundfont=soundfont), recipe)
        if suffix == ".png":
            return images.encode_picture(roll.draw(melody, parts), suffix, recipe)
        if suffix == ".svg":
            return roll.svg(melody, parts, recipe=recipe).encode()
        if suffix in SCORES:
            return write_tune(melody, self.title(number), recipe).encode()
        return midi.midi_bytes(self._midi(number), recipe)

    def title(self, number: int) -> str:
        """What a score is called: "Tune 7 in D major"."""
        return f"Tune {self.seeds[number]} in {self.melodies[number].key.name}"


def targets(path: str | Path, count: int, forms: Sequence[str] = ()) -> list[tuple[Path, ...]]:
    """The files of each of `count` tunes: `path` itself or path/path-0000.mid …, each with those of `forms` beside it.

    Nothing is made. Raises OutputError where a file cannot be written, or where several tunes would go to one file.
    """
    target = Path(path)
    if target.suffix.lower() in SUFFIXES and not target.is_dir():
        if count > 1:
            raise OutputError(f"Cannot write {count:,} tunes into {target}; give the name of a folder.")
        return [_with_forms(files.check_writable(target, SUFFIXES), forms)]
    if target.suffix and not target.is_dir():
        raise OutputError(f"Cannot write {target}: expected a name that ends in {', '.join(SUFFIXES)}, or a folder's.")
    name, width = target.resolve().name or "tune", max(SHORTEST_NUMBER, len(str(count - 1)))
    found = [_with_forms(target / f"{name}-{number:0{width}d}.mid", forms) for number in range(count)]
    if target.is_dir():
        files.check_writable(found[0][0], SUFFIXES)
    else:
        files.check_writable(target, [target.suffix.lower()])
        if target.exists():
            raise OutputError(f"Cannot write into {target}: it is a file; give the name of a folder.")
    return found


def _with_forms(path: Path, forms: Sequence[str]) -> tuple[Path, ...]:
    beside = [path.with_suffix(suffix) for suffix in forms]
    return tuple(dict.fromkeys([path, *beside]))


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in audio.SUFFIXES
