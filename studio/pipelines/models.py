"""What every pipeline does with its model: saved as it came, and found again for a recipe."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from studio import device as devices
from studio import hub
from studio.errors import ModelError
from studio.media import files
from studio.recipe import Recipe, Source

_log = logging.getLogger("studio")


class Loaded(Protocol):
    """A pipeline with one model."""

    @property
    def model(self) -> Source:
        """The model as a recipe names it."""


_Pipeline = TypeVar("_Pipeline", bound=Loaded)


def load_again(load: Callable[..., _Pipeline], recipe: Recipe, model: str | Path | None) -> _Pipeline:
    """The pipeline that a recipe was made by: on the device, in the precision and with the threads that it names.

    load: its `from_pretrained`; model: where the model lies here, if not where the recipe says.
    Raises ModelError if it is another model.
    """
    made: dict[str, Any] = dict(recipe.environment)
    place, precision = made.get("device", "auto"), made.get("precision", "auto")
    if not devices.is_here(place):
        _log.warning("it was made on %s, which is not here.", place)
        place, precision = "auto", "auto"
    try:
        pipe = load(model or recipe.model.name, device=place, precision=precision, threads=made.get("threads"))
    except ModelError as error:
        raise ModelError(f"{error} If the model lies elsewhere, name its place with --model.") from None
    if pipe.model.sha256 != recipe.model.sha256:
        raise ModelError(
            f"The recipe's model {recipe.model.name} has SHA-256 {recipe.model.sha256[:12]}…, the one here "
            f"{pipe.model.sha256[:12]}…; give the right one with --model."
        )
    return pipe


def copy_model(model: hub.Model, folder: str | Path) -> Path:
    """A model folder once more: its weights, config, card and licence. Raises OutputError."""
    target = files.make_folder(folder)
    for path in sorted(model.folder.iterdir()):
        if path.is_file():
            files.write_bytes(target / path.name, path.read_bytes())
    return target
