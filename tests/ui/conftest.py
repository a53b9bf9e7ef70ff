"""A page served for real, with a small network behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from gradio_client import Client

from studio.networks.dcgan import DCGANConfig, Generator
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.pipelines.style_transfer import StyleTransferPipeline
from studio.ui import models, style_transfer
from studio.ui.studio import launch
from studio.zoo import dcgan, vae


@pytest.fixture(scope="session")
def address(random_pipeline: StyleTransferPipeline) -> Iterator[str]:
    """Where the page of style transfer is served."""
    blocks = style_transfer.build(random_pipeline)
    yield launch(blocks, block=False)
    blocks.close(verbose=False)


@pytest.fixture(scope="session")
def client(address: str) -> Client:
    """A visitor of its own session."""
    return Client(address, verbose=False, analytics_enabled=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where pages look for models, alone: with a small DCGAN, and a small VAE of grey pictures in two classes."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    gan, autoencoder = DCGANConfig(latent=16, width=8), VAEConfig(channels=1, latent=16, width=8, classes=("A", "B"))
    generator = Generator(gan)
    with torch.no_grad():
        for name, tensor in generator.last.named_parameters():
            tensor.mul_(50 if name.endswith("weight") else 1)  # else its pictures are all of one grey
    dcgan.save(folder / "tiny-gan", generator, None, {}, "# tiny\n")
    vae.save(folder / "tiny-vae", VAE(autoencoder), Mixture.standard(16), {}, "# tiny\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(models.HOME, str(folder))
        patch.setenv("STUDIO_DEVICE", "cpu")
        models.shelf.cache_clear()
        yield folder
    models.shelf.cache_clear()


@pytest.fixture
def files_in() -> Callable[[Any], list[Path]]:
    """Every file in what an API answers."""

    def found(answer: Any) -> list[Path]:
        if isinstance(answer, dict):
            return [path for item in answer.values() for path in found(item)]
        if isinstance(answer, (list, tuple)):
            return [path for item in answer for path in found(item)]
        return [Path(answer)] if isinstance(answer, str) and answer.startswith("/") and Path(answer).is_file() else []

    return found
