"""The hinge loss of adversarial training (Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957)."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Scores (B,) of real and of generated pictures  →  a scalar: real ones want to be above 1, generated below -1."""
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Scores (B,) of generated pictures  →  a scalar that falls as the scores rise."""
    return -fake.mean()
