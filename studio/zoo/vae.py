"""Variational autoencoders, with the priors fitted to them, out of and into model folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio import hub
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.zoo import folder as folders

NETWORK = "vae"


def load_vae(model: hub.Model) -> VAE:
    """The network of a model, ready to use, in float32 on the CPU. Raises ModelError."""
    network = VAE(folders.shape_of(model, NETWORK, VAEConfig))
    folders.load_into(network, hub.load_weights(model), "vae.", model)
    return network.eval()


def load_prior(model: hub.Model) -> Mixture:
    """Where a model's latents lie; the standard normal distribution where none was fitted."""
    shape = folders.shape_of(model, NETWORK, VAEConfig)
    prior = Mixture.standard(shape.latent)
    tensors = hub.load_weights(model)
    if any(name.startswith("prior.") for name in tensors):
        prior = Mixture.empty(tensors["prior.means"].shape)
        folders.load_into(prior, tensors, "prior.", model)
    return prior


def save(folder: Path, network: VAE, prior: Mixture, facts: Mapping[str, Any], card: str) -> Path:
    """Write a model folder. facts: more entries of its config. Raises OutputError."""
    return folders.write(folder, NETWORK, network.config, facts, folders.tensors_of(vae=network, prior=prior), card)
