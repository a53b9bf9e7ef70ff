"""Whatever cannot be done is refused in one line with exit code 2, before anything is written."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.cli import main

Maker = Callable[..., Path]
Captured = pytest.CaptureFixture[str]


def huge() -> bytes:
    """A PNG of a few bytes that claims 100,000 × 100,000 pixels."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(99))),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture
def folder(picture: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a photograph, a painting, and one of each bad thing."""
    monkeypatch.chdir(tmp_path)
    picture("photo.jpg", size=(128, 96), seed=1)
    picture("wave.png", seed=2)
    picture("dot.png", size=(1, 1))
    picture("line.png", size=(2000, 20))
    picture("mask.png", mode="L")
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "JPEG")
    (tmp_path / "half.jpg").write_bytes(whole.getvalue()[:2000])
    (tmp_path / "text.jpg").write_text("Dear diary,\n" * 20)
    (tmp_path / "empty.png").touch()
    (tmp_path / "huge.png").write_bytes(huge())
    (tmp_path / "broken.safetensors").write_bytes((60).to_bytes(8, "little") + b"{" + b"x" * 200)
    (tmp_path / "a_folder.png").mkdir()
    return tmp_path


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(arguments: list[str], folder: Path, capsys: Captured) -> str:
    """The one line that a command is refused with; nothing is printed or written besides."""
    before = listing(folder)
    code, said = main(arguments), capsys.readouterr()
    assert code == 2, said
    assert said.out == "" and said.err.endswith("\n") and said.err.count("\n") == 1 and said.err.startswith("studio: ")
    assert listing(folder) == before
    return said.err


STYLE = ["style", "photo.jpg", "wave.png", "-o", "out.png", "--size", "64", "--steps", "1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.jpg", "wave.png"], "There is no file none.jpg; check the name."),
        (["photo.jpg", "none.png"], "There is no file none.png; check the name."),
        (["a_folder.png", "wave.png"], "a_folder.png is a folder; expected a file."),
        (["photo.jpg", "wave.png", "--mask", "none.png"], "There is no file none.png"),
        (["photo.jpg", "wave.png", "--init-picture", "none.png"], "There is no file none.png"),
        (["photo.jpg"], "Missing argument 'styles'"),
        (["text.jpg", "wave.png"], "text.jpg is not a picture that can be read; expected PNG, JPEG"),
        (["photo.jpg", "text.jpg"], "text.jpg is not a picture that can be read; expected PNG, JPEG"),
        (["half.jpg", "wave.png"], "half.jpg is damaged or cut off"),
        (["empty.png", "wave.png"], "empty.png is empty; expected a picture."),
        (["huge.png", "wave.png"], "huge.png is 100000 × 100000, 10000 megapixels; at most 64 are accepted."),
        (["dot.png", "wave.png"], "dot.png is 1 × 1: expected at least 16 pixels on each side."),
        (["photo.jpg", "dot.png"], "dot.png is 1 × 1: expected at least 16 pixels on each side."),
        (["line.png", "wave.png"], "becomes 64 × 1 at size 64: expected at least 16 pixels on the short side"),
        (["photo.jpg", "wave.png", "--mask", "text.jpg"], "text.jpg is not a picture"),
        (
            ["photo.jpg", "wave.png", *["--mask", "mask.png"] * 3],
            "3 masks for 1 styles: give none, one for all, or one for each",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "refused",
)
def test_bad_inputs(folder: Path, capsys: Captured, arguments: list[str], words: str) -> None:
    started = time.monotonic()
    assert words in refused(["style", *arguments, *STYLE[3:]], folder, capsys)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "0"], "size: should be greater than or equal to 16, got 0."),
        (["--size", "1000000"], "size: should be less than or equal to 8192, got 1000000."),
        (["--size", "big"], "'--size'"),
        (["--steps", "-1"], "steps: should be greater than or equal to 1, got -1."),
        (["--content-weight", "nan"], "content_weight: should be a finite number, got nan."),
        (["--tv-weight", "inf"], "tv_weight: should be a finite number, got inf."),
        (["--style-weights", "nan"], "style_weights.0: should be a finite number"),
        (["--style-weights", "0"], "The style weights sum to 0: give at least one of them a value above 0."),
        (["--style-weights", "1,2"], "2 style weights for 1 styles: give one for each"),
        (["--style-weights", "-1"], "style_weights.0: should be greater than or equal to 0"),
        (["--style-layers", "relu9_9"], "Unknown layer 'relu9_9': VGG-19 has relu1_1, relu1_2"),
        (["--content-layers", "relu4_2=x"], "content_layers.relu4_2: should be a valid number"),
        (["--content-layers", ""], "content_layers: "),
        (["--content-layers", "relu4_2=0", "--style-layers", "relu1_1=0"], "Every layer has weight 0"),
        (["--keep-colors", "some"], "'some' is not one of 'none', 'luminance', 'histogram', 'covariance'."),
        (["--init", "picture"], "give both init='picture' and the picture (--init-picture FILE)"),
        (["--tile", "100"], "tile: should be a multiple of 16, got 100."),
        (["--frob"], "No such option: --frob"),
        (["--threads", "0"], "'--threads'"),
        (["--device", "toaster"], "Unknown device 'toaster': expected auto, cpu"),
        (["--precision", "float8"], "Unknown precision 'float8': expected auto, float32, bfloat16."),
        (
            ["--model", "vgg20"],
            "There is no model 'vgg20': it is no folder or file, none of the shipped models (dcgan-nebulae,",
        ),
        (["--model", "broken.safetensors"], "broken.safetensors are damaged"),
        (["--model", "photo.jpg"], "photo.jpg is no safetensors file"),
        (["--model", "."], "is no model folder: it has no config.json."),
        (["-o", "no/out.png"], "Cannot write no/out.png: there is no folder no; make it first (mkdir -p)."),
        (["-o", "out.gif"], "Cannot write out.gif: expected a name that ends in .png, .jpg, .jpeg, .webp."),
        (["-o", "a_folder.png"], "Cannot write a_folder.png: it is a folder; give the name of a file."),
        (["-o", "x" * 300 + ".png"], "name too long"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "refused",
)
def test_bad_options(folder: Path, capsys: Captured, arguments: list[str], words: str) -> None:
    assert words.lower() in refused([*STYLE, *arguments], folder, capsys).lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frob"], "No such command 'frob'"),
        (["style", "photo.jpg", "wave.png"], "Missing option '--output'"),
        (["recipe", "photo.jpg"], "photo.jpg carries no recipe: it was not made by Studio"),
        (["recipe", "text.jpg"], "text.jpg is not a picture that can be read"),
        (["recipe", "a_folder.png"], "a_folder.png is a folder"),
        (["remake", "photo.jpg", "-o", "again.png"], "photo.jpg carries no recipe"),
        (["remake", "none.png", "-o", "again.png"], "There is no file none.png"),
        (["remake", "photo.jpg", "-o", "no/again.png"], "there is no folder no"),
        (["models", "show", "vgg20"], "There is no model 'vgg20'"),
        (["models", "show", "../vgg"], "'../vgg'"),
        (["models", "pull", "not an id"], "'not an id'"),
        (["models", "frob"], "No such command 'frob'"),
        (["app", "frob"], "'frob' is not one of 'studio', 'style'"),
        (["app", "--auth", "nobody"], "Expected --auth user:password, with neither"),
        (["app", "--port", "0"], "'--port'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "refused",
)
def test_other_commands(folder: Path, capsys: Captured, arguments: list[str], words: str) -> None:
    assert words in refused(arguments, folder, capsys)
