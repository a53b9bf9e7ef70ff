"""The page of training: what it refuses, what it says first, and a training that outlives whoever began it."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import studio
from studio.errors import InputError
from studio.training.parameters import KINDS
from studio.ui import gather, models, training
from studio.ui.plot import MOST, Curve, drawn
from studio.ui.shell import Shell
from studio.ui.studio import launch
from studio.ui.trainer import Order, train
from studio.ui.training import TrainingPage

TINY = {
    "files": None,
    "folder": "",
    "name": "",
    "minutes": "",
    "dcgan_steps": 5000,
    "dcgan_batch_size": 4,
    "dcgan_width": 8,
    "dcgan_latent": 8,
}
LONG = 300  # seconds: a model is measured when its training ends, and the machine may be busy


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures, and one that is none."""
    folder = tmp_path_factory.mktemp("dots")
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[tuple[TrainingPage, Client]]:
    with Shell("Training") as blocks:
        page = training.page()
    yield page, Client(launch(blocks, block=False), verbose=False, analytics_enabled=False)
    blocks.close(verbose=False)


def until(there: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG
    while not (found := there()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_the_report_comes_before_anything_starts(served: tuple[TrainingPage, Client], dots: Path, home: Path) -> None:
    page, client = served
    told = str(client.predict(**{**TINY, "folder": str(dots)}, api_name="/look"))
    assert "12 pictures used" in told and "broken.png: unreadable" in told and "examples a second" in told
    assert page.trainings.story is None and not (home / "dots-gan").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "There are no pictures yet"),
        ({"folder": "/nowhere/at/all"}, "There is no folder /nowhere/at/all"),
        ({"kind": "melody"}, "There are no tunes yet"),
        ({"folder": "HERE", "kind": "melody"}, "tunes"),
        ({"folder": "HERE", "kind": "melody", "melody_dropout": 2}, "dropout: should be less than"),
        ({"folder": "HERE", "kind": "melody", "begin_with": "tiny-gan"}, "There is no model 'tiny-gan'"),
        ({"folder": "HERE", "kind": "diffusion"}, "does not train a 'diffusion'"),
        ({"folder": "HERE", "dcgan_batch_size": 0}, "batch_size: should be greater than or equal to 1, got 0"),
        ({"folder": "HERE", "minutes": "-1"}, "minutes: should be greater than 0, got -1"),
        ({"folder": "HERE", "size": 65}, "size: should be 64 or 128"),
        ({"folder": "HERE", "begin_with": "nobody/nothing"}, "There is no model 'nobody/nothing'"),
        ({"folder": "HERE", "background": "no colour"}, "Unknown colour 'no colour'"),
    ],
)
def test_what_cannot_be_trained_on_gets_a_plain_line(
    served: tuple[TrainingPage, Client], dots: Path, values: dict[str, Any], words: str
) -> None:
    values = {**TINY, **values} | ({"folder": str(dots)} if values.get("folder") == "HERE" else {})
    with pytest.raises(AppError) as refused:
        served[1].predict(**values, api_name="/look")
    message = str(refused.value.message)
    assert words in message and "\n" not in message and "Traceback" not in message


def test_a_folder_of_tunes_is_looked_through(served: tuple[TrainingPage, Client], tmp_path: Path) -> None:
    scale, chance = "DEFGABcd", random.Random(0)
    for number in range(12):
        bars = ["".join(chance.choice(scale) for _ in range(8)) for _ in range(8)]
        (tmp_path / f"{number}.abc").write_text(f"X:1\nT:{number}\nM:4/4\nL:1/8\nK:D\n{'|'.join(bars)}|]\n")
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    asked = {**TINY, "kind": "melody", "folder": str(tmp_path), "melody_width": 16, "melody_batch_size": 4}
    told = str(served[1].predict(**asked, api_name="/look"))
    assert "12 tunes used" in told and "broken.mid" in told and "This can be trained on." in told
    shown = served[0].settings._kind_changed("melody")
    assert ".abc" in shown[-4].file_types and [change["visible"] for change in shown[-3:]] == [False] * 3


def test_a_zip_becomes_a_model_that_is_on_the_shelf_at_once_and_can_go_on(
    served: tuple[TrainingPage, Client],
    dots: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page, client = served
    packed = tmp_path / "spots.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in dots.glob("*.png"):
            archive.write(path, path.name)
    asked = {**TINY, "files": [handle_file(packed)]}
    client.predict(**asked, api_name="/train")
    story = page.trainings.story
    assert story is not None and until(lambda: story.progress is not None and story.sheet)
    other = client.predict(**{**TINY, "folder": str(dots), "name": "other"}, api_name="/train")
    assert "spots-gan is being trained" in str(other)
    assert "Stopping" in str(client.predict(api_name="/stop_training"))
    assert until(lambda: not story.running) and not story.error
    assert story.finished is not None and 0 < story.finished.step < 5000 and "stopped" in story.finished.why
    assert story.notes and models.shelf().models("dcgan")["spots-gan"] == str(home / "spots-gan")

    assert "holds a training already: press Go on" in str(client.predict(**asked, api_name="/train"))
    begun: list[Order] = []
    monkeypatch.setattr("studio.ui.trainings.train", lambda order, _: begun.append(order) or story.finished)
    client.predict(**{**TINY, "name": "spots-gan"}, api_name="/go_on")
    assert until(lambda: begun) and begun[0].resume
    assert begun[0].parameters["steps"] == story.finished.step + 5000
    assert Path(begun[0].source["data"]).is_file(), "the pictures are kept beside the model"
    assert until(lambda: not page.trainings.running)
    assert "nothing to stop" in str(client.predict(api_name="/stop_training"))


@pytest.mark.parametrize("name", ["../outside", "/etc/model", ".hidden", "a/b"])
def test_models_stay_in_their_folder(served: tuple[TrainingPage, Client], dots: Path, name: str) -> None:
    told = str(served[1].predict(**{**TINY, "folder": str(dots), "name": name}, api_name="/train"))
    assert "Expected a name for the model" in told


def test_nothing_is_trained_into_the_package(served: tuple[TrainingPage, Client], dots: Path) -> None:
    inside = Path(studio.__file__).parent / "ui"
    told = str(served[1].predict(**{**TINY, "folder": str(dots), "home": str(inside)}, api_name="/train"))
    assert "belongs to Studio itself" in told


def test_a_refusal_in_the_other_process_is_one_line(home: Path, tmp_path: Path) -> None:
    order = Order("dcgan", {"data": str(tmp_path)}, str(home / "empty"), KINDS["dcgan"]().to_dict())
    with pytest.raises(InputError, match="holds no pictures"):
        train(order, lambda progress: None)


def test_uploads_are_one_zip_or_pictures(tmp_path: Path) -> None:
    first, second, packed = tmp_path / "1" / "a.png", tmp_path / "2" / "a.png", tmp_path / "p.zip"
    for path in (first, second, packed):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.parent.name.encode())
    with pytest.raises(InputError, match=r"p\.zip came with 1 more"):
        gather.check([packed, first], "")
    with pytest.raises(InputError, match="files and a folder"):
        gather.check([first], "somewhere")
    room = gather.gathered([first, second], "", tmp_path / "room")
    assert [path.read_bytes() for path in sorted(room.iterdir())] == [b"1", b"2"]
    assert gather.gathered([second], "", room) == room
    assert [path.read_bytes() for path in room.iterdir()] == [b"2"], "what a refused attempt left is gone"
    assert gather.gathered([packed], "", tmp_path / "other") == tmp_path / "other" / "p.zip"


def test_curves_stay_short_and_skip_what_is_not_finite() -> None:
    curve = Curve()
    for step in range(10 * MOST):
        curve.add(step, {"loss <1>": 1 / (step + 1), "other": float("nan")})
    assert len(curve.rows) < 2 * MOST and curve.rows[-1]["step"] == 10 * MOST - 1
    text = drawn(curve)
    assert text.count("<polyline") == 1 and "loss &lt;1&gt;" in text and "nan" not in text
    assert drawn(Curve([{"step": 1, "a": 1.0}])) == ""
