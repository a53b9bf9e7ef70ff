"""Keys are found where a musician would hear them, wherever they are transposed to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.music.key_finding import find_key
from studio.music.melody import Note
from studio.music.theory import SCALES, Key, Mode

ENDINGS = {"major": (4, 2, 0), "minor": (3, 2, 0), "mixolydian": (10, 10, 0), "dorian": (9, 10, 0)}


def tune(key: Key) -> list[Note]:
    """The scale up and down with a triad held, and an ending that shows the mode."""
    steps = [*SCALES[key.mode], 12, *reversed(SCALES[key.mode]), 7, SCALES[key.mode][2], *ENDINGS[key.mode]]
    return [Note(60 + key.tonic + step, 48 if step in (0, SCALES[key.mode][2], 7) else 12) for step in steps]


@pytest.mark.parametrize("mode", SCALES)
@given(tonic=st.integers(0, 11))
def test_scale_and_ending_name_the_key(mode: Mode, tonic: int) -> None:
    assert find_key(tune(Key(tonic, mode))) == Key(tonic, mode)


@given(
    st.lists(st.builds(Note, st.integers(40, 90) | st.none(), st.sampled_from([6, 12, 24, 36])), max_size=40),
    st.integers(-3, 3),
)
def test_octave_and_speed_do_not_matter(notes: list[Note], octaves: int) -> None:
    other = [Note(None if note.pitch is None else note.pitch + 12 * octaves, 2 * note.ticks) for note in notes]
    assert find_key(other) == find_key(notes)


def test_last_note_decides_between_relatives() -> None:
    scale = [Note(60 + step, 12) for step in (0, 2, 4, 5, 7, 9, 11)]
    assert find_key([*scale, Note(60, 12)]) == Key(0, "major")
    assert find_key([*scale, Note(69, 12)]) == Key(9, "minor")


@pytest.mark.parametrize("notes", [[], [Note(None, 24)]])
def test_silence_is_in_c(notes: list[Note]) -> None:
    assert find_key(notes) == Key(0, "major")
