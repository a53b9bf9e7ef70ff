"""The commands of DCGANs and VAEs: what they make, what they say, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.cli import main
from studio.recipe import recipe_of

Maker = Callable[..., Path]
Captured = pytest.CaptureFixture[str]
HERE = ["--device", "cpu", "--threads", "1"]


@pytest.fixture
def folder(model_folders: Path, picture: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the tiny models, two pictures, and things that are neither."""
    monkeypatch.chdir(tmp_path)
    for model in model_folders.iterdir():
        (tmp_path / model.name).symlink_to(model)
    picture("a.png", seed=1)
    picture("b.jpg", seed=2)
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


MADE = [
    (["image", "dcgan", "-o", "out.png", "--seed", "3"], "out.png  64 × 64 in "),
    (["image", "dcgan-classes", "-o", "out.webp", "--count", "5", "--grid"], "out.webp  196 × 130 in "),
    (["image", "dcgan", "-o", "out.jpg", "--wide", "5", "--high", "2", "--truncation", "0.7"], "out.jpg  128 × 80 in "),
    (["image", "vae-classes", "-o", "out.png", "--classes", "owl", "--temperature", "0.5"], "out.png  64 × 64 in "),
    (
        ["image", "vae-classes", "-o", "out.png", "--moves", "-2,0,1.5", "--count", "4", "--grid"],
        "out.png  130 × 130 in ",
    ),
    (["blend", "vae", "a.png", "b.jpg", "-o", "out.png", "--weights", "1,3"], "out.png  64 × 64 in "),
    (["blend", "vae", "a.png", "b.jpg", "-o", "out.png", "--steps", "3"], "out.png  196 × 64 in "),
    (["blend", "vae", "a.png", "-o", "out.png"], "out.png  64 × 64 in "),
    (
        ["project", "dcgan", "a.png", "-o", "out.png", "--steps", "2", "--no-features", "--beside"],
        "out.png  130 × 64, at a distance of ",
    ),
    (
        ["directions", "vae", "-o", "out.png", "--count", "2", "--columns", "3", "--samples", "64", "--rows", "1"],
        "out.png  192 × 132, 2 directions with ",
    ),
    (
        ["walk", "vae", "-o", "out.mp4", "--seconds", "0.5", "--fps", "8"],
        "out.mp4  64 × 64, 4 frames at 8 a second in ",
    ),
    (
        ["walk", "vae", "-o", "out.mp4", "--seconds", "0.2", "--picture", "a.png", "--picture", "b.jpg", "--no-loop"],
        "out.mp4  64 × 64, 6 frames at 30 a second in ",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), MADE, ids=[" ".join(case[0])[:60] for case in MADE])
def test_what_is_made_is_said_and_made_again(folder: Path, capsys: Captured, arguments: list[str], words: str) -> None:
    assert main([*arguments, *HERE]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(words) and said.out.count("\n") == 1 and "loss nan" not in said.err
    out = words.split()[0]
    assert main(["remake", out, "-o", f"again{Path(out).suffix}", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert Path(f"again{Path(out).suffix}").read_bytes() == Path(out).read_bytes()


def test_several_pictures_go_into_a_folder_each_with_its_recipe(folder: Path, capsys: Captured) -> None:
    assert main(["image", "dcgan-classes", "-o", "many", "--count", "4", "--seed", "9", "--json", *HERE]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts.keys() == {"output", "width", "height", "count", "finished", "seconds"}
    assert (facts["output"], facts["count"], facts["finished"]) == ("many", 4, True)
    assert files_in(folder / "many") == [f"many-000{number}.png" for number in range(4)]
    last = Path("many") / "many-0003.png"
    assert recipe_of(last).parameters["seed"] == 12 and recipe_of(last).parameters["classes"] == ["cat"]
    assert main(["remake", str(last), "-o", "again.png", "--quiet"]) == 0
    assert Path("again.png").read_bytes() == last.read_bytes()


@pytest.mark.parametrize("arguments", [case[0] for case in MADE], ids=" ".join)
def test_json_is_one_line_and_nothing_else(folder: Path, capsys: Captured, arguments: list[str]) -> None:
    assert main([*arguments, "--json", *HERE]) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.count("\n") == 1
    assert {"output", "width", "height", "finished", "seconds"} <= json.loads(said.out).keys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["image", "vgg19", "-o", "out.png"], "vgg19 is a vgg and makes no pictures by itself; expected a model of"),
        (["image", "nothing", "-o", "out.png"], "There is no model 'nothing'"),
        (["image", "dcgan"], "Missing option '--output'"),
        (["image", "dcgan", "-o", "out.png", "--count", "2"], "2 pictures do not go into one file, out.png: give the"),
        (["image", "dcgan", "-o", "out.gif"], "Cannot write out.gif: expected a name that ends in .png"),
        (["image", "dcgan", "-o", "no/out.png"], "there is no folder no"),
        (["image", "dcgan", "-o", "no/folder", "--count", "2"], "there is no folder no"),
        (["image", "dcgan", "-o", "out.png", "--count", "0"], "count: should be greater than or equal to 1, got 0."),
        (["image", "dcgan", "-o", "out.png", "--temperature", "0.5"], "dcgan is a DCGAN, which has no temperature"),
        (["image", "vae", "-o", "out.png", "--truncation", "1"], "vae is a VAE, which has no truncation"),
        (["image", "vae", "-o", "out.png", "--wide", "2"], "vae is a VAE, which has no wide (--wide); leave it out."),
        (["image", "vae", "-o", "out.png", "--classes", "cat"], "vae has no classes; leave cat out."),
        (["image", "vae-classes", "-o", "out.png", "--classes", "cow"], "vae-classes has no class 'cow'; it has cat,"),
        (["image", "vae", "-o", "out.png", "--moves", "1,2,3,4,5,6,7,8,9"], "Expected at most 8 moves, one along each"),
        (["image", "vae", "-o", "out.png", "--moves", "1,far"], "moves.1: should be a valid number"),
        (["image", "dcgan", "-o", "out.png", "--device", "toaster"], "Unknown device 'toaster'"),
        (["walk", "dcgan", "-o", "film.avi"], "Cannot write film.avi: expected a name that ends in .mp4."),
        (["walk", "dcgan", "-o", "film.mp4", "--keyframes", "1"], "expected at least 2 of them, got 1."),
        (["walk", "dcgan", "-o", "film.mp4", "--kind", "jump"], "'jump' is not one of 'spline', 'slerp'"),
        (["walk", "vgg19", "-o", "film.mp4"], "vgg19 is a vgg and makes no pictures by itself"),
        (["walk", "dcgan", "-o", "film.mp4", "--picture", "none.png"], "There is no file none.png; check the name."),
        (["project", "dcgan", "none.png", "-o", "out.png"], "There is no file none.png; check the name."),
        (["project", "dcgan", "text.png", "-o", "out.png"], "text.png is not a picture that can be read"),
        (["project", "dcgan", "a.png", "-o", "a.png"], "a.png is one of the inputs and would be overwritten"),
        (["project", "vae", "a.png", "-o", "out.png", "--class-name", "cat"], "vae has no classes; leave cat out."),
        (["directions", "dcgan", "-o", "out.png", "--count", "17", "--samples", "32"], "Expected 1 to 16 directions"),
        (["blend", "dcgan", "a.png", "b.jpg", "-o", "out.png"], "dcgan is no vae but dcgan"),
        (["blend", "vae", "a.png", "b.jpg", "-o", "out.png", "--weights", "1"], "Expected 2 weights for 2 pictures"),
        (["blend", "vae", "a.png", "-o", "out.png", "--steps", "3"], "A way needs at least two pictures"),
        (["blend", "vae", "-o", "out.png"], "Missing argument 'pictures'"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "refused",
)
def test_what_cannot_be_made_is_refused_in_one_line(
    folder: Path, capsys: Captured, arguments: list[str], words: str
) -> None:
    before = files_in(folder)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("studio: ") and said.err.count("\n") == 1
    assert words in said.err
    assert files_in(folder) == before


def test_a_film_is_remade_as_a_film(folder: Path, capsys: Captured) -> None:
    assert main(["walk", "dcgan", "-o", "film.mp4", "--seconds", "0.2", "--quiet", *HERE]) == 0
    assert main(["recipe", "film.mp4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pipeline"] == "walk"
    assert main(["remake", "film.mp4", "-o", "again.png"]) == 2
    assert "expected a name that ends in .mp4" in capsys.readouterr().err
