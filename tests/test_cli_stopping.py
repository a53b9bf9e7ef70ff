"""Ctrl-C on the real process: the best so far is kept and said, and the same command goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.cli import main
from studio.media import files
from studio.recipe import recipe_of

Maker = Callable[..., Path]
ROOT = Path(__file__).parent.parent
STEPS = 10

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")


def command(tmp_path: Path, out: str, *more: str) -> list[str]:
    little = ["--size", "64", "--steps", str(STEPS), "--precision", "float32", "--device", "cpu", "--threads", "1"]
    little += ["--style-layers", "relu1_1,relu2_1", "--content-layers", "relu2_2", *more]
    return [
        sys.executable,
        "-m",
        "studio",
        "style",
        str(tmp_path / "photo.png"),
        str(tmp_path / "wave.png"),
        "-o",
        str(tmp_path / out),
        *little,
    ]


def interrupted(arguments: list[str], number: int, times: int = 1) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that gets a signal after its first step."""
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        said = ""
        while " step " not in said:
            line = process.stderr.readline()
            assert line, f"it ended before its first step: {said}"
            said += line
        process.send_signal(number)
        if times > 1:
            said += process.stderr.readline()
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, said + err


def test_ctrl_c_keeps_the_best_so_far_and_the_same_command_goes_on(picture: Maker, tmp_path: Path) -> None:
    picture("photo.png", seed=1)
    picture("wave.png", seed=2)
    out, kept = tmp_path / "out.png", files.partial(tmp_path / "out.png")
    code, printed, said = interrupted(command(tmp_path, "out.png"), signal.SIGINT)
    assert code == 130
    assert "Stopping after this step, with the best so far; once more to leave at once." in said
    assert "Stopped early: this is the best so far. The same command again goes on from here." in said
    assert printed.startswith(f"{out}  64 × 43, ")
    (made,) = recipe_of(out).parameters["steps_at_scales"]
    assert 1 <= made < STEPS and kept.is_file()

    again = subprocess.run(command(tmp_path, "out.png"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"going on from step {made}, kept in {kept}" in again.stderr
    assert f"{STEPS} steps in " in again.stdout and not kept.exists()

    assert main(command(tmp_path, "whole.png", "--quiet")[3:]) == 0
    assert (tmp_path / "whole.png").read_bytes() == out.read_bytes()


def test_a_second_ctrl_c_leaves_at_once_and_nothing_behind(picture: Maker, tmp_path: Path) -> None:
    picture("photo.png", size=(192, 192), seed=1)
    picture("wave.png", size=(192, 192), seed=2)
    slow = [*command(tmp_path, "out.png"), "--size", "192", "--no-coarse-to-fine", "--tile", "0"]
    code, printed, said = interrupted(slow, signal.SIGINT, times=2)
    assert (code, printed) == (130, "")
    assert said.splitlines()[-1] == "studio: stopped before it was finished."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "wave.png"]


@pytest.mark.parametrize(
    ("arguments", "said", "left"),
    [
        (["walk", "dcgan", "-o", "film.mp4", "--seconds", "3600"], "The film was stopped before its end", []),
        (["image", "dcgan", "-o", "out.png", "--grid", "--count", "10000"], "this is what was made", ["out.png"]),
        (["project", "dcgan", "photo.png", "-o", "out.png", "--steps", "100000"], "this is what was", ["out.png"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and value else "",
)
def test_ctrl_c_on_pictures_and_films(
    model_folders: Path, picture: Maker, tmp_path: Path, arguments: list[str], said: str, left: list[str]
) -> None:
    picture("photo.png")
    places = {"dcgan": model_folders / "dcgan"} | {
        name: tmp_path / name for name in ("film.mp4", "out.png", "photo.png")
    }
    typed = [str(places.get(word, word)) for word in arguments]
    code, _, err = interrupted([sys.executable, "-m", "studio", *typed, "--device", "cpu"], signal.SIGINT)
    assert code == 130 and said in err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*left, "photo.png"])
    for name in left:
        assert (
            main(
                [
                    "remake",
                    str(tmp_path / name),
                    "-o",
                    str(tmp_path / "again.png"),
                    "--quiet",
                    "--model",
                    str(places["dcgan"]),
                ]
            )
            == 0
        )
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / name).read_bytes()
