"""The settings inside a result, for the widgets of a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import InputError
from studio.recipe import Recipe, Source, find_inputs, recipe_of
from studio.style.parameters import StyleTransferParameters


@dataclass(frozen=True)
class Restored:
    """What a result tells: every parameter, its inputs (None for those that are no samples), and what to give again."""

    parameters: Mapping[str, Any]
    content: str | None
    styles: Sequence[str | None]
    weights: Sequence[float]
    words: str


def restored(path: Path, samples: Path, max_styles: int) -> Restored:
    """Read the recipe of a style transfer out of a picture. Raises InputError if there is none of that kind."""
    recipe = recipe_of(path)
    if recipe.pipeline != "style_transfer":
        raise InputError(f"{path} was made by {recipe.pipeline}, not by style transfer.")
    parameters = StyleTransferParameters(**recipe.parameters)  # checked: a recipe may come from anyone
    styles = recipe.inputs.get("styles", ())
    if len(styles) > max_styles:
        raise InputError(f"{path} was made from {len(styles)} styles; this page takes up to {max_styles}.")
    found = {source: _sample(recipe, source, samples) for sources in recipe.inputs.values() for source in sources}
    missing = [
        f"the {in_words} {source.name or '(a picture without a name)'}"
        for role, in_words in _ROLES.items()
        for source in recipe.inputs.get(role, ())
        if found[source] is None or role not in ("content", "styles")
    ]
    contents = recipe.inputs.get("content", ())
    return Restored(
        # Tiles were chosen for that size and that machine; the page chooses them again.
        parameters=parameters.changed(tile=None).to_dict(),
        content=found[contents[0]] if contents else None,
        styles=[found[source] for source in styles],
        weights=parameters.style_weights,
        words=(f"Settings restored. Give again {', '.join(missing)}." if missing else "Settings and pictures restored.")
        + (" Its steps at each scale are under More settings." if parameters.steps_at_scales else ""),
    )


_ROLES = {"content": "photograph", "styles": "painting", "masks": "mask", "init_picture": "picture to start from"}


def _sample(recipe: Recipe, source: Source, folder: Path) -> str | None:
    """The file of an input that came from the samples."""
    try:
        return str(find_inputs(dataclasses.replace(recipe, inputs={"it": (source,)}), [folder])["it"][0])
    except InputError:
        return None
