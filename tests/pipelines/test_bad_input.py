"""What the pipeline cannot use is refused before any work begins, whatever it was handed as."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.errors import InputError
from studio.pipelines.style_transfer import StyleTransferPipeline
from studio.progress import Progress
from studio.recipe import Source
from studio.style.parameters import StyleTransferParameters

Maker = Callable[..., Path]


def plain(size: tuple[int, int] = (32, 32), color: str = "olive") -> Image.Image:
    return Image.new("RGB", size, color)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"styles": []}, "Expected at least one style"),
        ({"styles": ()}, "Expected at least one style"),
        ({"masks": [plain()] * 3}, "3 masks for 2 styles: give none, one for all, or one for each"),
        ({"style_weights": (1,)}, "1 style weights for 2 styles"),
        ({"style_weights": (0, 0)}, "The style weights sum to 0"),
        ({"content_layers": {"relu0_0": 1}}, "Unknown layer 'relu0_0'"),
        ({"content_layers": {"relu4_2": 0}, "style_layers": {"relu1_1": 0}}, "Every layer has weight 0"),
        ({"init": "picture"}, "give both init='picture' and the picture"),
        ({"init_picture": plain(), "init": "noise"}, "give both init='picture' and the picture"),
        ({"content": plain((15, 400))}, "15 × 400: expected at least 16 pixels on each side"),
        ({"content": plain((400, 1))}, "400 × 1: expected at least 16 pixels on each side"),
        ({"content": plain((400, 16))}, "becomes 32 × 1 at size 32"),
        ({"styles": [plain(), plain((8, 8))]}, "8 × 8: expected at least 16 pixels"),
        ({"init_picture": plain((8, 8))}, "8 × 8: expected at least 16 pixels"),
        ({"content": "missing.png"}, "There is no file missing.png"),
        ({"content": "http://127.0.0.1/picture.png"}, "There is no file http:"),
        ({"size": 10**6}, "size: should be less than or equal to 8192"),
        ({"steps": -1}, "steps: should be greater than or equal to 1"),
        ({"content_weight": float("nan")}, "content_weight: should be a finite number"),
        ({"brush": 3}, "unknown parameter 'brush'"),
        ({"steps_at_scales": (0,)}, "steps"),
    ],
    ids=str,
)
def test_refused_in_one_line_before_any_work(
    random_pipeline: StyleTransferPipeline, given: dict[str, Any], words: str
) -> None:
    steps: list[Progress] = []
    usual = {"content": plain(), "styles": [plain(color="navy"), plain(color="red")], "size": 32, "steps": 1}
    with pytest.raises(InputError) as refused:
        random_pipeline(**(usual | given), callback=lambda progress: steps.append(progress))
    assert words in str(refused.value) and "\n" not in str(refused.value)
    assert not steps


def test_the_limit_of_megapixels_is_an_option(random_pipeline: StyleTransferPipeline, picture: Maker) -> None:
    path = picture(size=(200, 100))
    with pytest.raises(InputError, match="raise --max-megapixels"):
        random_pipeline(path, [plain()], size=32, steps=1, max_megapixels=0.019)
    assert random_pipeline(path, [plain()], size=32, steps=1, max_megapixels=0.02).finished


def test_the_colour_under_transparency_is_an_option(random_pipeline: StyleTransferPipeline) -> None:
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    with pytest.raises(InputError, match="Unknown colour 'grue'"):
        random_pipeline(clear, [plain()], size=32, steps=1, background="grue")


def test_an_animation_and_a_mask_of_another_size_work_and_it_is_said(
    random_pipeline: StyleTransferPipeline, tmp_path: Path, picture: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    plain().save(tmp_path / "a.gif", save_all=True, append_images=[plain(color="red")])
    with caplog.at_level(logging.INFO, "studio"):
        result = random_pipeline(
            tmp_path / "a.gif", plain(color="navy"), masks=[picture("m.png", mode="L")], size=32, steps=1
        )
    assert result.finished and result.images[0].size == (32, 32) and len(result.losses) == 1
    assert "is animated with 2 frames; taking the first." in caplog.text
    assert "mask m.png is 48 × 32; resizing it to 32 × 32." in caplog.text


def test_parameters_and_options_together(random_pipeline: StyleTransferPipeline) -> None:
    chosen = StyleTransferParameters(size=32, steps=2, seed=5)
    result = random_pipeline(plain(), [plain(color="navy")], parameters=chosen, steps=1)
    assert (result.recipe.parameters["steps"], result.recipe.parameters["seed"]) == (1, 5)
    assert len(result.losses) == 1 and chosen.steps == 2


def test_the_recipe_of_a_call_names_its_inputs(random_pipeline: StyleTransferPipeline, picture: Maker) -> None:
    path = picture("photo.png")
    recipe = random_pipeline(str(path), [path, plain()], size=32, steps=1).recipe
    assert recipe.pipeline == "style_transfer" and recipe.model == Source("random", "0" * 64)
    assert [source.name for source in recipe.inputs["styles"]] == ["photo.png", ""]
    assert recipe.inputs["content"][0] == recipe.inputs["styles"][0] and set(recipe.inputs) == {"content", "styles"}
