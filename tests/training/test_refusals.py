"""Bad input: each gets its one line."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from studio.errors import InputError, OutputError, StudioError
from studio.media.state import read_state, write_state
from studio.progress import Progress
from studio.training import checkpoint
from studio.training.run import settings_of
from tests.training.tiny import contents, curve, draw, run


def refusal(kind: str, data: Path, folder: Path, **changes: object) -> str:
    with pytest.raises(StudioError) as refused:
        run(kind, data, folder, **changes)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Pictures, and a model that was trained on them."""
    room = tmp_path_factory.mktemp("begun")
    data = draw(room / "pictures")
    run("dcgan", data, room / "model", steps=4, keep_every=2)
    return data, room / "model"


@pytest.fixture
def own(begun: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The same, to be spoilt."""
    shutil.copytree(begun[1], tmp_path / "model")
    return begun[0], tmp_path / "model"


def test_pictures_that_are_not_enough(tmp_path: Path) -> None:
    room = tmp_path / "pictures"
    room.mkdir()
    assert "holds no pictures" in refusal("dcgan", room, tmp_path / "model")
    draw(room, 1)
    assert "holds 1 picture; at least 8 are needed" in refusal("vae", room, tmp_path / "model")
    for number in range(97):
        (room / f"broken-{number}.png").write_bytes(b"no picture")
    draw(room, 3)
    assert "3 of 100 pictures in" in refusal("dcgan", room, tmp_path / "model")
    assert "There is no folder" in refusal("dcgan", tmp_path / "nowhere", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_one_picture_many_times(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", 1)
    for number in range(10):
        shutil.copy(tmp_path / "pictures" / "000.png", tmp_path / "pictures" / f"copy{number}.png")
    assert "are the same one" in refusal("dcgan", tmp_path / "pictures", tmp_path / "new" / "model")
    assert not (tmp_path / "new").exists()


def test_odd_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    data = draw(tmp_path / "pictures", 12)
    Image.new("L", (20_000, 16)).save(data / "wide.png")
    Image.new("1", (20_000, 20_000)).save(data / "vast.png")
    (data / "loop").symlink_to(data, target_is_directory=True)
    run("dcgan", data, tmp_path / "model", steps=1)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "12 pictures used" in card and "wide.png" in card and "vast.png" in card and "too large" in card


def test_a_folder_that_is_taken(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, model = own
    assert "holds a training already; add --resume" in refusal("dcgan", data, model)
    shutil.rmtree(model / "training")
    before = contents(model)
    assert "holds a config.json, which would be overwritten" in refusal("dcgan", data, model)
    assert contents(model) == before
    assert f"lies within {data}, which is to be trained on" in refusal("dcgan", data, data / "model")
    (tmp_path / "file").write_text("")
    assert "Cannot write" in refusal("dcgan", data, tmp_path / "file")


def test_nothing_to_go_on_with(begun: tuple[Path, Path], tmp_path: Path) -> None:
    assert "There is no training to go on with" in refusal("dcgan", begun[0], tmp_path / "model", resume=True)
    with pytest.raises(InputError, match="There is no training to go on with"):
        settings_of(tmp_path)


def test_a_checkpoint_of_something_else(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, model = own
    before = contents(model)
    other = draw(tmp_path / "other", 20, seed=500)
    assert "trained on other data, or a network of another shape" in refusal("dcgan", other, model, resume=True)
    assert "another shape" in refusal("dcgan", data, model, resume=True, width=16)
    assert "is the training of a dcgan, not of a vae" in refusal("vae", data, model, resume=True)
    assert contents(model) == before  # it can still be gone on with
    assert run("dcgan", data, model, resume=True, steps=5).outcome.step == 5


def test_a_checkpoint_of_a_newer_studio(own: tuple[Path, Path]) -> None:
    data, model = own
    last = model / "training" / "last.safetensors"
    write_state(last, read_state(last) | {"version": 99})
    assert "was written by a newer Studio (form 99, here 2); update Studio" in refusal(
        "dcgan", data, model, resume=True
    )


def test_a_checkpoint_of_an_older_studio(own: tuple[Path, Path]) -> None:
    data, model = own
    last = model / "training" / "last.safetensors"
    write_state(last, read_state(last) | {"version": 1, "optimizers": {"generator": {"0": {}}, "discriminator": {}}})
    assert "was written by an older Studio (form 1, here 2)" in refusal("dcgan", data, model, resume=True)


@pytest.mark.parametrize(
    "moments",
    [{"0": 1.0}, {"step": 1.0}, {"step": torch.ones(()), "exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)}, None],
)
def test_moments_that_are_none(own: tuple[Path, Path], moments: object) -> None:
    data, model = own
    last = model / "training" / "last.safetensors"
    state = read_state(last)
    state["optimizers"]["generator"]["projection.weight"] = moments
    write_state(last, state)
    assert "of a network of another shape" in refusal("dcgan", data, model, resume=True)


def test_a_checkpoint_cut_off(own: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    data, model = own
    last, before = (model / "training" / f"{name}.safetensors" for name in ("last", "before"))
    last.write_bytes(last.read_bytes()[:5000])
    assert run("dcgan", data, model, resume=True, steps=6).outcome.step == 6
    assert any("Going on from the one before it" in record.message for record in caplog.records)
    assert curve(model)["count"] == 6
    for path in (last, before):
        path.write_bytes(path.read_bytes()[:5000])
    assert "is cut off, damaged or no work of Studio's" in refusal("dcgan", data, model, resume=True)


def test_settings_that_cannot_be_read(own: tuple[Path, Path]) -> None:
    path = own[1] / "training" / "settings.json"
    for broken in ("{", "[]", json.dumps({"kind": "dcgan", "source": {}, "parameters": {"warp": 9}})):
        path.write_text(broken)
        with pytest.raises(InputError, match="is damaged or of another Studio"):
            settings_of(own[1])


def test_models_that_cannot_be_begun_with(begun: tuple[Path, Path], tmp_path: Path) -> None:
    data, model = begun
    assert "vgg19 is no dcgan" in refusal("dcgan", data, tmp_path / "new", start="vgg19")
    assert "model is no vae but dcgan" in refusal("vae", data, tmp_path / "new", start=str(model))
    assert "There is no model 'nobody'" in refusal("dcgan", data, tmp_path / "new", start="nobody")
    assert not (tmp_path / "new").exists()


def test_parameters_that_do_not_fit(begun: tuple[Path, Path], tmp_path: Path) -> None:
    data = begun[0]
    assert "cannot be worked through in 3 parts" in refusal("vae", data, tmp_path / "a", accumulate=3)
    assert "No weight is called 'nothing'" in refusal("vae", data, tmp_path / "b", freeze=("nothing",))
    assert "widths multiples of 8" in refusal("vae", data, tmp_path / "c", width=12)
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_the_folder_already_stays(tmp_path: Path) -> None:
    data, model = draw(tmp_path / "pictures", 1), tmp_path / "model"
    (model / "training" / "data").mkdir(parents=True)
    (model / "training" / "notes.txt").write_text("by hand")
    before = contents(model)
    assert "at least 8 are needed" in refusal("dcgan", data, model)
    assert contents(model) == before


def test_a_disk_that_fills_up_at_the_first_checkpoint(
    begun: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, state: object) -> None:
        (folder / "next.safetensors").write_bytes(b"a part")
        raise OutputError("the disk is full")

    monkeypatch.setattr(checkpoint, "write", full)
    assert "the disk is full" in refusal("dcgan", begun[0], tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_places_that_cannot_be_asked_for(begun: tuple[Path, Path], tmp_path: Path) -> None:
    data = begun[0]
    (tmp_path / "loop").symlink_to("loop")
    for place, words in ((tmp_path / "loop", "symbolic links"), (tmp_path / ("x" * 300), "too long")):
        assert words in refusal("dcgan", data, place)
        with pytest.raises(OutputError, match=words):
            settings_of(place)
    assert "There is no folder" in refusal("dcgan", tmp_path / "loop", tmp_path / "model")
    assert "There is no model" in refusal("dcgan", data, tmp_path / "model", start="x" * 300)


def test_a_folder_that_may_not_be_entered(begun: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()

    def stat(path: Path, **options: Any) -> os.stat_result:
        if "locked" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return os.stat(path, **options)  # noqa: PTH116

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", stat)
        assert "no permission to write in" in refusal("dcgan", begun[0], tmp_path / "locked" / "model")


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    data = draw(tmp_path / os.fsdecode(b"caf\xe9"))
    assert "is no name in UTF-8" in refusal("dcgan", data, tmp_path / os.fsdecode(b"mod\xe8le"))
    run("dcgan", data, tmp_path / "model", steps=1, command=f"studio train dcgan --data {data.name}")
    assert "caf\N{REPLACEMENT CHARACTER}" in (tmp_path / "model" / "README.md").read_text()


def test_a_folder_in_which_a_training_is_going_on(begun: tuple[Path, Path], tmp_path: Path) -> None:
    """The one that is refused takes nothing away, and leaves no lock behind."""
    told = []

    def again(progress: Progress) -> None:
        before = contents(tmp_path / "model")
        told.append(refusal("dcgan", begun[0], tmp_path / "model", resume=progress.step > 1))
        assert contents(tmp_path / "model") == before

    assert run("dcgan", begun[0], tmp_path / "model", steps=2, callback=again).outcome.step == 2
    assert told == [f"A training is going on in {tmp_path / 'model'}; wait until it ends, or stop it."] * 2
    assert run("dcgan", begun[0], tmp_path / "model", steps=3, resume=True).outcome.step == 3
