"""Settings out of a result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import InputError
from studio.media import images
from studio.recipe import Recipe, Source, source_of
from studio.style.parameters import StyleTransferParameters
from studio.ui.restore import restored
from studio.ui.samples import samples, samples_folder

CONTENT, STYLE = (next(iter(samples(kind).values())).path for kind in ("content", "style"))


def recipe(**parameters: object) -> Recipe:
    known = {role: (source_of(images.open_picture(path)),) for role, path in (("content", CONTENT), ("styles", STYLE))}
    return Recipe("style_transfer", StyleTransferParameters(**parameters).to_dict(), Source("vgg19", "0" * 64), known)  # type: ignore[arg-type]


def saved(folder: Path, made: Recipe, suffix: str = ".png") -> Path:
    return images.write_picture(Image.new("RGB", (8, 8)), folder / f"result{suffix}", made.to_json())


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_every_setting_and_the_samples_come_back(tmp_path: Path, suffix: str) -> None:
    found = restored(saved(tmp_path, recipe(seed=2**60 + 1, size=200, minutes=0.5), suffix), samples_folder(), 4)
    assert found.parameters == StyleTransferParameters(seed=2**60 + 1, size=200, minutes=0.5).to_dict()
    assert Path(found.content or "") == CONTENT and [Path(style or "") for style in found.styles] == [STYLE]
    assert found.words == "Settings and pictures restored."


def test_pictures_that_are_no_samples_are_asked_for_by_name(tmp_path: Path) -> None:
    made = recipe(style_weights=(3.0, 1.0))
    mine, mask = Source("mine.jpg", "a" * 64), Source("m.png", "b" * 64)
    inputs = {**made.inputs, "styles": (mine, *made.inputs["styles"]), "masks": (mask,)}
    found = restored(saved(tmp_path, dataclasses.replace(made, inputs=inputs)), samples_folder(), 4)
    assert found.words == "Settings restored. Give again the painting mine.jpg, the mask m.png."
    assert found.styles[0] is None and Path(found.styles[1] or "") == STYLE and list(found.weights) == [3.0, 1.0]


def test_a_picture_without_a_recipe_is_refused(picture: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="carries no recipe"):
        restored(picture(), samples_folder(), 4)


def test_a_recipe_with_bad_values_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    good = recipe()
    for bad, words in [
        (dataclasses.replace(good, parameters={**good.parameters, "size": 10**9}), "size"),
        (dataclasses.replace(good, parameters={**good.parameters, "size": "<script>"}), "size"),
        (dataclasses.replace(good, parameters={"evil": 1}), "unknown parameter"),
        (dataclasses.replace(good, pipeline="music"), "not by style transfer"),
        (dataclasses.replace(good, inputs={**good.inputs, "styles": good.inputs["styles"] * 5}), "5 styles"),
    ]:
        with pytest.raises(InputError, match=words):
            restored(saved(tmp_path, bad), samples_folder(), 4)
