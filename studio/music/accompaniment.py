"""A simple accompaniment under a melody: chords found by `studio.music.harmony`, played in one of four textures.

    accompany(melody, texture="bass", drums=True, seed=3)

"chords" holds a chord of strings with a low root; "bass" is boom-chick, oom-pah-pah or the bass and chord of a jig, by
the metre, on double bass and guitar; "arpeggio" breaks the chords on a harp; "drone" holds tonic and fifth as pipes do.
Voices move as little as they can (`studio.music.voicing`), and nothing sounds as high as the melody does meanwhile.
Every part begins with the first full bar and ends with the melody; from the beat on which the last note begins, the
last chord rings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from studio.errors import InputError
from studio.music.drums import drum_part
from studio.music.harmony import Chord, chords_of
from studio.music.melody import Melody
from studio.music.parts import Part, PartNote, Touch
from studio.music.theory import METERS, MeterName
from studio.music.voicing import Ceiling, Voicing, bass_of, voiced

__all__ = ["TEXTURES", "Part", "PartNote", "Texture", "accompany"]

Texture = Literal["chords", "bass", "arpeggio", "drone"]
TEXTURES: tuple[Texture, ...] = get_args(Texture)

_STRINGS, _DOUBLE_BASS, _GUITAR, _HARP, _REEDS = 48, 32, 24, 46, 21
_SOFT, _FIRM = 50, 62

_Stroke = tuple[int, int, Literal["root", "fifth", "chord"]]
_TWO_BEATS: tuple[_Stroke, ...] = ((0, 22, "root"), (24, 16, "chord"), (48, 22, "fifth"), (72, 16, "chord"))
_STROKES: Mapping[MeterName, tuple[_Stroke, ...]] = {
    "2/4": ((0, 11, "root"), (12, 8, "chord"), (24, 11, "fifth"), (36, 8, "chord")),
    "3/4": ((0, 23, "root"), (24, 16, "chord"), (48, 16, "chord")),
    "4/4": _TWO_BEATS,
    "2/2": _TWO_BEATS,
    "6/8": ((0, 22, "root"), (24, 9, "chord"), (36, 22, "fifth"), (60, 9, "chord")),
    "9/8": ((0, 22, "root"), (24, 9, "chord"), (36, 22, "fifth"), (60, 9, "chord"), (72, 22, "root"), (96, 9, "chord")),
}
_BROKEN: Mapping[MeterName, tuple[int, tuple[int, ...]]] = {
    "2/4": (12, (0, 1, 2, 3)),
    "3/4": (12, (0, 1, 2, 3, 2, 1)),
    "4/4": (12, (0, 1, 2, 3, 2, 3, 2, 1)),
    "2/2": (24, (0, 1, 3, 2)),
    "6/8": (12, (0, 1, 2, 3, 2, 1)),
    "9/8": (12, (0, 1, 2, 3, 2, 1, 2, 3, 2)),
}
"""Ticks of a step and the order of the tones, 0 the bass."""
_DRONE_BARS = 4


def accompany(
    melody: Melody, *, texture: Texture | None = "chords", drums: bool = False, seed: int = 0
) -> tuple[Part, ...]:
    """The parts under a melody, those left out that would have no note; seed: of how hard each note is struck.

    texture: None for drums alone. Raises InputError for a texture or metre that is not among TEXTURES and METERS.
    """
    if texture is not None and texture not in TEXTURES:
        raise InputError(f"There is no texture {texture!r}; choose one of {', '.join(TEXTURES)}.")
    if melody.meter.name not in METERS:
        raise InputError(f"There is no accompaniment in {melody.meter.name}; the metres are {', '.join(METERS)}.")
    parts: list[Part] = []
    chords = chords_of(melody)
    if texture is not None and chords:
        parts += _Player(melody, chords, seed).play(texture)
    if drums and chords:
        parts.append(drum_part(melody.meter, _ringing_from(melody, chords[-1]), melody.ticks - melody.pickup, seed))
    return tuple(part for part in parts if part.notes)


class _Player:
    """A melody, its chords, the last of them cut where it begins to ring, and how they lie under it."""

    def __init__(self, melody: Melody, chords: tuple[Chord, ...], seed: int) -> None:
        self.melody, self.seed = melody, seed
        self.meter = next(name for name in METERS if name == melody.meter.name)
        self.ringing = _ringing_from(melody, chords[-1])
        self.end = melody.ticks - melody.pickup
        last = chords[-1]
        before = [replace(last, ticks=self.ringing - last.start)] if self.ringing > last.start else []
        ring = replace(last, start=self.ringing, ticks=self.end - self.ringing)
        self.chords = [*chords[:-1], *before, ring]
        self.ceiling = Ceiling(melody)
        self.voicings = voiced(self.chords, self.ceiling)

    def play(self, texture: Texture) -> list[Part]:
        textures = {"chords": self.held, "bass": self.boom_chick, "arpeggio": self.broken, "drone": self.drone}
        return textures[texture]()

    def held(self) -> list[Part]:
        touch = Touch(self.melody.meter, self.seed, "chords")
        notes = []
        for chord, voicing in zip(self.chords, self.voicings, strict=True):
            velocity = touch.velocity(chord.start, _SOFT)
            notes += [PartNote(chord.start, chord.ticks, pitch, velocity) for pitch in self.tones(chord, voicing)]
        return [Part("Chords", _STRINGS, False, tuple(notes))]

    def boom_chick(self) -> list[Part]:
        touch = Touch(self.melody.meter, self.seed, "bass")
        bass, guitar = list[PartNote](), list[PartNote]()
        for chord, voicing in zip(self.chords, self.voicings, strict=True):
            for start, ticks, what in self.strokes(chord):
                if what == "chord" or start == self.ringing:
                    velocity = touch.velocity(start, _SOFT)
                    guitar += [PartNote(start, ticks, pitch, velocity) for pitch in voicing]
                if what != "chord":
                    tone = chord.pitch_classes[2 if what == "fifth" and start > chord.start else 0]
                    pitch = bass_of(tone, self.below(chord, voicing))
                    bass += [PartNote(start, ticks, pitch, touch.velocity(start, _FIRM))] if pitch is not None else []
        return [Part("Bass", _DOUBLE_BASS, False, tuple(bass)), Part("Guitar", _GUITAR, False, tuple(guitar))]

    def strokes(self, chord: Chord) -> list[_Stroke]:
        """Those of the bars that fall on a chord, none lasting longer than it; the one that rings is a single one."""
        if chord.start == self.ringing:
            return [(chord.start, chord.ticks, "root")]
        end, bar = chord.start + chord.ticks, chord.start - chord.start % self.melody.meter.bar
        found = [(bar + at, ticks, what) for at, ticks, what in _STROKES[self.meter] if chord.start <= bar + at < end]
        return [(start, min(ticks, end - start), what) for start, ticks, what in found]

    def broken(self) -> list[Part]:
        touch = Touch(self.melody.meter, self.seed, "arpeggio")
        step, order = _BROKEN[self.meter]
        notes: list[PartNote] = []
        for chord, voicing in zip(self.chords, self.voicings, strict=True):
            tones, end = self.tones(chord, voicing), chord.start + chord.ticks
            if chord.start == self.ringing:
                roll = min(2, chord.ticks // 8)
                starts = [(chord.start + number * roll, pitch) for number, pitch in enumerate(tones)]
            else:
                starts = [
                    (at, tones[order[number % len(order)] % len(tones)])
                    for number, at in enumerate(range(chord.start, end, step))
                    if tones
                ]
            for number, (at, pitch) in enumerate(starts):
                again = next((later for later, other in starts[number + 1 :] if other == pitch), end)
                ticks = end - at if chord.start == self.ringing else min(3 * step, again - at, end - at)
                notes.append(PartNote(at, ticks, pitch, touch.velocity(at, _SOFT + 6)))
        return [Part("Harp", _HARP, False, tuple(notes))]

    def drone(self) -> list[Part]:
        touch = Touch(self.melody.meter, self.seed, "drone")
        highest = self.ceiling.over(0, self.end)
        tonic = bass_of(self.melody.key.tonic, highest + 1)
        pitches = [pitch for pitch in (tonic, tonic + 7) if pitch <= highest] if tonic is not None else []
        notes = [
            PartNote(start, min(_DRONE_BARS * self.melody.meter.bar, self.end - start), pitch, velocity)
            for start in range(self.chords[0].start, self.end, _DRONE_BARS * self.melody.meter.bar)
            for velocity in [touch.velocity(start, _SOFT - 10)]
            for pitch in pitches
        ]
        return [Part("Drone", _REEDS, False, tuple(notes))]

    def tones(self, chord: Chord, voicing: Voicing) -> Voicing:
        """A voicing with its root in the bass, where there is room for it."""
        root = bass_of(chord.root, self.below(chord, voicing))
        return voicing if root is None else (root, *voicing)

    def below(self, chord: Chord, voicing: Voicing) -> int:
        """What a bass note has to lie under: the voicing, or the melody."""
        return voicing[0] if voicing else self.ceiling.over(chord.start, chord.start + chord.ticks) + 1


def _ringing_from(melody: Melody, last: Chord) -> int:
    """The beat on which the last note begins, or the last chord where that is later."""
    starts = [at for at, note in melody.timed() if note.pitch is not None]
    return max(last.start, starts[-1] - starts[-1] % melody.meter.beat) if starts else last.start
