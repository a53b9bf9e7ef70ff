"""What the pipelines that work with another pipeline's latent space share: films, projections, directions."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from studio.pipelines.generator import GeneratorPipeline
from studio.pipelines.generators import load_generator
from studio.recipe import Source


class BesideGenerator:
    """A pipeline over the model of a DCGAN or a VAE. A call leaves no state behind."""

    def __init__(self, generator: GeneratorPipeline) -> None:
        self.generator = generator

    @classmethod
    def from_pretrained(
        cls, model: str | Path, *, device: str = "auto", precision: str = "auto", threads: int | None = None
    ) -> Self:
        """Load a DCGAN or a VAE: a shipped one, a folder, or a hub id. Raises ModelError and DeviceError."""
        return cls(load_generator(model, device=device, precision=precision, threads=threads))

    @property
    def model(self) -> Source:
        """The model as a recipe names it."""
        return self.generator.model
