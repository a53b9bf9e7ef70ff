"""Films: the same frames give the same bytes, whole or not at all, with the recipe inside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from studio.errors import InputError, OutputError
from studio.media import images, video
from studio.recipe import Recipe, Source, recipe_of

ROOT = Path(__file__).parents[2]


def film(count: int = 12, size: tuple[int, int] = (64, 48)) -> Iterator[Image.Image]:
    """A red square that moves over blue, over a fine pattern."""
    for number in range(count):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        pixels[..., 2] = 200
        pixels[::2, ::2, 1] = 30
        pixels[8:32, 2 * number : 2 * number + 24] = (220, 0, 0)
        yield Image.fromarray(pixels)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    first = video.write_video(film(), tmp_path / "a.mp4", recipe="{}")
    again = video.write_video(list(film()), str(tmp_path / "b.MP4"), recipe="{}")
    assert first.read_bytes() == again.read_bytes()
    assert listing(tmp_path) == ["a.mp4", "b.MP4"]
    other = video.write_video(film(), tmp_path / "c.mp4", recipe="{}", crf=40)
    assert len(other.read_bytes()) < len(first.read_bytes())


@pytest.mark.parametrize("size", [(64, 48), (96, 96), (130, 66), (128, 128)])
def test_the_bytes_do_not_depend_on_what_memory_held_before(tmp_path: Path, size: tuple[int, int]) -> None:
    code = (
        "import sys; from tests.media.test_video import film; from studio.media import video; "
        f"video.write_video(film(size={size}), sys.argv[1])"
    )
    contents = {video.write_video(film(size=size), tmp_path / "here.mp4").read_bytes()}
    for filling in ("85", "170"):  # glibc fills fresh memory with it; elsewhere these are just other processes
        command = [sys.executable, "-c", code, str(tmp_path / f"{filling}.mp4")]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"MALLOC_PERTURB_": filling})
        contents.add((tmp_path / f"{filling}.mp4").read_bytes())
    assert len(contents) == 1


def test_no_time_and_no_version_is_inside(tmp_path: Path) -> None:
    path = video.write_video(film(), tmp_path / "a.mp4")
    content = path.read_bytes()
    header = content.index(b"mvhd")
    assert content[header + 4 : header + 16] == bytes(12)  # version and flags, time of creation, time of change
    with av.open(str(path)) as opened:
        assert not set(opened.metadata) & {"creation_time", "encoder", "comment"}


@pytest.mark.parametrize("fps", [1, 24, 25, 30, 60])
def test_size_number_and_rate_of_the_frames(tmp_path: Path, fps: int) -> None:
    path = video.write_video(film(13), tmp_path / "a.mp4", fps=fps)
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.pix_fmt == "yuv420p"
        assert (stream.width, stream.height, stream.frames) == (64, 48, 13)
        assert stream.average_rate == fps
        assert [frame.pts * stream.time_base for frame in opened.decode(stream) if frame.pts is not None] == [
            Fraction(number, fps) for number in range(13)
        ]
    assert len(video.open_video(path)) == 13


def test_the_frames_look_as_they_went_in(tmp_path: Path) -> None:
    path = video.write_video(film(), tmp_path / "a.mp4", crf=4)
    for before, after in zip(film(), video.open_video(path), strict=True):
        difference = np.abs(np.asarray(before, np.int16) - np.asarray(after, np.int16))
        assert difference.mean() < 6  # chroma is halved: the pattern and the edges of the square may differ
        middle = np.asarray(before.resize((8, 6), Image.Resampling.BOX), np.int16)
        assert np.abs(middle - np.asarray(after.resize((8, 6), Image.Resampling.BOX), np.int16)).max() < 12


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)])
def test_colors_survive(tmp_path: Path, color: tuple[int, int, int]) -> None:
    path = video.write_video([Image.new("RGB", (32, 32), color)] * 2, tmp_path / "a.mp4")
    for frame in video.open_video(path):
        assert np.abs(np.asarray(frame, np.int16) - np.array(color)).max() <= 3


def test_grey_pictures_are_taken(tmp_path: Path) -> None:
    path = video.write_video([Image.new("L", (16, 16), 90)] * 3, tmp_path / "a.mp4")
    assert np.abs(np.asarray(video.open_video(path)[0], np.int16) - 90).max() <= 3


@pytest.mark.parametrize(("size", "expected"), [((63, 48), (64, 48)), ((64, 47), (64, 48)), ((1, 1), (2, 2))])
def test_an_odd_side_grows_by_a_copy_of_its_last_row(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    pixels[:, -2:] = 210
    path = video.write_video([Image.fromarray(pixels)] * 3, tmp_path / "a.mp4", crf=1)
    found = np.asarray(video.open_video(path)[0], np.int16)
    assert found.shape == (expected[1], expected[0], 3)
    assert np.abs(found[:, -1] - 210).max() <= 8 and np.abs(found[-1, -1] - found[-2, -1]).max() <= 8


@pytest.mark.parametrize("text", ['{"name": "Gemälde 画 🎞.png"}', "one line\nand \\ ; = # another", "x" * 300_000])
def test_a_text_survives_in_a_film(tmp_path: Path, text: str) -> None:
    assert video.read_recipe_text(video.write_video(film(2), tmp_path / "Gemälde 画.mp4", recipe=text)) == text


def test_recipes_are_read_from_films_as_from_pictures(tmp_path: Path) -> None:
    recipe = Recipe("dcgan", {"seed": 7}, Source("Gemälde", "a" * 64), {}, {"device": "cpu"})
    assert recipe_of(video.write_video(film(2), tmp_path / "a.mp4", recipe=recipe.to_json())) == recipe
    assert recipe_of(images.write_picture(next(film()), tmp_path / "a.png", recipe.to_json())) == recipe
    with pytest.raises(InputError, match=r"bare\.mp4 carries no recipe: it was not made by Studio"):
        recipe_of(video.write_video(film(2), tmp_path / "bare.mp4"))


def test_reading_recipes_of_pictures_loads_no_film_library() -> None:
    code = "import sys, studio.recipe; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("error", [ValueError, InputError, KeyboardInterrupt])
def test_frames_that_fail_midway_leave_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    def failing() -> Iterator[Image.Image]:
        yield from film(5)
        raise error("midway")

    with pytest.raises(error, match="midway"):
        video.write_video(failing(), tmp_path / "a.mp4")
    assert listing(tmp_path) == []
    before = video.write_video(film(2), tmp_path / "a.mp4").read_bytes()
    with pytest.raises(error, match="midway"):
        video.write_video(failing(), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == before and listing(tmp_path) == ["a.mp4"]


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    mixed = [*film(3), Image.new("RGB", (10, 20))]
    with pytest.raises(InputError, match="Frame 3 is 10 × 20; expected 64 × 48, as the first"):
        video.write_video(mixed, tmp_path / "a.mp4")
    assert listing(tmp_path) == []


def test_no_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one frame, got none"):
        video.write_video([], tmp_path / "a.mp4")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", ["a.avi", "a.gif", "a", "a.mp4.png"])
def test_another_suffix_is_refused_before_any_frame_is_made(tmp_path: Path, name: str) -> None:
    frames = film(2)
    with pytest.raises(OutputError, match=r"expected a name that ends in \.mp4"):
        video.write_video(frames, tmp_path / name)
    assert len(list(frames)) == 2 and listing(tmp_path) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        video.write_video(film(2), tmp_path / "none" / "a.mp4")


def test_a_build_without_the_encoder_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "ENCODER", "libx264-is-not-here")
    with pytest.raises(OutputError, match=r"built without libx264-is-not-here\. Install the one from PyPI"):
        video.write_video(film(2), tmp_path / "a.mp4")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("read", [video.read_recipe_text, video.open_video])
def test_what_is_no_film_is_refused_in_one_line(tmp_path: Path, read: object) -> None:
    assert callable(read)
    whole = video.write_video(film(), tmp_path / "whole.mp4").read_bytes()
    picture = images.encode_picture(next(film()), ".png")
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"
    for content in (b"", b"hello\n" * 100, bytes(5000), picture, playlist, whole[:30], whole[::-1]):
        (tmp_path / "a.mp4").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.mp4 is not a film that can be read \(.*\); expected an MP4") as told:
            read(tmp_path / "a.mp4")
        assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


def test_a_film_cut_off_anywhere_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    whole = video.write_video(film(), tmp_path / "whole.mp4", recipe="{}").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "a.mp4").write_bytes(whole[:length])
        try:
            assert len(video.open_video(tmp_path / "a.mp4")) <= 12
        except InputError as error:
            assert "\n" not in str(error)
