"""The logistic loss of adversarial training (Goodfellow et al. 2014, arXiv:1406.2661), the non-saturating one.

Both losses grow with the same scores, so that one pass back through the discriminator serves both: see `turned`.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Scores (B,) of real and of generated pictures  →  a scalar that falls as they part, real ones upwards."""
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Scores (B,) of generated pictures  →  a scalar that falls as the scores rise."""
    return functional.softplus(-fake).mean()


def turned(gradient: Tensor, fake: Tensor) -> Tensor:
    """The gradient of `discriminator_loss` at generated pictures (B, C, H, W)  →  that of `generator_loss`.

    fake: scores (B,) of those pictures. Where each is judged by itself, without batch norm, the two gradients differ
    only by the losses' slopes at its score, σ(s) and -σ(-s), the ratio of which is -exp(-s). (The single-step method of
    Nowozin, Cseke & Tomioka 2016, arXiv:1606.00709, section 3.2, for a loss whose slopes are unlike.)
    """
    return gradient * -fake.detach().neg().exp()[:, None, None, None]
