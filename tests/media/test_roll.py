"""The piano roll: what is drawn where, the same as pixels and as SVG, with the recipe inside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from studio.errors import InputError, OutputError
from studio.media import roll
from studio.media.roll_layout import DEGREES, OUTSIDE, PAPER, Box, Words, color_of, lay_out, mixed
from studio.music.melody import Melody, Note
from studio.music.theory import METERS, MODES, Key, Meter


@dataclass(frozen=True)
class Sounding:
    start: int
    ticks: int
    pitch: int
    velocity: int = 80


@dataclass(frozen=True)
class Playing:
    notes: tuple[Sounding, ...]
    is_drum: bool = False
    name: str = ""
    program: int = 0


SCALE = Melody(tuple(Note(pitch, 24) for pitch in (62, 64, 66, 67, 69, 71, 73, 74)), Key(2), Meter(4, 4), 100)


def notes(melody: Melody, width: int = 1600, parts: tuple[Playing, ...] = ()) -> list[Box]:
    """The boxes of notes, from the top left."""
    colors = {*DEGREES, OUTSIDE, *(mixed(color, 0.72) for color in DEGREES)}
    shapes = lay_out(melody, parts, width, "").shapes  # type: ignore[arg-type]
    return [shape for shape in shapes if isinstance(shape, Box) and shape.fill in colors and shape.radius]


def test_notes_stand_where_they_sound() -> None:
    found = notes(SCALE)
    assert [box.fill for box in found] == [*DEGREES, DEGREES[0]]
    assert [box.x for box in found] == sorted(box.x for box in found)
    assert [box.y for box in found] == sorted((box.y for box in found), reverse=True)
    steps = {round(after.x - before.x, 6) for before, after in pairwise(found)}
    assert len(steps) == 1


def test_the_picture_has_the_colours_of_the_notes() -> None:
    picture = roll.draw(SCALE, title="A scale")
    assert picture.mode == "RGB"
    assert picture.width == 1600
    for box in notes(SCALE):
        place = round(box.x + 5), round(box.y + box.height / 2)
        assert picture.getpixel(place) == ImageColor.getrgb(box.fill)


def test_svg_holds_the_same_shapes() -> None:
    root = ElementTree.fromstring(roll.svg(SCALE, title="Scales & <arpeggios>", recipe='{"a": "<&>"}'))
    layout = lay_out(SCALE, (), 1600, "Scales & <arpeggios>")
    rects, texts = (root.findall(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("rect", "text"))
    boxes = [shape for shape in layout.shapes if isinstance(shape, Box)]
    words = [shape for shape in layout.shapes if isinstance(shape, Words)]
    assert [rect.get("fill") for rect in rects] == [box.fill for box in boxes]
    assert [float(rect.get("x", "")) for rect in rects] == pytest.approx([box.x for box in boxes], abs=0.01)
    assert [text.text for text in texts] == [each.text for each in words]
    assert words[0].text == "Scales & <arpeggios>"
    assert words[1].text == "D major · 4/4 · 2 bars · 100 beats a minute"


def test_rows_and_the_numbers_of_bars() -> None:
    long = Melody(SCALE.notes * 16, SCALE.key, SCALE.meter)
    texts = [shape.text for shape in lay_out(long, (), 1600, "").shapes if isinstance(shape, Words)]
    assert [text for text in texts if text.isdigit()] == [str(number) for number in range(1, 33)]
    first = [box for box in notes(long) if box.x < 100]
    assert len(first) == 4
    assert len({round(box.x, 6) for box in first}) == 1


def test_each_row_begins_with_its_pickup() -> None:
    up = Melody((Note(69, 24), *SCALE.notes * 8), SCALE.key, SCALE.meter, 100, 24)
    found = notes(up)
    assert min(box.x for box in found) == found[0].x
    assert len({round(box.y, 6) for box in found if box.x < found[0].x + 1}) == 2


def test_a_note_over_the_end_of_a_row_is_in_both() -> None:
    long = Melody((Note(62, 96 * 9),), Key(2), Meter(4, 4))
    assert len(notes(long)) == 2


def test_parts_are_paler_and_below() -> None:
    chords = Playing((Sounding(0, 96, 50), Sounding(96, 96, 45)))
    drums = Playing((Sounding(0, 12, 36), Sounding(24, 12, 38)), is_drum=True)
    found = notes(SCALE, parts=(chords, drums))
    pale = [box for box in found if box.fill not in DEGREES]
    assert [box.fill for box in pale] == [mixed(color_of(Key(2), pitch), 0.72) for pitch in (50, 45)]
    assert min(box.y for box in pale) > max(box.y for box in found if box.fill in DEGREES)


def test_a_note_outside_of_the_scale_is_grey() -> None:
    assert color_of(Key(0), 61) == OUTSIDE
    assert color_of(Key(9, "minor"), 60) == DEGREES[2]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_files_carry_the_recipe_and_are_the_same_again(tmp_path: Path, suffix: str) -> None:
    recipe = '{"kind": "melody", "name": "<&>"}'
    path = roll.write_roll(SCALE, tmp_path / f"a{suffix}", recipe=recipe)
    assert roll.read_recipe_text(path) == recipe
    assert roll.write_roll(SCALE, tmp_path / f"b{suffix}", recipe=recipe).read_bytes() == path.read_bytes()
    assert roll.read_recipe_text(roll.write_roll(SCALE, tmp_path / f"c{suffix}")) is None


def test_a_file_of_svg(tmp_path: Path) -> None:
    path = roll.write_svg(tmp_path / "a.svg", SCALE, recipe="{}")
    assert path.read_text(encoding="utf-8") == roll.svg(SCALE, recipe="{}")


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is 320 to 6,400 pixels wide; got 100"):
        roll.draw(SCALE, width=100)
    with pytest.raises(OutputError, match=r"\.png, \.svg"):
        roll.write_roll(SCALE, tmp_path / "a.gif")


def test_blank_paper() -> None:
    assert roll.blank(width=400).getcolors() == [(400 * 100, ImageColor.getrgb(PAPER))]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 127)), st.integers(1, 400)), min_size=1, max_size=60),
    st.sampled_from(METERS),
    st.sampled_from(MODES),
    st.integers(0, 11),
    st.integers(0, 24),
    st.text(max_size=100),
)
def test_any_melody_can_be_drawn(
    pairs: list[tuple[int | None, int]], meter: str, mode: str, tonic: int, pickup: int, title: str
) -> None:
    melody = Melody(tuple(Note(*pair) for pair in pairs), Key(tonic, mode), Meter.named(meter), 90, pickup)  # type: ignore[arg-type]
    picture = roll.draw(melody, width=320, title=title)
    assert isinstance(picture, Image.Image)
    ElementTree.fromstring(roll.svg(melody, width=320, title=title))
    layout = lay_out(melody, (), 320, title)
    boxes = [shape for shape in layout.shapes if isinstance(shape, Box)]
    assert all(box.x >= -0.5 and box.x + box.width <= 321 for box in boxes)
    assert all(box.y + box.height <= layout.height + 0.5 for box in boxes)


def test_a_very_long_tune_stays_a_picture() -> None:
    long = Melody(tuple(Note(pitch % 128, 24) for pitch in range(8_000)), Key(0), Meter(4, 4))
    assert roll.draw(long, width=800).height < 8_000


def test_a_tall_picture_is_drawn_in_bands_that_nobody_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Melody(SCALE.notes * 30, Key.named("F#"), SCALE.meter)
    whole = roll.draw(long, width=700, title="Quiet, gj")
    made: list[tuple[int, int]] = []
    new = Image.new

    def noted(mode: str, size: tuple[int, int], color: str) -> Image.Image:
        made.append(size)
        return new(mode, size, color)

    monkeypatch.setattr("studio.media.roll.Image.new", noted)
    monkeypatch.setattr(roll, "_BAND", 90)
    assert roll.draw(long, width=700, title="Quiet, gj").tobytes() == whole.tobytes()
    assert whole.height > 2 * 90 and made[0] == whole.size
    assert max(width * height for width, height in made[1:]) <= 1400 * 2 * (90 + 128)


def test_a_picture_that_nothing_could_hold_is_refused() -> None:
    long = Melody(SCALE.notes * 256, SCALE.key, SCALE.meter)
    with pytest.raises(InputError, match=r"would have 6,400 × [\d,]+ pixels; make it narrower"):
        roll.draw(long, width=6400)
