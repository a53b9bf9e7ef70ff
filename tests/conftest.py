"""What many tests share: a small real network, small real pictures."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from torch import nn

from studio.device import choose
from studio.networks.dcgan import DCGANConfig, Generator
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.networks.vgg import VGG
from studio.pipelines.style_transfer import StyleTransferPipeline
from studio.recipe import Source
from studio.zoo import dcgan, vae

ROOT = Path(__file__).parent.parent
Network = TypeVar("Network", bound=nn.Module)

# A busy machine is no failure; a run that decides over a change tries the same examples each time.
settings.register_profile("studio", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("studio")


def random_vgg(seed: int = 0) -> VGG:
    """A VGG-19 with seeded He weights: real arithmetic without the shipped file."""
    network = VGG()
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
    return network


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Each test finds the log as a program that imports `studio` does: the command line takes it over while it runs."""
    log = logging.getLogger("studio")
    yield
    log.handlers, log.propagate = [], True
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def shipped_pipeline() -> StyleTransferPipeline:
    """The real thing, in float32 so that it is the same on every processor."""
    return StyleTransferPipeline.from_pretrained("vgg19", device="cpu", precision="float32")


@pytest.fixture(scope="session")
def random_pipeline() -> StyleTransferPipeline:
    device = choose("cpu", "float32")
    return StyleTransferPipeline(device.place_network(random_vgg()), Source("random", "0" * 64), device)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """A maker of picture files: smooth colour fields, different for each seed."""

    def make(name: str = "picture.png", size: tuple[int, int] = (48, 32), seed: int = 0, mode: str = "RGB") -> Path:
        noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)
        path = tmp_path / name
        image.save(path)
        return path

    return make


def tiny_generator(classes: tuple[str, ...] = (), channels: Literal[1, 3] = 3) -> Generator:
    """A DCGAN's generator with seeded weights, whose pictures differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _randomized(Generator(DCGANConfig(latent=16, width=4, classes=classes, channels=channels)))


def tiny_vae(classes: tuple[str, ...] = (), channels: Literal[1, 3] = 3) -> VAE:
    """A VAE with seeded weights, whose pictures differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _randomized(VAE(VAEConfig(latent=16, width=8, classes=classes, channels=channels)))


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model folders of tiny networks: dcgan, dcgan-classes, dcgan-grey, vae, vae-classes, vae-grey."""
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "": {},
        "-classes": {"classes": ("cat", "dog", "owl")},
        "-grey": {"channels": 1},
    }
    for name, shape in kinds.items():
        dcgan.save(root / f"dcgan{name}", tiny_generator(**shape), None, {}, "# A tiny DCGAN\n")
        random = torch.Generator().manual_seed(5)
        means, scales = torch.randn(3, 16, generator=random), torch.eye(16).expand(3, -1, -1) * 0.5
        prior = Mixture(torch.tensor([0.2, 0.3, 0.5]), means, scales.contiguous())
        vae.save(root / f"vae{name}", tiny_vae(**shape), prior, {}, "# A tiny VAE\n")
    return root


def _randomized(network: Network) -> Network:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
    return network.eval()
