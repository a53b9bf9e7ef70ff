"""The page of the VAE: pictures by seeds, the directions of a model, films, blends of two pictures."""

from __future__ import annotations

from studio.generation.parameters import VAEParameters
from studio.ui.generator import GeneratorPage
from studio.ui.shell import Shell

TITLE = "VAE"


def build() -> Shell:
    """The page on its own."""
    blocks = Shell("Studio – VAE")
    with blocks:
        page()
    return blocks


def page() -> GeneratorPage:
    """The page inside the Blocks that is being built."""
    line = "Pictures out of random numbers, and between pictures of your own, by a variational autoencoder."
    return GeneratorPage("vae", TITLE, line, VAEParameters, blends=True)
