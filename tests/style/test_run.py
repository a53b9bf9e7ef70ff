"""A whole run: the same bytes again, also after an interruption; time budgets; stopping early; regions; options."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.device import choose
from studio.errors import InputError
from studio.media.images import encode_picture
from studio.pipelines.style_transfer import StyleTransferPipeline, StyleTransferResult
from studio.progress import Progress
from studio.recipe import Source
from studio.remake import remake
from studio.style.parameters import StyleTransferParameters
from studio.style.run import _Clock
from tests.conftest import random_vgg

SMALL = {"size": 64, "smallest": 45, "steps": 3}  # two scales: 45 × 34 and 64 × 48


def saved(result: StyleTransferResult) -> bytes:
    return encode_picture(result.images[0], ".png", result.recipe.to_json())


@pytest.fixture
def inputs(picture: Callable[..., Path]) -> tuple[Path, list[Path]]:
    return picture("content.png", (64, 48), 1), [picture("one.png", (40, 40), 2), picture("two.png", (50, 40), 3)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "lbfgs"},
        {"init": "noise", "seed": 7},
        {"init": "style", "seed": 8, "keep_colors": "luminance"},
        {"keep_colors": "histogram", "pooling": "average"},
        {"keep_colors": "covariance", "coarse_to_fine": False},
        {"tile": 48, "seed": 3},
        {"style_weights": (3.0, 1.0), "averaging": 0.0, "tv_weight": 0.0},
        {"steps_at_scales": (2, 1)},
    ],
    ids=str,
)
def test_the_same_bytes_twice(
    random_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], options: dict[str, object]
) -> None:
    first, second = (saved(random_pipeline(*inputs, **(SMALL | options))) for _ in range(2))
    assert first == second
    other = random_pipeline(*inputs, **(SMALL | options | {"content_weight": 9.0}))
    assert saved(other) != first


def test_seeds_differ(random_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]]) -> None:
    one, two = (random_pipeline(*inputs, **SMALL, init="noise", seed=seed).images[0] for seed in (1, 2))
    assert one.tobytes() != two.tobytes()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    random_pipeline: StyleTransferPipeline,
    inputs: tuple[Path, list[Path]],
    tmp_path: Path,
    optimizer: str,
    stop_after: int,
) -> None:
    """Stopped at the first step, at a change of scale and near the end; then called again with the same checkpoint."""
    options = SMALL | {"optimizer": optimizer}
    whole = random_pipeline(*inputs, **options)
    keep_in = tmp_path / "kept"
    stopped = random_pipeline(
        *inputs, **options, keep_in=keep_in, callback=lambda progress: progress.step == stop_after
    )
    assert not stopped.finished
    steps = []
    resumed = random_pipeline(
        *inputs, **options, keep_in=keep_in, callback=lambda progress: steps.append(progress.step)
    )
    assert steps[0] == stop_after + 1
    assert saved(resumed) == saved(whole)
    assert resumed.losses == whole.losses


def test_a_checkpoint_of_another_run_is_not_taken_up(
    random_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    keep_in = tmp_path / "kept"
    random_pipeline(*inputs, **SMALL, keep_in=keep_in, callback=lambda progress: progress.step == 2)
    steps: list[int] = []
    random_pipeline(*inputs, **SMALL, seed=1, keep_in=keep_in, callback=lambda progress: steps.append(progress.step))
    assert steps[0] == 1


def test_stopping_gives_the_best_so_far_and_a_recipe_that_remakes_it(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return progress.step == 5

    result = shipped_pipeline(*inputs, **SMALL, callback=stop)
    assert not result.finished
    assert result.images[0].size == (64, 48)
    assert result.recipe.parameters["steps_at_scales"] == [3, 2]
    assert seen[-1].preview().tobytes() == result.images[0].tobytes()
    assert [progress.step for progress in seen] == [1, 2, 3, 4, 5]
    assert all(0 < progress.fraction < 1 and progress.steps == 6 for progress in seen)
    path = result.save(tmp_path / "stopped.png")
    assert remake(path).save(tmp_path / "again.png").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("minutes", [0.5, 1, 2, 30])
def test_few_minutes_go_to_coarse_scales_first(minutes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step at the finest of seven scales takes 10 s here."""
    now = 0.0
    monkeypatch.setattr("studio.style.run.time.monotonic", lambda: now)
    sizes = [(2**level, 64) for level in range(7)]
    clock, done = _Clock(StyleTransferParameters(minutes=minutes, steps=40), sizes, 0), [0] * 7
    clock.record(0, 10 / 64)
    for scale, width in enumerate(2**level for level in range(7)):
        if not clock.enter(scale):
            break
        while clock.allows_another(scale, done[scale]):
            now += 10 * width / 64
            done[scale] += 1
    monkeypatch.undo()
    assert now <= 60 * minutes and min(done) >= 1
    if minutes == 30:
        assert min(done) > 40 and max(done) - min(done) < 20  # as many at each
    else:
        assert done[0] >= 10 and done[0] >= done[1] >= done[2] > max(done[4:]) and now > 60 * minutes - 10


def test_minutes_are_kept_and_remade_without_them(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    began = time.monotonic()
    result = shipped_pipeline(*inputs, size=64, smallest=45, minutes=0.05)
    assert time.monotonic() - began < 3 + 2
    assert result.recipe.parameters["minutes"] is None
    assert len(result.recipe.parameters["steps_at_scales"]) == 2
    assert sum(result.recipe.parameters["steps_at_scales"]) == len(result.losses)
    path = result.save(tmp_path / "timed.png")
    assert remake(path).save(tmp_path / "again.png").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_remade_to_the_same_bytes_with_renamed_inputs(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], tmp_path: Path, suffix: str
) -> None:
    content, styles = inputs
    result = shipped_pipeline(content, styles, **SMALL, init_picture=styles[0], masks=[styles[1]], seed=5)
    path = result.save(tmp_path / f"made{suffix}")
    content.rename(tmp_path / "moved.png")
    assert remake(path).save(tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()


def test_a_run_whose_loss_is_no_number_says_so(inputs: tuple[Path, list[Path]]) -> None:
    device, network = choose("cpu", "float32"), random_vgg()
    network.convolution("conv1_1").weight.data.mul_(1e30)
    pipe = StyleTransferPipeline(device.place_network(network), Source("huge", "0" * 64), device)
    with pytest.raises(InputError, match=r"diverged at step 1 \(the loss is (nan|inf)\); use a smaller learning_rate"):
        pipe(*inputs, **SMALL)


def test_stopping_at_the_very_last_step_is_no_stop(
    random_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]]
) -> None:
    assert random_pipeline(*inputs, **SMALL, callback=lambda progress: progress.step == 6).finished


def test_the_loss_falls_and_the_picture_changes(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]]
) -> None:
    result = shipped_pipeline(*inputs, size=64, smallest=64, steps=15)
    assert result.losses[-1] < 0.5 * result.losses[0]


def test_the_optimisers_agree_on_where_to_go(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]]
) -> None:
    adam, lbfgs = (
        shipped_pipeline(*inputs, size=64, smallest=64, steps=25, optimizer=optimizer).losses
        for optimizer in ("adam", "lbfgs")
    )
    assert adam[0] == lbfgs[0]
    assert lbfgs[-1] < 0.6 * lbfgs[0]
    assert lbfgs[-1] == pytest.approx(adam[-1], rel=0.2)


def test_nothing_happens_outside_the_masks(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]], picture: Callable[..., Path]
) -> None:
    from PIL import Image

    content, styles = inputs
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :24] = 255
    result = shipped_pipeline(content, styles[0], masks=[Image.fromarray(mask)], **SMALL)
    before, after = np.asarray(Image.open(content).convert("RGB")), np.asarray(result.images[0])
    assert np.array_equal(before[:, 28:], after[:, 28:])
    assert np.abs(before[:, :20].astype(int) - after[:, :20]).mean() > 2


def test_each_mask_gets_its_own_style(shipped_pipeline: StyleTransferPipeline, picture: Callable[..., Path]) -> None:
    from PIL import Image

    content = picture("grey.png", (64, 64), 1, "L")
    grain = np.random.default_rng(0).integers(60, 256, (64, 64), dtype=np.uint8)
    red, blue = (
        Image.merge("RGB", [Image.fromarray(grain if band == lit else grain // 8) for band in range(3)])
        for lit in (0, 2)
    )
    left = np.zeros((64, 64), np.uint8)
    left[:, :32] = 255
    masks = [Image.fromarray(left), Image.fromarray(255 - left)]
    image = shipped_pipeline(
        content, [red, blue], masks=masks, size=64, smallest=64, steps=30, content_weight=0.0
    ).images[0]
    pixels = np.asarray(image).astype(int)
    assert (pixels[:, :24, 0] - pixels[:, :24, 2]).mean() > 40
    assert (pixels[:, 40:, 2] - pixels[:, 40:, 0]).mean() > 40


def test_threads_do_not_change_the_bytes_in_float32(inputs: tuple[Path, list[Path]]) -> None:
    """On one machine the convolutions split work over pixels, not over sums: one thread and two agree."""
    results = []
    for threads in (1, 2):
        pipe = StyleTransferPipeline.from_pretrained(device="cpu", precision="float32", threads=threads)
        results.append(pipe(*inputs, **SMALL).images[0].tobytes())
    assert results[0] == results[1]


def test_this_processors_precision_looks_the_same(
    shipped_pipeline: StyleTransferPipeline, inputs: tuple[Path, list[Path]]
) -> None:
    """Where the processor multiplies in a reduced precision, the loss reached is within 5 % of float32's."""
    chosen = choose("cpu")
    pipe = StyleTransferPipeline.from_pretrained(device="cpu")
    options = {"size": 96, "smallest": 48, "steps": 20}
    exact, fast = shipped_pipeline(*inputs, **options), pipe(*inputs, **options)
    assert fast.losses[-1] == pytest.approx(exact.losses[-1], rel=1e-6 if chosen.precision == "float32" else 0.05)
