"""DCGAN: pictures, grids and textures of the kind that a generative adversarial network was trained on.

    pipe = DCGANPipeline.from_pretrained("my-model")
    pipe(count=12, seed=7, grid=True).save("sheet.png")

After Radford, Metz & Chintala 2015 (arXiv:1511.06434). The generator is convolutional from its first layer on, so that
a grid of latents gives one larger picture, of any aspect ratio: good for textures, odd for anything with a middle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from studio import hub
from studio.device import Device
from studio.generation.draws import truncated
from studio.generation.parameters import DCGANDraw, DCGANParameters
from studio.networks.dcgan import BASE, DCGANConfig, Generator
from studio.parameters import Parameters
from studio.pipelines.generator import GeneratorPipeline
from studio.recipe import Source
from studio.zoo import dcgan as zoo

NAME = "dcgan"


class DCGANPipeline(GeneratorPipeline):
    """Pictures by the generator of a DCGAN."""

    name = NAME
    title = "DCGAN"
    parameters = DCGANParameters

    def __init__(self, network: Generator, model: Source, device: Device, origin: hub.Model | None = None) -> None:
        """origin: where the network was loaded from, so that it can be saved as it was."""
        super().__init__(model, device, origin)
        self.network = network.eval().requires_grad_(False)

    @property
    def decoder(self) -> Generator:
        """The generator."""
        return self.network

    @property
    def config(self) -> DCGANConfig:
        """The shape of the generator."""
        return self.network.config

    def draw(self, seed: int, chosen: Parameters) -> Tensor:
        """(L,), or (L, high, wide) for a grid of more than one: standard normal, or truncated."""
        assert isinstance(chosen, DCGANDraw)
        grid = () if chosen.wide == chosen.high == 1 else (chosen.high, chosen.wide)
        random = self.device.generator(seed)
        return truncated(torch.randn(self.latent_size, *grid, generator=random), chosen.truncation)

    def size_of(self, chosen: Parameters) -> tuple[int, int]:
        """Width and height: (latents + 3) / 4 of the trained size, each."""
        assert isinstance(chosen, DCGANDraw)
        unit = self.config.size // BASE
        return (chosen.wide + BASE - 1) * unit, (chosen.high + BASE - 1) * unit

    def encode(self, pictures: Tensor, labels: Tensor | None = None) -> None:
        """None: a GAN has no encoder; `studio project` searches for the latent of a picture."""

    @classmethod
    def _loaded(cls, found: hub.Model, device: Device) -> Self:
        network = zoo.load_generator(found)
        return cls(device.place_network(network), Source(found.name, found.sha256), device, found)

    def _save(self, folder: Path) -> Path:
        return zoo.save(folder, self.network, None, {}, f"# {self.model.name}\n\nThe generator of a DCGAN.\n")
