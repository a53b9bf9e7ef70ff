"""Where the latents of an autoencoder lie: a mixture of Gaussians fitted to those of the training pictures.

The latents of a trained VAE do not fill the standard normal distribution, and what is decoded from the places that they
leave empty is mush. A mixture fitted afterwards keeps to where they are (Ghosh et al. 2020, arXiv:1903.12436).
"""

from __future__ import annotations

import warnings
from typing import Self

import torch
from torch import Tensor, nn

MOST_PARTS = 16
LATENTS_A_PART = 100  # at the least; where they are fewer than their numbers, samples keep to what they span


class Mixture(nn.Module):
    """K Gaussians: weights (K,), means (K, L), and lower triangular scales (K, L, L) whose square is the covariance."""

    weights: Tensor
    means: Tensor
    scales: Tensor

    def __init__(self, weights: Tensor, means: Tensor, scales: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.register_buffer("means", means)
        self.register_buffer("scales", scales)

    @classmethod
    def standard(cls, latent: int) -> Self:
        """The standard normal distribution of so many numbers."""
        return cls(torch.ones(1), torch.zeros(1, latent), torch.eye(latent)[None])

    @classmethod
    def empty(cls, shape: torch.Size) -> Self:
        """One to load tensors into; shape: that of its means, (K, L)."""
        parts, latent = shape
        return cls(torch.zeros(parts), torch.zeros(parts, latent), torch.zeros(parts, latent, latent))

    @classmethod
    def fit(cls, latents: Tensor, seed: int = 0) -> Self:
        """A mixture fitted to (N, L) by expectation maximisation, with as many parts as N allows."""
        # Imported here: scikit-learn takes longer to load than `studio --help` may.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        parts = max(1, min(MOST_PARTS, len(latents) // LATENTS_A_PART))
        model = GaussianMixture(parts, reg_covar=1e-3, max_iter=60, random_state=seed % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # close is close enough
            model.fit(latents.detach().double().cpu().numpy())
        covariances = torch.from_numpy(model.covariances_)
        return cls(
            torch.from_numpy(model.weights_).float(),
            torch.from_numpy(model.means_).float(),
            torch.linalg.cholesky(covariances).float(),
        )

    def sample(self, choice: Tensor, noise: Tensor, temperature: float = 1.0) -> Tensor:
        """Latents (N, L) from numbers of one's own: `choice` (N,) in [0, 1) of a part, `noise` (N, L) standard normal.

        temperature: of the deviation from the part's mean; below 1 samples are safer and more alike.
        """
        bounds = self.weights.double().cumsum(0)
        parts = torch.searchsorted(bounds / bounds[-1], choice.double().contiguous(), right=True)
        parts = parts.clamp(max=len(bounds) - 1)
        offsets = torch.empty_like(noise)
        for part in sorted(set(parts.tolist())):
            chosen = parts == part
            offsets[chosen] = noise[chosen] @ self.scales[part].T
        return self.means[parts] + temperature * offsets
