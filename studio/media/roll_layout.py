"""Where everything stands on a piano roll: a melody → rectangles and words, the same for every kind of picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from studio.music.melody import Melody
from studio.music.theory import SCALES, Key

if TYPE_CHECKING:
    from studio.music.accompaniment import Part

DESIGNED = 1600  # pixels wide: all sizes here are for that, and scaled
BARS_IN_ROW, MOST_ROWS = 8, 24
MARGIN, KEYS, HEAD, GAP = 44.0, 46.0, 62.0, 46.0
TALLEST, LARGEST, SMALLEST = 520.0, 16.0, 2.5  # of a row of bars; of a semitone in it
DRUM = 7.0

PAPER, GRID, DARKER, TONIC = "#fbf9f4", "#ffffff", "#f5f1e8", "#f4e6cd"
BAR_LINE, BEAT_LINE, EDGE = "#a89f8f", "#e6e0d3", "#cfc7b8"
INK, QUIET, WHITE_KEY, BLACK_KEY = "#2a2724", "#857d70", "#ffffff", "#3a3632"
DEGREES = ("#b5412f", "#cf8a2d", "#9c9a32", "#5b8f55", "#2d7f88", "#4765ab", "#87508f")
OUTSIDE = "#6d675f"  # a note that is not in the scale
PALE = 0.72  # of the paper in the colours of what accompanies

_BLACK = frozenset((1, 3, 6, 8, 10))


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels; radius: of its corners; edge: the colour of a thin line around it."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    radius: float = 0.0
    edge: str = ""


@dataclass(frozen=True)
class Words:
    """A line of text; x, y: its anchor, in pixels, y of its middle."""

    x: float
    y: float
    size: float
    text: str
    fill: str
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass
class Layout:
    """What to draw, in this order."""

    width: int
    height: int
    shapes: list[Box | Words] = field(default_factory=list)


@dataclass(frozen=True)
class _Sound:
    start: int
    ticks: int
    pitch: int


@dataclass(frozen=True)
class _Plan:
    """What all rows share. start, span: ticks of the first row; lowest, highest: pitches shown; tall: of a semitone."""

    melody: Melody
    scale: float
    rows: int
    bars: int
    start: int
    span: int
    lowest: int
    highest: int
    tall: float
    left: float
    wide: float  # pixels a tick
    drums: tuple[int, ...]

    @property
    def grid(self) -> float:
        return (self.highest - self.lowest + 1) * self.tall

    @property
    def row(self) -> float:
        """Height of a row and the gap under it."""
        return self.grid + len(self.drums) * DRUM * self.scale + GAP * self.scale

    def x(self, tick: int, row: int) -> float:
        return self.left + (tick - self.begins(row)) * self.wide

    def y(self, pitch: int) -> float:
        """The top of a pitch, from the top of its row."""
        return (self.highest - pitch) * self.tall

    def begins(self, row: int) -> int:
        return self.start + row * self.bars * self.melody.meter.bar

    def ends(self, row: int) -> int:
        """Where a row stops: a last bar that is full goes over the last one by the pickup."""
        return self.begins(row) + (self.span if row == self.rows - 1 else self.bars * self.melody.meter.bar)


def lay_out(melody: Melody, parts: Sequence[Part], width: int, title: str) -> Layout:
    """Rows of bars under one another, each beginning with its pickup, of a picture so many pixels wide."""
    plan = _plan(melody, parts, width)
    head = HEAD * plan.scale
    layout = Layout(width, round(head + plan.rows * plan.row - 8 * plan.scale))
    layout.shapes.append(Box(0, 0, width, layout.height, PAPER))
    layout.shapes += _heading(melody, plan, title)
    own = [_Sound(at, note.ticks, note.pitch) for at, note in melody.timed() if note.pitch is not None]
    for row in range(plan.rows):
        top = head + row * plan.row
        layout.shapes += _ground(plan, row, top)
        layout.shapes += _keyboard(plan, top)
        for part in parts:
            sounds = [_Sound(note.start, note.ticks, note.pitch) for note in part.notes]
            layout.shapes += (
                _hits(sounds, plan, row, top) if part.is_drum else _notes(sounds, plan, row, top, pale=True)
            )
        layout.shapes += _notes(own, plan, row, top, pale=False)
    return layout


def _plan(melody: Melody, parts: Sequence[Part], width: int) -> _Plan:
    scale = width / DESIGNED
    bars = max(1, melody.bars)
    in_row = min(bars, max(BARS_IN_ROW, -(-bars // MOST_ROWS)))
    bar, rows = melody.meter.bar, -(-bars // in_row)
    over = max(0, melody.ticks - rows * in_row * bar)  # a pickup, and a last bar that is full nevertheless
    span = in_row * bar + over
    pitches = melody.pitches + [note.pitch for part in parts if not part.is_drum for note in part.notes]
    lowest, highest = max(0, min(pitches, default=60) - 2), min(127, max(pitches, default=72) + 2)
    left = (MARGIN + KEYS) * scale
    return _Plan(
        melody,
        scale,
        rows,
        in_row,
        -melody.pickup,
        span,
        lowest,
        highest,
        scale * min(LARGEST, max(SMALLEST, TALLEST / (highest - lowest + 1))),
        left,
        (width - left - MARGIN * scale) / span,
        tuple(sorted({note.pitch for part in parts if part.is_drum for note in part.notes})[:8]),
    )


def _heading(melody: Melody, plan: _Plan, title: str) -> Iterator[Words]:
    bars = f"{melody.bars} bar{'s' if melody.bars != 1 else ''}"
    facts = f"{melody.key.name} · {melody.meter.name} · {bars} · {melody.tempo:.4g} beats a minute"
    middle, right = 25 * plan.scale, plan.left + plan.wide * plan.span
    plain = unicodedata.normalize("NFKD", " ".join(title.split())).encode("ascii", "ignore").decode()  # as the font has
    plain = "".join(each for each in plain if each.isprintable())
    plain = plain if len(plain) <= 64 else plain[:63].rstrip() + "…"
    if plain:
        yield Words(MARGIN * plan.scale, middle, 21 * plan.scale, plain, INK)
        yield Words(right, middle, 16 * plan.scale, facts, QUIET, "end")
    else:
        yield Words(MARGIN * plan.scale, middle, 18 * plan.scale, facts, INK)


def _ground(plan: _Plan, row: int, top: float) -> Iterator[Box | Words]:
    """Rows of the pitches, beats, bar lines and the numbers of the bars."""
    melody, line = plan.melody, max(1.0, plan.scale)
    begin, end = plan.begins(row), plan.ends(row)
    wide = (end - begin) * plan.wide
    yield Box(plan.left, top, wide, plan.grid, GRID)
    for pitch in range(plan.lowest, plan.highest + 1):
        fill = TONIC if pitch % 12 == melody.key.tonic else DARKER if pitch % 12 not in melody.key.pitch_classes else ""
        if fill:
            yield Box(plan.left, top + plan.y(pitch), wide, plan.tall, fill)
    bar, beat = melody.meter.bar, melody.meter.beat
    for tick in range(-(-begin // beat) * beat, end + 1, beat):
        if tick % bar:
            yield Box(plan.x(tick, row) - line / 2, top, line, plan.grid, BEAT_LINE)
    for tick in range(-(-begin // bar) * bar, end + 1, bar):
        if tick < end or tick == begin + plan.bars * bar:
            yield Box(plan.x(tick, row) - 0.75 * line, top - 5 * line, 1.5 * line, plan.grid + 5 * line, BAR_LINE)
        if tick < min(end, melody.bars * bar):
            place = plan.x(tick, row) + 5 * line
            yield Words(place, top - 9 * plan.scale, 12 * plan.scale, str(tick // bar + 1), QUIET)
    yield Box(plan.left, top, wide, line, EDGE)
    yield Box(plan.left, top + plan.grid - line, wide, line, EDGE)


def _keyboard(plan: _Plan, top: float) -> Iterator[Box | Words]:
    x, wide, key = MARGIN * plan.scale, (KEYS - 4) * plan.scale, plan.melody.key
    yield Box(x, top, wide, plan.grid, WHITE_KEY, 0.0, EDGE)
    for pitch in range(plan.lowest, plan.highest + 1):
        y, tonic = top + plan.y(pitch), pitch % 12 == key.tonic
        if pitch % 12 in _BLACK:
            yield Box(x, y, 0.62 * wide, plan.tall, BLACK_KEY, 2 * plan.scale)
        elif pitch > plan.lowest and (pitch - 1) % 12 not in _BLACK:
            yield Box(x, y + plan.tall, wide, max(1.0, plan.scale), EDGE)
        if tonic:
            yield Box(x + wide, y, 4 * plan.scale, plan.tall, DEGREES[0])
        if tonic and plan.tall >= 9 * plan.scale:
            name = f"{key.spell(pitch)}{pitch // 12 - 1}"
            yield Words(x + wide - 3 * plan.scale, y + plan.tall / 2, 10 * plan.scale, name, INK, "end")


def _notes(sounds: Sequence[_Sound], plan: _Plan, row: int, top: float, *, pale: bool) -> Iterator[Box | Words]:
    """Those in a row, cut where it begins and ends; with their names where there is room."""
    gap, key = plan.scale * 0.8, plan.melody.key
    for sound, start, end in _within(sounds, plan, row):
        x, y = plan.x(start, row), top + plan.y(sound.pitch)
        wide = max((end - start) * plan.wide - 2 * gap, gap)
        fill = color_of(key, sound.pitch)
        low = min(gap, plan.tall / 6)
        box = Box(x + gap, y + low, wide, plan.tall - 2 * low, mixed(fill, PALE) if pale else fill)
        yield Box(box.x, box.y, box.width, box.height, box.fill, min(4 * plan.scale, box.width / 2, box.height / 2))
        name, size = key.spell(sound.pitch), min(11 * plan.scale, plan.tall * 0.78)
        if not pale and plan.tall >= 10 * plan.scale and wide >= size * (0.75 * len(name) + 0.7):
            yield Words(box.x + wide / 2, y + plan.tall / 2, size, name, WHITE_KEY, "middle")


def _hits(sounds: Sequence[_Sound], plan: _Plan, row: int, top: float) -> Iterator[Box]:
    """Drums: a line for each, under the pitches."""
    tall = DRUM * plan.scale
    for sound, start, _ in _within(sounds, plan, row):
        if sound.pitch in plan.drums:
            y = top + plan.grid + (len(plan.drums) - 1 - plan.drums.index(sound.pitch)) * tall + 2 * plan.scale
            yield Box(plan.x(start, row) + plan.scale, y, 6 * plan.scale, tall - 2 * plan.scale, EDGE, 2 * plan.scale)


def _within(sounds: Sequence[_Sound], plan: _Plan, row: int) -> Iterator[tuple[_Sound, int, int]]:
    begin, end = plan.begins(row), plan.ends(row)
    for sound in sounds:
        start, stop = max(begin, sound.start), min(end, sound.start + sound.ticks)
        if start < stop:
            yield sound, start, stop


def color_of(key: Key, pitch: int) -> str:
    """The colour of a pitch: that of its degree, or grey outside of the scale."""
    step = (pitch - key.tonic) % 12
    scale = SCALES[key.mode]
    return DEGREES[scale.index(step)] if step in scale else OUTSIDE


def mixed(color: str, part: float) -> str:
    """A colour with a part of the paper in it, 0 to 1."""
    ours, paper = (tuple(int(each[at : at + 2], 16) for at in (1, 3, 5)) for each in (color, PAPER))
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(ours, paper, strict=True))
