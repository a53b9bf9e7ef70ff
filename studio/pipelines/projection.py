"""Projection: the latent of a DCGAN or a VAE that comes closest to a picture, and the picture that it gives.

    pipe = ProjectionPipeline.from_pretrained("my-model")
    pipe("face.png", beside=True).save("closest.png")

The search moves the latent until its picture looks like the given one, to VGG-19 and pixel by pixel
(`studio.latent.projection`). What a model never learnt has no latent: the closest is what it knows of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from studio import hub
from studio.data.tensors import to_pictures
from studio.device import Device
from studio.errors import InputError
from studio.generation import layout
from studio.generation.parameters import ProjectionParameters
from studio.latent.projection import Distance, Projection, project
from studio.losses.perceptual import perceptual_distance
from studio.pipelines.beside import BesideGenerator
from studio.pipelines.generator import GeneratorPipeline, ImageResult, OneClass, PictureLike
from studio.pipelines.inputs import opened, to_square
from studio.pipelines.models import load_again
from studio.progress import Callback, Progress
from studio.recipe import Recipe, source_of
from studio.zoo.vgg import vgg_of

NAME = "projection"
EYE = "vgg19"


@dataclasses.dataclass(frozen=True)
class ProjectionResult(ImageResult):
    """The picture of the closest latent, its latent (1, L), and its `distance`: 0 where nothing is left to find."""

    distance: float = 0.0

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        return {**super().facts, "distance": self.distance}

    @property
    def in_words(self) -> str:
        """The same for people."""
        return f"{super().in_words}, at a distance of {self.distance:.3g}"


class ProjectionPipeline(BesideGenerator):
    """The search for a picture's latent. A call leaves no state behind."""

    parameters = ProjectionParameters

    def __call__(
        self,
        picture: PictureLike,
        *,
        parameters: ProjectionParameters | None = None,
        callback: Callback | None = None,
        **options: Any,
    ) -> ProjectionResult:
        """Search. The middle of the picture is brought to the size that the model makes.

        parameters: a `ProjectionParameters`; options: fields of it by name, which take precedence.
        callback: called after each step; returning True stops, and the best so far comes back.
        Raises InputError for anything that cannot be used, before any work begins.
        """
        chosen = parameters or ProjectionParameters()
        chosen = chosen.changed(**options) if options else chosen
        config, shown = self.generator.config, 2 if chosen.beside else 1
        layout.check_size((config.size, config.size), shown, shown, chosen.scale)
        space = self.generator.of_class(chosen.class_name)
        source = opened(picture, chosen.background)
        square = to_square(source.image, config.size, config.channels)[None]
        made = _Steps(callback, chosen.stop_after)
        features = perceptual(self.generator.device) if chosen.features else None
        found = search(self.generator, space, square, chosen, features, made)
        if made.stopped:
            chosen = chosen.changed(stop_after=made.count)
        pictures = [*(to_pictures(square) if chosen.beside else ()), *to_pictures(found.picture)]
        image = layout.page([layout.enlarged(one, chosen.scale) for one in pictures], shown, layout.GAP * chosen.scale)
        recipe = self.generator.recipe(chosen, {"picture": (source_of(source),)})
        sees = {EYE: hub.find(EYE).sha256} if chosen.features else {}
        recipe = dataclasses.replace(recipe, pipeline=NAME, environment={**recipe.environment, **sees})
        return ProjectionResult(
            [image], found.latent.cpu(), (), recipe, finished=not made.stopped, distance=found.distance
        )

    @classmethod
    def remake(
        cls,
        recipe: Recipe,
        inputs: Mapping[str, Sequence[Path]],
        *,
        model: str | Path | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
    ) -> ProjectionResult:
        """Run a recipe again. Raises ModelError if the model is another one."""
        if not inputs.get("picture"):
            raise InputError("The recipe names no picture; it was changed or cut off.")
        chosen = ProjectionParameters(**recipe.parameters)
        pipe = load_again(cls.from_pretrained, recipe, model)
        return pipe(inputs["picture"][0], parameters=chosen, callback=callback)


def search(
    generator: GeneratorPipeline,
    space: OneClass,
    square: Tensor,
    chosen: ProjectionParameters,
    features: Distance | None,
    callback: Callback | None,
) -> Projection:
    """The latent of a picture (1, C, S, S) in [-1, 1]."""
    with generator.device.computing():
        return project(
            space,
            square,
            steps=chosen.steps,
            starts=chosen.starts,
            learning_rate=chosen.learning_rate,
            features=features,
            seed=chosen.seed,
            callback=callback,
        )


def perceptual(device: Device) -> Distance:
    """How far two pictures are apart for VGG-19, in float32. Raises ModelError."""
    network = dataclasses.replace(device, precision="float32").place_network(vgg_of(hub.find(EYE)))
    return lambda made, goal: perceptual_distance(network.requires_grad_(False), made, goal)


class _Steps:
    """A callback that counts, and stops where it is told to; `stopped` if someone else did."""

    def __init__(self, callback: Callback | None, last: int | None) -> None:
        self.callback, self.last, self.count, self.stopped = callback, last, 0, False

    def __call__(self, progress: Progress) -> bool:
        self.count = progress.step
        asked = bool(self.callback and self.callback(progress))
        self.stopped = asked and progress.step < min(progress.steps, self.last or progress.steps)
        return asked or progress.step == self.last
