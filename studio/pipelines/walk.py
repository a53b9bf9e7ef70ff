"""Walks: films that lead through the latent space of a DCGAN or a VAE, from keyframe to keyframe.

    pipe = WalkPipeline.from_pretrained("my-model")
    pipe(keyframes=6, seconds=12, seed=7).save("film.mp4")

Keyframes are latents of seeds, or of pictures: a VAE encodes them, for a DCGAN they are searched for. Frames are made
while they are written, so that a film takes no more memory than a picture.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from studio.errors import InputError, StoppedError
from studio.generation.draws import between, seeds_from
from studio.generation.parameters import ProjectionParameters, WalkParameters
from studio.latent.walk import walk
from studio.media.images import Picture
from studio.pipelines.beside import BesideGenerator
from studio.pipelines.generator import GeneratorPipeline, PictureLike
from studio.pipelines.generators import fitting
from studio.pipelines.inputs import opened, to_square
from studio.pipelines.models import load_again
from studio.pipelines.projection import perceptual, search
from studio.progress import Callback, Progress
from studio.recipe import Recipe, source_of

NAME = "walk"
KEYFRAMES = 6
LONGEST_SIDE = 4096  # pixels; players end there
MOST_NUMBERS = 100_000_000  # in the latents of all frames, and of all keyframes


@dataclasses.dataclass(frozen=True)
class WalkResult:
    """A film that is made while it is read or written.

    latents: (frames, L), or (frames, L, high, wide), float32 on the CPU; keyframes: the same of the keyframes;
    size: width and height of a frame; fps: frames a second; recipe: what made it.
    """

    recipe: Recipe
    latents: Tensor
    keyframes: Tensor
    size: tuple[int, int]
    fps: int
    make: Callable[[], Iterator[Image.Image]] = dataclasses.field(repr=False)
    finished: bool = True

    @property
    def frames(self) -> Iterator[Image.Image]:
        """The frames from the first on, each made when it is asked for. Raises StoppedError if the callback says so."""
        return self.make()

    def save(self, path: str | Path) -> Path:
        """Make the film and write it as H.264 in an .mp4, with its recipe. Raises OutputError, and StoppedError."""
        from studio.media import video  # FFmpeg's libraries load slowly, and most results are no films

        return video.write_video(self.frames, path, fps=self.fps, recipe=self.recipe.to_json())

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        width, height = self.size
        return {"width": width, "height": height, "frames": len(self.latents), "fps": self.fps, "finished": True}

    @property
    def in_words(self) -> str:
        """The same for people."""
        return f"{self.size[0]} × {self.size[1]}, {len(self.latents):,} frames at {self.fps} a second"


class WalkPipeline(BesideGenerator):
    """Films by a DCGAN or a VAE. A call leaves no state behind."""

    parameters = WalkParameters

    def __call__(
        self,
        *,
        pictures: Sequence[PictureLike] = (),
        parameters: WalkParameters | None = None,
        callback: Callback | None = None,
        **options: Any,
    ) -> WalkResult:
        """Plan a film; its frames are made when they are read, or written with `save`.

        pictures: keyframes, before those by seed. Where the model has classes, keyframe k is of the k-th in turn, and
        the film changes from class to class on the way.
        parameters: a `WalkParameters`; options: fields of it by name, which take precedence.
        callback: called after each step of a search and after each frame; returning True ends it with StoppedError.
        Raises InputError for anything that cannot be used, before any work begins.
        """
        chosen = parameters or WalkParameters()
        chosen = chosen.changed(**options) if options else chosen
        generator = self.generator
        fitting(generator, chosen)
        drawn = chosen.keyframes if chosen.keyframes is not None else 0 if pictures else KEYFRAMES
        frames = max(1, round(chosen.seconds * chosen.fps))
        _check(generator, chosen, len(pictures), drawn, frames)
        sources = [opened(picture, chosen.background) for picture in pictures]
        labels = generator.labels_of(chosen.classes, len(sources) + drawn)
        found = _latents_of(generator, sources, labels, chosen, callback)
        keyframes = torch.stack([*found, *(generator.draw(seed, chosen) for seed in seeds_from(chosen.seed, drawn))])
        latents = walk(keyframes.flatten(1), frames, kind=chosen.kind, loop=chosen.loop, ease=chosen.ease)
        latents = latents.reshape(frames, *keyframes.shape[1:])
        mix = generator.mix_of(labels)
        mix = None if mix is None else between(mix, frames, loop=chosen.loop, ease=chosen.ease)
        recipe = generator.recipe(chosen, {"pictures": tuple(map(source_of, sources))} if sources else {})
        writes = {**recipe.environment, "av": importlib.metadata.version("av")}  # which brings its own x264

        def make() -> Iterator[Image.Image]:
            return generator.pictures(latents, mix, chosen.scale, _ending(callback), "filming")

        width, height = generator.size_of(chosen)
        return WalkResult(
            recipe=dataclasses.replace(recipe, pipeline=NAME, environment=writes),
            latents=latents,
            keyframes=keyframes,
            size=(width * chosen.scale, height * chosen.scale),
            fps=chosen.fps,
            make=make,
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
    ) -> WalkResult:
        """Run a recipe again. Raises ModelError if the model is another one."""
        chosen = WalkParameters(**recipe.parameters)
        pipe = load_again(cls.from_pretrained, recipe, model)
        return pipe(pictures=inputs.get("pictures", ()), parameters=chosen, callback=callback)


def _check(generator: GeneratorPipeline, chosen: WalkParameters, pictures: int, drawn: int, frames: int) -> None:
    if pictures + drawn < 2:
        raise InputError(
            f"A film leads from keyframe to keyframe: expected at least 2 of them, got {pictures + drawn}."
        )
    if (chosen.wide, chosen.high) != (1, 1) and pictures:
        raise InputError("Pictures cannot be keyframes of a film with several latents (--wide, --high); leave one out.")
    width, height = (side * chosen.scale for side in generator.size_of(chosen))
    if max(width, height) > LONGEST_SIDE:
        raise InputError(
            f"That would be a film of {width:,} × {height:,} pixels; at most {LONGEST_SIDE:,} on a side are made. "
            f"Ask for a smaller --scale."
        )
    for count, what, advice in ((frames, "frames", "--seconds"), (pictures + drawn, "keyframes", "--keyframes")):
        if count * generator.latent_size * chosen.wide * chosen.high > MOST_NUMBERS:
            raise InputError(f"A film of {count:,} {what} is too long to be planned at once; ask for fewer {advice}.")


def _latents_of(
    generator: GeneratorPipeline,
    sources: Sequence[Picture],
    labels: list[int] | None,
    chosen: WalkParameters,
    callback: Callback | None,
) -> list[Tensor]:
    """(L,) for each picture: encoded, or searched for."""
    search_by = ProjectionParameters(steps=chosen.search_steps, seed=chosen.seed)
    features = None
    found = []
    for number, source in enumerate(sources):
        space = generator.of_class(generator.classes[labels[number]] if labels else "")
        square = to_square(source.image, generator.config.size, generator.config.channels)[None]
        with generator.device.computing(), torch.no_grad():
            latent = space.encode(square)
        if latent is None:
            features = features or perceptual(generator.device)
            latent = search(generator, space, square, search_by, features, _ending(callback)).latent
        found.append(latent[0].cpu())
    return found


def _ending(callback: Callback | None) -> Callback:
    """A callback that raises StoppedError instead of returning True: half a film would not be what its recipe says."""

    def ask(progress: Progress) -> None:
        if callback and callback(progress):
            raise StoppedError("The film was stopped before its end, and nothing of it was kept.")

    return ask
