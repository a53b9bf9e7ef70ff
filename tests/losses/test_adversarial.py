"""The losses of adversarial training."""

from __future__ import annotations

import torch
from torch import nn

from studio.losses.adversarial import discriminator_loss, generator_loss, turned
from studio.networks.dcgan import DCGANConfig, Discriminator


def test_one_pass_back_gives_both_gradients() -> None:
    torch.manual_seed(0)
    judge = Discriminator(DCGANConfig(width=8)).double().eval()
    with torch.no_grad():
        judge.score.bias[0] = 3.0  # scores on both sides of nothing, and far from it
    real, fake = (torch.rand(6, 3, 64, 64, dtype=torch.float64) * 2 - 1 for _ in range(2))

    alone = fake.clone().requires_grad_()
    generator_loss(judge(alone).double()).backward()

    together = fake.clone().requires_grad_()
    scores = judge(torch.cat([real, together])).double()
    discriminator_loss(*scores.chunk(2)).backward()
    assert alone.grad is not None and together.grad is not None and alone.grad.abs().sum() > 0
    torch.testing.assert_close(turned(together.grad, scores.chunk(2)[1]), alone.grad, rtol=1e-4, atol=1e-12)


def test_the_losses_are_those_of_cross_entropy() -> None:
    real, fake = torch.linspace(-4, 4, 9), torch.linspace(3, -7, 9)
    judge = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(9), torch.zeros(9)
    torch.testing.assert_close(discriminator_loss(real, fake), judge(real, ones) + judge(fake, zeros))
    torch.testing.assert_close(generator_loss(fake), judge(fake, ones))
