"""Making an output again from the recipe inside it."""

from __future__ import annotations

import dataclasses
import importlib
import logging
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from studio.errors import InputError
from studio.media import files
from studio.progress import Callback
from studio.recipe import Recipe, find_inputs, recipe_of

PIPELINES = {
    "style_transfer": "studio.pipelines.style_transfer:StyleTransferPipeline",
    "dcgan": "studio.pipelines.dcgan:DCGANPipeline",
    "vae": "studio.pipelines.vae:VAEPipeline",
    "walk": "studio.pipelines.walk:WalkPipeline",
    "projection": "studio.pipelines.projection:ProjectionPipeline",
    "directions": "studio.pipelines.directions:DirectionsPipeline",
    "melody": "studio.pipelines.melody:MelodyPipeline",
    "text": "studio.pipelines.text:TextPipeline",
}

_log = logging.getLogger("studio")


def remake(
    path: str | Path,
    *,
    folders: Iterable[str | Path] = (),
    model: str | Path | None = None,
    callback: Callback | None = None,
    keep_in: Path | None = None,
    target: Path | None = None,
) -> Any:
    """The result that `path` holds, made again: the same bytes when saved on the same machine and build.

    folders: where its inputs may lie, at any depth, beside the folder of `path` and the current one; they are known by
    their hashes. keep_in: as in the pipeline's call.
    target: where the result will be written, if that is known.
    Raises InputError when `path` has no recipe or an input is not found, OutputError when `target` is an input.
    """
    recipe = recipe_of(path)
    pipeline = _pipeline_of(recipe)
    inputs = find_inputs(recipe, map(Path, folders), nearby=[Path(path).parent, Path()])
    if target is not None:
        for source in chain.from_iterable(inputs.values()):
            files.check_distinct(target, source)
    result = pipeline.remake(recipe, inputs, model=model, callback=callback, keep_in=keep_in)
    _say_what_differs(recipe, result.recipe)
    # The inputs and the model were found by their hashes: whatever they are called here, the recipe's names stay.

    def named_as_before(made: Recipe) -> Recipe:
        return dataclasses.replace(made, inputs=recipe.inputs, model=recipe.model)

    renamed: dict[str, Any] = {"recipe": named_as_before(result.recipe)}
    if hasattr(result, "recipes"):  # those of each picture or tune alone: that is what goes into its file
        renamed["recipes"] = tuple(map(named_as_before, result.recipes))
    return dataclasses.replace(result, **renamed)


def _pipeline_of(recipe: Recipe) -> Any:
    if recipe.pipeline not in PIPELINES:
        raise InputError(
            f"This Studio has no pipeline {recipe.pipeline!r}; known are {', '.join(PIPELINES)}. Update Studio."
        )
    module, name = PIPELINES[recipe.pipeline].split(":")
    return getattr(importlib.import_module(module), name)


def _say_what_differs(recipe: Recipe, again: Recipe) -> None:
    other = [
        f"{key} {recipe.environment.get(key)}"
        for key, value in again.environment.items()
        if recipe.environment.get(key, value) != value  # an older Studio may have noted less
    ]
    if other:
        _log.warning("it was made with %s: it may differ in small things.", ", ".join(other))
