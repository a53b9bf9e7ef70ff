"""The peers: the DCGAN of the PyTorch tutorial, written out plainly, and the VAE of `pythae` 0.1.2, with its trainer.

Both get their pictures as float tensors that lie ready in memory, so that nothing is decoded while the clock runs, and
compute in float32 as they do on any CPU. The VAE has our layers; the DCGAN has the tutorial's, or ours where they are
given to it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from pathlib import Path

import torch
from common import Tick, quiet
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from studio.networks import dcgan, vae

LATENT, WIDTH = 100, 64  # nz, ngf and ndf
RATE, BETAS = 2e-4, (0.5, 0.999)
VAE_RATE = 1e-3


class Generator(nn.Module):
    """Latents (B, 100, 1, 1)  →  (B, 3, 64, 64) in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        widths = [8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH]
        layers: list[nn.Module] = [nn.ConvTranspose2d(LATENT, widths[0], 4, 1, 0, bias=False)]
        for before, after in zip(widths, [*widths[1:], 3], strict=True):
            layers += [
                nn.BatchNorm2d(before),
                nn.ReLU(inplace=True),
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
            ]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(initialize)

    def forward(self, latents: Tensor) -> Tensor:
        made: Tensor = self.layers(latents)
        return made


class Discriminator(nn.Module):
    """(B, 3, 64, 64) in [-1, 1]  →  scores (B,), whose sigmoid is the probability that a picture is real."""

    def __init__(self) -> None:
        super().__init__()
        widths = [WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH]
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in itertools.pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False))
        self.apply(initialize)

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.layers(pictures).flatten()
        return scores


def initialize(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def train_dcgan(
    tick: Tick, pictures: Tensor, batch: int, steps: int, config: dcgan.DCGANConfig | None = None
) -> nn.Module:
    """The tutorial's loop over (N, 3, 64, 64) in [-1, 1]; tick is called after each step. Returns the generator.

    config: train networks of ours, of this shape, instead of the tutorial's.
    """
    torch.manual_seed(0)
    generator, discriminator = (
        (Generator(), Discriminator()) if config is None else (dcgan.Generator(config), dcgan.Discriminator(config))
    )
    latent = LATENT if config is None else config.latent
    judge = nn.BCELoss()
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=RATE, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=RATE, betas=BETAS)
    loader = DataLoader(TensorDataset(pictures), batch_size=batch, shuffle=True, drop_last=True)
    losses: list[tuple[float, float]] = []
    while len(losses) < steps:
        for (real,) in loader:
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))

            discriminator.zero_grad()
            loss_real = judge(torch.sigmoid(discriminator(real)), ones)
            loss_real.backward()
            fake = generator(torch.randn(len(real), latent, 1, 1))
            loss_fake = judge(torch.sigmoid(discriminator(fake.detach())), zeros)
            loss_fake.backward()
            optimizer_d.step()

            generator.zero_grad()
            loss_g = judge(torch.sigmoid(discriminator(fake)), ones)
            loss_g.backward()
            optimizer_g.step()

            losses.append((loss_real.item() + loss_fake.item(), loss_g.item()))
            tick()
            if len(losses) == steps:
                break
    return generator


def train_vae(tick: Tick, pictures: Tensor, batch: int, epochs: int, config: vae.VAEConfig) -> vae.VAE:
    """pythae's VAE with our encoder and decoder, trained by its BaseTrainer on (N, 3, 64, 64) in [-1, 1]."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE
    from pythae.models import VAEConfig as TheirConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self, layers: nn.Module) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Tensor) -> ModelOutput:
            mean, log_variance = self.layers(x)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self, layers: nn.Module) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.layers(z))

    class Ticking(TrainingCallback):  # type: ignore[misc]
        def on_train_step_end(self, training_config: BaseTrainerConfig, **_: object) -> None:
            tick()

    quiet()
    torch.manual_seed(0)
    network = vae.VAE(config)
    model = VAE(
        TheirConfig(input_dim=tuple(pictures.shape[1:]), latent_dim=config.latent),
        Encoder(network.encoder),
        Decoder(network.decoder),
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(
            output_dir=str(Path(folder)),
            num_epochs=epochs,
            per_device_train_batch_size=batch,
            learning_rate=VAE_RATE,
            no_cuda=True,
        )
        dataset = BaseDataset(pictures, torch.zeros(len(pictures)))
        trainer = BaseTrainer(model, dataset, training_config=settings, callbacks=[Ticking()])
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # its progress bars
            trainer.train()
    return network
