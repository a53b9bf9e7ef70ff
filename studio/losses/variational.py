"""The losses of a variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114), averaged over the batch."""

from __future__ import annotations

from torch import Tensor


def divergence(mean: Tensor, log_variance: Tensor, free_bits: float = 0.0) -> Tensor:
    """KL divergence of N(mean, variance) from N(0, 1), in nats a picture: (B, L) each  →  a scalar.

    free_bits: nats that each number of the latent may carry, on average over the batch, without being pressed to carry
    less (Kingma et al. 2016, arXiv:1606.04934); it keeps numbers from dying out.
    """
    each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return each.mean(0).clamp(min=free_bits).sum()


def squared_error(pictures: Tensor, reconstructions: Tensor) -> Tensor:
    """(B, C, H, W) each  →  a scalar: summed over a picture."""
    return (pictures - reconstructions).square().flatten(1).sum(1).mean()
