"""VAE: pictures of the kind that a variational autoencoder was trained on, and pictures that went through it.

    pipe = VAEPipeline.from_pretrained("my-model")
    pipe(count=12, temperature=0.8, grid=True).save("sheet.png")
    pipe.blend(["one.png", "other.png"], steps=8).save("between.png")

After Kingma & Welling 2013 (arXiv:1312.6114). Latents are drawn from a mixture of Gaussians that was fitted to those of
the training pictures (Ghosh et al. 2020, arXiv:1903.12436).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from studio import hub
from studio.device import Device
from studio.errors import InputError
from studio.generation import layout
from studio.generation.draws import between
from studio.generation.parameters import BlendParameters, VAEDraw, VAEParameters
from studio.latent.interpolation import slerp
from studio.latent.walk import walk
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, Decoder, VAEConfig
from studio.parameters import Parameters
from studio.pipelines.generator import GeneratorPipeline, ImageResult, PictureLike
from studio.pipelines.inputs import opened, to_square
from studio.pipelines.models import load_again
from studio.progress import Callback
from studio.recipe import Recipe, Source, source_of
from studio.zoo import vae as zoo

NAME = "vae"


class VAEPipeline(GeneratorPipeline):
    """Pictures by a VAE. A recipe with inputs is that of a blend: `studio.generation.parameters.BlendParameters`."""

    name = NAME
    title = "VAE"
    parameters = VAEParameters

    def __init__(
        self, network: VAE, prior: Mixture, model: Source, device: Device, origin: hub.Model | None = None
    ) -> None:
        """prior: on the CPU; origin: where the network was loaded from, so that it can be saved as it was."""
        super().__init__(model, device, origin)
        self.network, self.prior = network.eval().requires_grad_(False), prior

    def reconstruct(self, pictures: Sequence[PictureLike] | PictureLike, **options: Any) -> ImageResult:
        """Each picture through the encoder and the decoder: what of it the model knows.

        options: fields of `BlendParameters`. Raises InputError for what is no picture.
        """
        listed = [pictures] if isinstance(pictures, PictureLike) else list(pictures)
        if not listed:
            raise InputError("Expected at least one picture to reconstruct.")
        chosen = BlendParameters(**options)
        classes = [chosen.classes[number % len(chosen.classes)] for number in range(len(listed)) if chosen.classes]
        made = [
            self.blend([picture], parameters=chosen.changed(classes=classes[number : number + 1]))
            for number, picture in enumerate(listed)
        ]
        return ImageResult(
            [result.images[0] for result in made],
            torch.cat([result.latents for result in made]),
            (),
            made[0].recipe,
            tuple(result.recipe for result in made),
        )

    def denoise(self, picture: PictureLike, **options: Any) -> ImageResult:
        """The reconstruction of a noisy picture: the few numbers of a latent have no room for noise, so it is lost.

        With it goes all that is unlike the training pictures: this cleans pictures of their kind, and no others.
        """
        return self.reconstruct([picture], **options)

    def blend(
        self,
        pictures: Sequence[PictureLike],
        *,
        t: float | None = None,
        parameters: BlendParameters | None = None,
        **options: Any,
    ) -> ImageResult:
        """One picture between several, or with `steps` the way from the first to the last, in a row.

        t: from the first (0) to the second (1) of two pictures; the same as weights (1 - t, t).
        Latents are mixed along the sphere, one after another. Raises InputError.
        """
        chosen = parameters or BlendParameters()
        if t is not None:
            if len(pictures) != 2 or not 0 <= t <= 1:
                raise InputError(f"Expected t from 0 to 1 between two pictures, got {t} and {len(pictures)} pictures.")
            options = {"weights": (1 - t, t), **options}
        chosen = chosen.changed(**options) if options else chosen
        if chosen.steps > 1 and chosen.weights:
            raise InputError("A way leads from picture to picture, whatever their weights; leave out steps or weights.")
        return self._blended(pictures, chosen)

    def _blended(self, pictures: Sequence[PictureLike], chosen: BlendParameters) -> ImageResult:
        if chosen.steps > 1 and len(pictures) < 2:
            raise InputError("A way needs at least two pictures to lead from and to.")
        if chosen.steps > 1 and chosen.into:
            raise InputError("A blend is shown in steps or in several classes, not both; leave out steps or into.")
        weights = _normalized(chosen.weights, len(pictures))
        shown = max(chosen.steps, len(chosen.into))
        layout.check_size(self.size_of(chosen), shown, shown, chosen.scale)
        sources = [opened(picture, chosen.background) for picture in pictures]
        labels = self.labels_of(chosen.classes or self.classes[:1], len(sources))
        into = self.labels_of(chosen.into, shown) if chosen.into else None
        squares = [to_square(source.image, self.config.size, self.config.channels) for source in sources]
        with self.device.computing(), torch.no_grad():
            encoded = torch.cat([self._encoded(square, labels, number) for number, square in enumerate(squares)]).cpu()
        mix = self.mix_of(labels)
        if chosen.steps > 1:
            latents = walk(encoded, chosen.steps, kind="slerp", loop=False)
            mix = None if mix is None else between(mix, chosen.steps, loop=False)
        else:
            latents = _mixed(encoded, weights).expand(shown, -1)
            mix = self.mix_of(into) if into else None if mix is None else torch.tensor(weights)[None] @ mix
        made = list(self.pictures(latents, mix, chosen.scale))
        recipe = self.recipe(chosen, {"pictures": tuple(source_of(source) for source in sources)})
        return ImageResult([layout.page(made, len(made), layout.GAP * chosen.scale)], latents, (), recipe)

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
        """Run a recipe again: of pictures by seeds, or of a blend where it names inputs. Raises ModelError."""
        if not recipe.inputs:
            return super().remake(recipe, inputs, model=model, callback=callback)
        chosen = BlendParameters(**recipe.parameters)
        # Not `blend`: weights beside steps were recorded once, and meant nothing.
        return load_again(cls.from_pretrained, recipe, model)._blended(list(inputs.get("pictures", ())), chosen)

    @property
    def decoder(self) -> Decoder:
        """The decoder."""
        return self.network.decoder

    @property
    def config(self) -> VAEConfig:
        """The shape of the network."""
        return self.network.config

    def draw(self, seed: int, chosen: Parameters) -> Tensor:
        """(L,): from the prior, as far from the middle of one of its parts as the temperature says."""
        assert isinstance(chosen, VAEDraw)
        random = self.device.generator(seed)
        part = torch.rand(1, generator=random, dtype=torch.float64)
        noise = torch.randn(1, self.latent_size, generator=random)
        return self.prior.sample(part, noise, chosen.temperature)[0]

    def encode(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """(N, C, S, S) in [-1, 1] and classes (N,)  →  (N, L) float32: the mean of what the encoder answers."""
        mean: Tensor = self.network.encoder(
            self.device.place(pictures).to(self.device.dtype), self._labels(labels, len(pictures))
        )[0]
        return mean

    def _encoded(self, square: Tensor, labels: list[int] | None, number: int) -> Tensor:
        return self.encode(square[None], torch.tensor(labels[number : number + 1]) if labels else None)

    @classmethod
    def _loaded(cls, found: hub.Model, device: Device) -> Self:
        network, prior = zoo.load_vae(found), zoo.load_prior(found)
        return cls(device.place_network(network), prior, Source(found.name, found.sha256), device, found)

    def _save(self, folder: Path) -> Path:
        return zoo.save(folder, self.network, self.prior, {}, f"# {self.model.name}\n\nA variational autoencoder.\n")


def _normalized(weights: Sequence[float], count: int) -> list[float]:
    """Weights that sum to 1; all alike where none are given."""
    if not count:
        raise InputError("Expected at least one picture to blend.")
    if not weights:
        return [1 / count] * count
    if len(weights) != count or not sum(weights) > 0:
        raise InputError(
            f"Expected {count} weights for {count} pictures, one of them above 0; got {', '.join(map(str, weights))}."
        )
    return [weight / sum(weights) for weight in weights]


def _mixed(latents: Tensor, weights: Sequence[float]) -> Tensor:
    """(N, L)  →  (L,): each of the latents mixed into those before it along the sphere."""
    mixed, total = latents[0], weights[0]
    for latent, weight in zip(latents[1:], weights[1:], strict=True):
        total += weight
        mixed = slerp(mixed, latent, weight / total if total else 0.0)
    return mixed
