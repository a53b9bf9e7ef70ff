"""Directions: what a DCGAN or a VAE varies most, as a sheet that shows what each of them does.

    pipe = DirectionsPipeline.from_pretrained("my-model")
    pipe(count=6).save("sheet.png")

After GANSpace (Härkönen et al. 2020, arXiv:2004.02546): principal components of the first layer's activations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from studio.generation import layout
from studio.generation.draws import seeds_from
from studio.generation.parameters import DirectionsParameters
from studio.latent.directions import Directions, find_directions, sheet
from studio.pipelines.beside import BesideGenerator
from studio.pipelines.generator import ImageResult
from studio.pipelines.models import load_again
from studio.progress import Callback
from studio.recipe import Recipe

NAME = "directions"


@dataclasses.dataclass(frozen=True)
class DirectionsResult(ImageResult):
    """A sheet, the directions on it, and the latents and seeds of the pictures that they are shown on."""

    directions: Directions = dataclasses.field(kw_only=True)

    @property
    def in_words(self) -> str:
        """What there is to say of it, for people."""
        explained = float(self.directions.explained.sum())
        return f"{super().in_words}, {len(self.directions)} directions with {explained:.0%} of all variation"


class DirectionsPipeline(BesideGenerator):
    """The directions of a model. A call leaves no state behind."""

    parameters = DirectionsParameters

    def __call__(
        self,
        *,
        parameters: DirectionsParameters | None = None,
        callback: Callback | None = None,
        **options: Any,
    ) -> DirectionsResult:
        """Find the directions and draw them: for each some rows, with the picture itself in the middle of each row.

        parameters: a `DirectionsParameters`; options: fields of it by name, which take precedence.
        callback: never called; finding directions takes seconds. Raises InputError for what cannot be found or drawn.
        """
        chosen = parameters or DirectionsParameters()
        chosen = chosen.changed(**options) if options else chosen
        side, cells = self.generator.config.size, chosen.count * chosen.rows * chosen.columns
        layout.check_size((side, side), cells, chosen.columns, chosen.scale)
        space = self.generator.of_class(chosen.class_name)
        seeds = seeds_from(chosen.seed, chosen.rows)
        with self.generator.device.computing():
            directions = find_directions(space, samples=chosen.samples, count=chosen.count, seed=chosen.seed)
            sigmas = torch.linspace(-chosen.reach, chosen.reach, chosen.columns).tolist()
            image = layout.enlarged(sheet(space, directions, seeds, sigmas), chosen.scale)
        recipe = dataclasses.replace(self.generator.recipe(chosen), pipeline=NAME)
        latents = self.generator.latents_of(seeds).cpu()
        return DirectionsResult([image], latents, tuple(seeds), recipe, directions=directions)

    @classmethod
    def remake(
        cls,
        recipe: Recipe,
        inputs: Mapping[str, Sequence[Path]],
        *,
        model: str | Path | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
    ) -> DirectionsResult:
        """Run a recipe again. Raises ModelError if the model is another one."""
        chosen = DirectionsParameters(**recipe.parameters)
        return load_again(cls.from_pretrained, recipe, model)(parameters=chosen)
