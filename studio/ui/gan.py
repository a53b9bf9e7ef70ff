"""The page of the GAN: pictures by seeds, the directions of a model, films."""

from __future__ import annotations

from studio.generation.parameters import DCGANParameters
from studio.ui.generator import GeneratorPage
from studio.ui.shell import Shell

TITLE = "GAN"


def build() -> Shell:
    """The page on its own."""
    blocks = Shell("Studio – GAN")
    with blocks:
        page()
    return blocks


def page() -> GeneratorPage:
    """The page inside the Blocks that is being built."""
    line = "Pictures out of random numbers, by a generative adversarial network."
    return GeneratorPage("dcgan", TITLE, line, DCGANParameters, blends=False)
