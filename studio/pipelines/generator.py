"""What DCGANs and VAEs have in common: pictures by seeds, one class or several, and a latent space for the tools.

A base class, against the habit of this house: all but two steps, how a latent is drawn and which network decodes it, is
the same, and a pipeline should have all of its methods in sight of whoever completes its name.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from PIL import Image
from torch import Tensor, nn
from torch.func import functional_call

from studio import device as devices
from studio import hub
from studio.data.tensors import to_pictures
from studio.device import Device
from studio.errors import InputError
from studio.generation import layout
from studio.generation.draws import seeds_from
from studio.generation.parameters import DIRECTIONS, DIRECTIONS_SAMPLES, DIRECTIONS_SEED, ManyParameters
from studio.latent.directions import Directions, find_directions
from studio.media import files, images
from studio.parameters import Parameters
from studio.pipelines.models import copy_model, load_again
from studio.progress import Callback, Progress
from studio.recipe import Recipe, Source, environment

PictureLike = str | Path | Image.Image
NAMED = 12  # classes that an error lists


@dataclasses.dataclass(frozen=True)
class ImageResult:
    """What a call made.

    images: of mode RGB, or L from a model of grey pictures; a grid is one picture.
    latents: (N, L) float32 on the CPU, or (N, L, high, wide), of the N pictures or of those in the grid;
    seeds: of each, or () where pictures were given; recipe: what made all of it;
    recipes: of several pictures, what makes each of them alone; finished: False if it was stopped before its end.
    """

    images: list[Image.Image]
    latents: Tensor
    seeds: tuple[int, ...]
    recipe: Recipe
    recipes: tuple[Recipe, ...] = ()
    finished: bool = True

    def save(self, path: str | Path) -> Path:
        """Write one picture into a file (.png, .jpg, .webp), or any number into a folder as NAME-0000.png and so on.

        Each file holds its own recipe. Raises OutputError.
        """
        places = layout.targets(path, len(self.images))
        recipes = self.recipes if len(self.images) > 1 else (self.recipe,)
        if places != [Path(path)]:
            files.make_folder(path)
        for image, place, recipe in zip(self.images, places, recipes, strict=True):
            images.write_picture(image, place, recipe.to_json())
        return Path(path)

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        width, height = self.images[0].size
        return {"width": width, "height": height, "count": len(self.images), "finished": self.finished}

    @property
    def in_words(self) -> str:
        """The same for people: "4 pictures of 64 × 64"."""
        size = f"{self.images[0].width} × {self.images[0].height}"
        return size if len(self.images) == 1 else f"{len(self.images):,} pictures of {size}"


class GeneratorPipeline(ABC):
    """A model that makes pictures out of latents; a `studio.latent.space.LatentSpace`. A call leaves no state behind.

    Latents are decoded one after another: in company layers round differently, and the same seed should give the same.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[type[ManyParameters]]

    def __init__(self, model: Source, device: Device, origin: hub.Model | None = None) -> None:
        self.model, self.device, self.origin = model, device, origin
        self._directions: dict[str, Directions] = {}
        self._finding = threading.Lock()

    @classmethod
    def from_pretrained(
        cls, model: str | Path, *, device: str = "auto", precision: str = "auto", threads: int | None = None
    ) -> Self:
        """Load a model of this kind: a shipped one, a folder, or a hub id.

        device, precision, threads: as in `studio.device.choose`; "auto" is float32 here, for pictures of 8 bits need
        more than the 8 bits of a shorter number. Raises ModelError and DeviceError.
        """
        chosen = devices.choose(device, "float32" if precision == "auto" else precision, threads)
        return cls._loaded(hub.find(model), chosen)

    def __call__(
        self, *, parameters: ManyParameters | None = None, callback: Callback | None = None, **options: Any
    ) -> ImageResult:
        """Make pictures. Picture k of seed s is picture 0 of seed s + k, bit for bit, however many are made at once.

        Where the model has classes, they come in turn: picture 0 is of the first that is asked for.
        parameters: an object of this pipeline's `parameters`; options: fields of it by name, which take precedence.
        callback: called after each picture with a `Progress`; returning True stops, and those made come back.
        Raises InputError for anything that cannot be used, before any work begins.
        """
        chosen = self._resolved(parameters, options)
        labels = self.labels_of(chosen.classes, chosen.count)
        columns = layout.columns_of(chosen.count, chosen.columns) if chosen.grid else None
        layout.check_size(self.size_of(chosen), chosen.count, columns, chosen.scale)
        if len(chosen.moves) > (most := min(DIRECTIONS, self.latent_size)):
            raise InputError(f"Expected at most {most} moves, one along each direction, got {len(chosen.moves)}.")
        if chosen.same_latent and not self.classes:
            raise InputError(f"{self.model.name} has no classes: of one latent every picture would be the same.")
        seeds = [chosen.seed] * chosen.count if chosen.same_latent else seeds_from(chosen.seed, chosen.count)
        drawn = [self.draw(seed, chosen) for seed in seeds]
        if any(chosen.moves):
            names = [self.classes[label] for label in labels] if labels else [""] * len(drawn)
            drawn = [self._moved(latent, chosen.moves, name) for latent, name in zip(drawn, names, strict=True)]
        latents = torch.stack(drawn)
        made = list(self.pictures(latents, self.mix_of(labels), chosen.scale, callback))
        finished = len(made) == chosen.count
        latents, seeds = latents[: len(made)], seeds[: len(made)]
        recipe = self.recipe(chosen.changed(count=len(made)))
        if chosen.grid:
            whole = layout.page(made, chosen.columns, layout.GAP * chosen.scale)
            return ImageResult([whole], latents, tuple(seeds), recipe, finished=finished)
        alone = [{"count": 1, "seed": seed, **self._class_of(labels, number)} for number, seed in enumerate(seeds)]
        recipes = tuple(self.recipe(chosen.changed(**changes)) for changes in alone)
        return ImageResult(
            made, latents, tuple(seeds), recipes[0] if len(made) == 1 else recipe, recipes, finished=finished
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
    ) -> ImageResult:
        """Run a recipe again, on the device, in the precision and with the threads that it names.

        inputs: role → files, as `studio.recipe.find_inputs` gives them. Raises ModelError if the model is another one.
        """
        chosen = cls.parameters(**recipe.parameters)
        return load_again(cls.from_pretrained, recipe, model)(parameters=chosen, callback=callback)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the model as a folder that `from_pretrained` loads, as it was loaded. Raises OutputError."""
        return copy_model(self.origin, folder) if self.origin else self._save(files.make_folder(folder))

    def push_to_hub(self, hub_id: str, *, private: bool = False) -> str:
        """Upload the model to the Hugging Face hub as `owner/name`; returns its address. Needs a login."""
        return hub.push(self.save_pretrained, hub_id, private=private)

    @property
    @abstractmethod
    def decoder(self) -> nn.Module:
        """Latents and labels → pictures in [-1, 1], with a method `hidden` and an `embedding` of the classes."""

    @property
    @abstractmethod
    def config(self) -> Any:
        """The shape of the network: size, channels, latent, classes."""

    @abstractmethod
    def draw(self, seed: int, chosen: Parameters) -> Tensor:
        """(L,), or (L, high, wide) for a grid: the latent of a seed, float32 on the CPU.

        chosen: this pipeline's parameters, or others with the same fields.
        """

    @abstractmethod
    def encode(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor | None:
        """(N, C, S, S) in [-1, 1] → (N, L), or None from a model that has no encoder."""

    def size_of(self, chosen: Parameters) -> tuple[int, int]:
        """Width and height of a picture before it is enlarged."""
        return self.config.size, self.config.size

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the model's classes; () where it has none."""
        return tuple(self.config.classes)

    @property
    def latent_size(self) -> int:
        """How many numbers a latent has: L."""
        return int(self.config.latent)

    def latents_of(self, seeds: Sequence[int]) -> Tensor:
        """(N, L) float32 on the device: the latent of each seed, the same in any company."""
        return self.device.place(torch.stack([self.draw(seed, self.parameters()) for seed in seeds]))

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(N, L) and classes (N,)  →  (N, C, S, S) float32 in [-1, 1]. Differentiable where gradients are enabled.

        labels: numbers of classes; the first class where none are given; left aside by a model without classes.
        """
        numbers = self._labels(labels, len(latents))
        each: Sequence[Tensor | None] = [None] * len(latents) if numbers is None else torch.split(numbers, 1)
        made = [
            self.decoder(self._placed(latent), one) for latent, one in zip(torch.split(latents, 1), each, strict=True)
        ]
        return torch.cat(made).float()

    def decode_mixed(self, latents: Tensor, mix: Tensor) -> Tensor:
        """The same with parts of classes (N, K): [0.5, 0.5] is half way from the first to the second."""
        embedding: Tensor = self.decoder.get_parameter("embedding.weight")
        only = torch.zeros(1, dtype=torch.long, device=self.device.location)
        made = []
        for latent, parts in zip(torch.split(latents, 1), torch.split(mix.to(embedding), 1), strict=True):
            made.append(
                functional_call(self.decoder, {"embedding.weight": parts @ embedding}, (self._placed(latent), only))
            )
        return torch.cat(made).float()

    def activations(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(N, L) and classes (N,)  →  (N, F): the first feature map, flattened."""
        hidden: Tensor = self.decoder.hidden(self._placed(latents), self._labels(labels, len(latents)))  # type: ignore[operator]
        return hidden.flatten(1).float()

    def of_class(self, name: str) -> OneClass:
        """The latent space of one class; "" for the first one, or for a model without classes."""
        labels = self.labels_of((name,) if name else (), 1)
        return OneClass(self, torch.tensor(labels) if labels else None)

    def directions(self, class_name: str = "") -> Directions:
        """The directions that `moves` go along: of one class, or of a model without. Found once, which takes seconds.

        They are those that a sheet of `studio.pipelines.directions` shows unless asked otherwise. Raises InputError.
        """
        with self._finding:
            if class_name not in self._directions:
                with self.device.computing():
                    self._directions[class_name] = find_directions(
                        self.of_class(class_name),
                        samples=DIRECTIONS_SAMPLES,
                        count=min(DIRECTIONS, self.latent_size),
                        seed=DIRECTIONS_SEED,
                    )
            return self._directions[class_name]

    def labels_of(self, names: Sequence[str], count: int) -> list[int] | None:
        """The class numbers of `count` pictures: `names` in turn, or all; None for a model without classes.

        Raises InputError for a name that is unknown.
        """
        if names and not self.classes:
            raise InputError(f"{self.model.name} has no classes; leave {', '.join(names)} out.")
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            more = f" and {len(self.classes) - NAMED} more" if len(self.classes) > NAMED else ""
            raise InputError(
                f"{self.model.name} has no class {unknown[0]!r}; it has {', '.join(self.classes[:NAMED])}{more}."
            )
        if not self.classes:
            return None
        turn = [self.classes.index(name) for name in names] or list(range(len(self.classes)))
        return [turn[number % len(turn)] for number in range(count)]

    def mix_of(self, labels: Sequence[int] | None) -> Tensor | None:
        """Class numbers (N,)  →  the parts of each class (N, K), 1 for its own; None stays None."""
        return None if labels is None else torch.eye(len(self.classes))[list(labels)]

    def pictures(
        self,
        latents: Tensor,
        mix: Tensor | None = None,
        scale: int = 1,
        callback: Callback | None = None,
        stage: str = "making pictures",
    ) -> Iterator[Image.Image]:
        """The picture of each latent, enlarged; one after another, until the callback says stop."""
        began, count = time.monotonic(), len(latents)
        for number in range(count):
            one = slice(number, number + 1)
            with self.device.computing(), torch.no_grad():
                made = self.decode(latents[one]) if mix is None else self.decode_mixed(latents[one], mix[one])
                picture = layout.enlarged(to_pictures(made)[0], scale)
            yield picture
            if callback and callback(progress(number + 1, count, began, stage, picture)):
                return

    def recipe(self, chosen: Parameters, inputs: Mapping[str, tuple[Source, ...]] | None = None) -> Recipe:
        """What makes pictures with these parameters by this pipeline."""
        return Recipe(self.name, chosen.to_dict(), self.model, inputs or {}, environment(self.device.environment()))

    @classmethod
    @abstractmethod
    def _loaded(cls, found: hub.Model, device: Device) -> Self:
        """A pipeline of a model's networks, in float32 on the CPU when they come from the zoo."""

    @abstractmethod
    def _save(self, folder: Path) -> Path:
        """Write a network that was never in a folder."""

    def _resolved(self, parameters: ManyParameters | None, options: dict[str, Any]) -> Any:
        chosen = parameters or self.parameters()
        if not isinstance(chosen, self.parameters):
            raise InputError(f"Expected {self.parameters.__name__}, got {type(chosen).__name__}.")
        return chosen.changed(**options) if options else chosen

    def _moved(self, latent: Tensor, moves: Sequence[float], class_name: str) -> Tensor:
        """(L,) or (L, high, wide): a latent so many deviations along each direction; one of 0 leaves it bit for bit."""
        for index, move in enumerate(moves):
            if move:
                step = self.directions(class_name).step(index, move)
                latent = latent + step.reshape(-1, *[1] * (latent.ndim - 1))
        return latent

    def _class_of(self, labels: list[int] | None, number: int) -> dict[str, Any]:
        return {"classes": (self.classes[labels[number]],)} if labels else {}

    def _placed(self, latents: Tensor) -> Tensor:
        return latents.to(self.device.location, self.device.dtype)

    def _labels(self, labels: Tensor | None, count: int) -> Tensor | None:
        if not self.classes:
            return None
        return (torch.zeros(count, dtype=torch.long) if labels is None else labels).to(self.device.location)


@dataclasses.dataclass(frozen=True)
class OneClass:
    """The latent space of one class of a model, as the tools of `studio.latent` see it."""

    pipe: GeneratorPipeline
    label: Tensor | None

    @property
    def latent_size(self) -> int:
        """How many numbers a latent has."""
        return self.pipe.latent_size

    def latents_of(self, seeds: Sequence[int]) -> Tensor:
        """(N, L): the latent of each seed."""
        return self.pipe.latents_of(seeds)

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(N, L)  →  (N, C, S, S) in [-1, 1]."""
        return self.pipe.decode(latents, self._labels(labels, latents))

    def activations(self, latents: Tensor) -> Tensor:
        """(N, L)  →  (N, F)."""
        return self.pipe.activations(latents, self._labels(None, latents))

    def encode(self, pictures: Tensor) -> Tensor | None:
        """(N, C, S, S) in [-1, 1]  →  (N, L), or None."""
        return self.pipe.encode(pictures, self._labels(None, pictures))

    def _labels(self, labels: Tensor | None, like: Tensor) -> Tensor | None:
        return labels if labels is not None or self.label is None else self.label.expand(len(like))


def progress(step: int, steps: int, began: float, stage: str, picture: Image.Image) -> Progress:
    """Where work on pictures stands that has no loss; began: on the monotonic clock."""
    elapsed = time.monotonic() - began
    remaining = elapsed / step * (steps - step)
    return Progress(step, steps, step / steps, elapsed, remaining, math.nan, stage, lambda: picture)
