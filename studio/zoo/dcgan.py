"""DCGANs out of and into model folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio import hub
from studio.networks.dcgan import DCGANConfig, Discriminator, Generator
from studio.zoo import folder as folders

NETWORK = "dcgan"


def load_generator(model: hub.Model) -> Generator:
    """The generator of a model, ready to use, in float32 on the CPU. Raises ModelError."""
    generator = Generator(folders.shape_of(model, NETWORK, DCGANConfig))
    folders.load_into(generator, hub.load_weights(model), "generator.", model)
    return generator.eval()


def load_discriminator(model: hub.Model) -> Discriminator | None:
    """The discriminator that the generator was trained with, or None where the model came without one."""
    tensors = hub.load_weights(model)
    if not any(name.startswith("discriminator.") for name in tensors):
        return None
    discriminator = Discriminator(folders.shape_of(model, NETWORK, DCGANConfig))
    folders.load_into(discriminator, tensors, "discriminator.", model)
    return discriminator


def save(
    folder: Path, generator: Generator, discriminator: Discriminator | None, facts: Mapping[str, Any], card: str
) -> Path:
    """Write a model folder. facts: more entries of its config. Raises OutputError."""
    tensors = folders.tensors_of(generator=generator, discriminator=discriminator)
    return folders.write(folder, NETWORK, generator.config, facts, tensors, card)
