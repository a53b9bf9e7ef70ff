"""What goes wrong on the way costs no training: it goes back, goes on, and says so."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from studio import hub
from studio.errors import DeviceError, InputError, OutputError
from studio.metrics.extractor import VGGFeatures
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.progress import Progress
from studio.training import log
from studio.training.loop import Loop
from studio.training.mediums.pictures import Pictures, PictureTask
from studio.training.run import Source
from studio.training.step import Step
from studio.training.task import Measure
from studio.training.tasks import vae as vae_task
from studio.training.tasks.dcgan import DCGANTask
from studio.training.tasks.vae import VAETask
from studio.zoo import dcgan, vae
from tests.training.tiny import TinyVGG, cpu, files_of, parameters, run, weights


def looped(kind: str, data: Path, folder: Path, **changes: object) -> tuple[Loop, PictureTask]:
    device, chosen = cpu(), parameters(kind, **changes)
    medium = Pictures(kind)
    task = medium.task(medium.read(Source(str(data)), chosen), chosen, device, extractor=VGGFeatures(device, TinyVGG()))
    return Loop(task, chosen, device, folder), task


def poison(task: PictureTask, step: int, times: int = 1) -> Callable[[Progress], None]:
    """A callback that breaks a weight after a step, the first few times that it comes by."""
    left = [times]

    def act(progress: Progress) -> None:
        if progress.step == step and left[0]:
            left[0] -= 1
            with torch.no_grad():
                next(next(iter(task.networks.values())).parameters())[0] = torch.nan

    return act


@pytest.mark.parametrize("step", [5, 6])  # 6 is kept: it must be found before it is written
@pytest.mark.parametrize("kind", ["dcgan", "vae"])
def test_numbers_that_break_are_rolled_back(tmp_path: Path, data: Path, kind: str, step: int) -> None:
    loop, task = looped(kind, data, tmp_path, steps=10, keep_every=3)
    outcome = loop.run(poison(task, step))
    assert outcome.step == 10 and outcome.finished
    assert len(outcome.notes) == 1
    assert "no longer finite: back to step 3, and on with 0.3 of the learning rate." in outcome.notes[0]
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path).values())


def test_what_breaks_again_and_again_ends_in_words_and_keeps_what_was_learnt(tmp_path: Path, data: Path) -> None:
    loop, task = looped("dcgan", data, tmp_path, steps=10, keep_every=3)
    with pytest.raises(
        InputError, match=r"At step 6 .*finite, even at 7e-05 of the learning rate.*Go on with --resume"
    ):
        loop.run(poison(task, 5, times=99))
    again, _ = looped("dcgan", data, tmp_path, steps=10, keep_every=3)
    assert again.run(resume=True).step == 10


def test_what_breaks_after_the_last_checkpoint_goes_back_to_an_earlier_one(tmp_path: Path, data: Path) -> None:
    """Whatever ruined it may be in the last one already."""
    loop, task = looped("dcgan", data, tmp_path, steps=7, keep_every=3)
    notes = loop.run(poison(task, 5, times=2)).notes
    assert "back to step 3, and on with 0.3" in notes[0] and "back to step 0, and on with 0.09" in notes[1]


def test_the_best_of_what_diverges_for_good_becomes_the_model(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DCGANTask.step

    def step(task: DCGANTask, step: Step) -> dict[str, float]:
        return real(task, step) if step.number < 4 else {"generator": math.nan}

    monkeypatch.setattr(DCGANTask, "step", step)
    with pytest.raises(InputError, match=r"Go on with --resume.* The best until then, of step 2, is in "):
        run("dcgan", data, tmp_path / "model", steps=6, keep_every=3, check_every=2)
    assert hub.find(tmp_path / "model").config["training"]["steps"] == 2
    monkeypatch.undo()
    assert run("dcgan", data, tmp_path / "model", steps=6, check_every=2, resume=True).outcome.finished


def test_the_card_tells_of_the_weights_that_are_there(tmp_path: Path, data: Path) -> None:
    """Also where the best ones were lost."""
    loop, task = looped("dcgan", data, tmp_path, steps=2, check_every=1)
    task.measure = lambda step: measured(step, float(step), variety=0.9)  # type: ignore[method-assign]
    outcome = loop.run(lambda progress: (tmp_path / "training" / "best.safetensors").unlink(missing_ok=True))
    assert outcome.best is not None and outcome.best.step == 2
    assert outcome.notes == ("the best, of step 1, could not be kept: the model is that of step 2",)


def test_that_it_was_still_getting_better_is_said_again(tmp_path: Path, data: Path) -> None:
    """By a resume that finds everything done; not by one that goes on."""
    for steps, better in ((4, True), (4, True), (6, False)):
        loop, task = looped("dcgan", data, tmp_path, steps=steps, check_every=2)
        task.measure = lambda step: measured(step, max(1.0, 9.0 - 2 * step), variety=0.9)  # type: ignore[method-assign]
        notes = loop.run(resume=loop.folder.exists()).notes
        assert [note.split(":")[0] for note in notes] == ["it was still getting better when it ended"] * better


@pytest.mark.parametrize("kind", ["dcgan", "vae"])
def test_a_learning_rate_of_ten_is_brought_down(tmp_path: Path, data: Path, kind: str) -> None:
    trained = run(kind, data, tmp_path / "model", learning_rate=10.0, steps=16, keep_every=4)
    assert "beyond all reason: back to step" in trained.outcome.notes[0]
    assert trained.outcome.notes[0] in (tmp_path / "model" / "README.md").read_text()
    assert all(tensor.isfinite().all() for tensor in hub.load_weights(hub.find(tmp_path / "model")).values())


def measured(step: int, value: float, **figures: float) -> Measure:
    return Measure(step, "KID", value, figures)


def test_a_collapse_is_told_from_poor_beginnings(tmp_path: Path, data: Path) -> None:
    _, task = looped("dcgan", data, tmp_path)
    assert isinstance(task, DCGANTask)
    begun, good, gone = (measured(step, 1.0, variety=v) for step, v in ((1, 0.1), (2, 0.9), (3, 0.1)))
    assert task.trouble([], [begun]) is None
    trouble = task.trouble([], [begun, good, gone])
    assert trouble is not None and trouble.roll_back and "collapsed: its pictures vary 10% as much" in trouble.words
    lost = task.trouble([{"discriminator": 0.001}] * 25, [good])
    assert lost is not None and not lost.roll_back and "never wrong any more" in lost.words
    worse = task.trouble([], [measured(step, value, variety=0.9) for step, value in enumerate((1.0, 2.0, 2.0, 2.0))])
    assert worse is not None and "has been getting worse" in worse.words


def test_a_collapse_goes_back_to_the_best(tmp_path: Path, data: Path) -> None:
    """Even where the pictures of the collapsed generator measure better."""
    loop, task = looped("dcgan", data, tmp_path, steps=12, check_every=4, patience=0)
    real = task.measure
    seen: list[int] = []

    def measure(step: int) -> Measure:
        found = real(step)
        seen.append(step)
        variety = 0.01 if len(seen) == 2 else 0.9
        return Measure(step, found.name, 1.0 - len(seen) / 100, {**found.figures, "variety": variety})

    task.measure = measure  # type: ignore[method-assign]
    outcome = loop.run()
    assert seen == [4, 8, 8, 12] and outcome.step == 12
    assert outcome.notes[0].startswith("the generator collapsed") and "back to step 4" in outcome.notes[0]


def test_what_a_vae_does_wrong_is_named(tmp_path: Path, data: Path) -> None:
    _, task = looped("vae", data, tmp_path)
    assert isinstance(task, VAETask)
    fine = measured(1, 1.0, vgg_distance=1.0, vgg_distance_of_learnt=0.9)
    dead = task.trouble([{"divergence": 0.1}], [fine])
    assert dead is not None and "posterior collapse" in dead.words
    by_heart = [
        measured(step, value, vgg_distance=value, vgg_distance_of_learnt=0.3)
        for step, value in enumerate((1.0, 1.1, 1.2, 1.3))
    ]
    learnt = task.trouble([{"divergence": 20.0}], by_heart)
    assert learnt is not None and "by heart" in learnt.words
    assert task.trouble([{"divergence": 20.0}], [fine]) is None


def test_a_full_disk_does_not_stop_training(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sync, full = os.fsync, [False]

    def fsync(handle: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    def fill(progress: Progress) -> None:
        full[0] = 4 <= progress.step < 10

    monkeypatch.setattr(os, "fsync", fsync)
    trained = run("dcgan", data, tmp_path / "model", keep_every=2, check_every=6, callback=fill)
    assert trained.outcome.step == 12
    said = [record.message for record in caplog.records if "the disk is full" in record.message]
    assert any("training goes on" in line for line in said) and any("sheet of samples" in line for line in said)
    assert dcgan.load_generator(hub.find(tmp_path / "model")) is not None
    monkeypatch.undo()
    full[0] = True
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match="the disk is full; free some space"):
        run("dcgan", data, tmp_path / "other")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, ballast = small_disk / "model", small_disk / "ballast"

    def fill(progress: Progress) -> None:
        if progress.step == 3:
            with ballast.open("wb", buffering=0) as file:
                for _ in range(3072):
                    try:
                        file.write(b"x" * 1024)
                    except OSError:
                        break

    with pytest.raises(OutputError, match="the disk is full; free some space"):
        run("dcgan", data, model, keep_every=2, check_every=6, steps=8, callback=fill)
    assert any("training goes on" in record.message for record in caplog.records)
    assert not [name for name in files_of(model) if not name.startswith(".")]  # nothing half-written
    ballast.unlink()
    assert run("dcgan", data, model, keep_every=2, check_every=6, steps=8, resume=True).outcome.step == 8


def test_a_log_on_a_full_disk_is_given_up_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log, "FLUSHED_EVERY", 0.0)
    with log.Log(tmp_path, 0) as kept:
        kept._records.close()
        kept._records._writer = Path("/dev/full").open("wb")  # noqa: SIM115
        for step in range(1, 100):
            kept.scalars(step, {"loss": 1.0})
    assert [record.message for record in caplog.records] == [
        "no more logs for TensorBoard (No space left on device); training goes on."
    ]


def test_the_log_is_one_that_tensorboard_reads(tmp_path: Path) -> None:
    for begins, ends in ((0, 5), (3, 6)):  # the second goes on from step 3, after a kill at 5
        with log.Log(tmp_path, begins) as kept:
            for step in range(begins + 1, ends + 1):
                kept.scalars(step, {"loss": float(step), "kid": 0.5})
        time.sleep(1.1)  # the second file has a later name
    found = EventAccumulator(str(tmp_path / log.FOLDER)).Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [(step, step) for step in range(1, 7)]
    assert len(found.Scalars("kid")) == 6


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: not enough memory")]
)
def test_running_out_of_memory_is_one_line_and_loses_nothing(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    loop, _ = looped("vae", data, tmp_path, steps=5, keep_every=2)
    whole = VAETask.step

    def step(self: VAETask, one: Step) -> dict[str, float]:
        if one.number == 4:
            raise error
        return whole(self, one)

    monkeypatch.setattr(VAETask, "step", step)
    with pytest.raises(DeviceError, match="Out of memory on cpu in step 4: go on with --resume and a smaller --batch"):
        loop.run()
    monkeypatch.setattr(VAETask, "step", whole)
    again, _ = looped("vae", data, tmp_path, steps=5, keep_every=2, batch_size=4)
    assert again.run(resume=True).step == 5


def test_pictures_unlike_those_that_come_first_are_no_divergence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are all but grey come first by name, then many in black and white."""
    monkeypatch.setattr(vae_task, "MEASURED", 20)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(100):
        noise = np.random.default_rng(number).integers(118, 138, (5, 5, 3), dtype=np.uint8)
        if number >= 30:
            noise = np.where(noise > 128, 255, 0).astype(np.uint8)
        Image.fromarray(noise).resize((64, 64), Image.Resampling.NEAREST).save(folder / f"{number:03}.png")
    assert run("vae", folder, tmp_path / "model", steps=3).outcome.notes == ()


def test_a_vae_of_other_pictures_may_begin_far_off(tmp_path: Path) -> None:
    """One that draws black where all is white now."""
    shape = VAEConfig(width=8, latent=8)
    network = VAE(shape)
    with torch.no_grad():
        network.decoder.last[1].weight.zero_()
        network.decoder.last[1].bias.fill_(-9)
    vae.save(tmp_path / "black", network, Mixture.fit(torch.randn(20, 8)), {}, "# Black\n")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(20):
        noise = np.random.default_rng(number).integers(240, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 64)).save(folder / f"{number:03}.png")
    assert run("vae", folder, tmp_path / "model", steps=3, start=str(tmp_path / "black")).outcome.notes == ()
