"""Model folders: `config.json` with the shape of a network, `model.safetensors` with its weights, `README.md`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn

from studio import hub
from studio.errors import ModelError
from studio.media import files
from studio.networks.dcgan import Discriminator, Generator
from studio.networks.vae import VAE

WEIGHTS = "model.safetensors"

Conditional = Generator | Discriminator | VAE
_Shape = TypeVar("_Shape")
_EMBEDDING = "embedding."
_LARGEST_HALF = torch.finfo(torch.half).max


def write(
    folder: Path, network: str, shape: Any, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], card: str
) -> Path:
    """Write a model folder that `studio.hub.find` opens.

    network: which one it is ("dcgan"); shape: its config dataclass; facts: more entries of config.json.
    Matrices and kernels are kept in half precision (11 bits are more than a picture's 8), all else in float32.
    Raises OutputError.
    """
    files.make_folder(folder)
    kept = {name: _compact(tensor) for name, tensor in tensors.items()}
    files.write_bytes(folder / WEIGHTS, save(kept))
    config = {"network": network, **facts, "shape": dataclasses.asdict(shape), "files": hub.describe_files(folder)}
    files.write_bytes(folder / "README.md", card.encode())
    files.write_bytes(folder / hub.CONFIG, (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())
    return folder


def network_of(model: hub.Model) -> str:
    """Which network a model is: "dcgan", "vae", "vgg"."""
    return str(model.config.get("network", ""))


def shape_of(model: hub.Model, network: str, kind: type[_Shape]) -> _Shape:
    """The shape of a model's network, as its config dataclass `kind`. Raises ModelError for another network."""
    if network_of(model) != network:
        raise ModelError(
            f"{model.name} is no {network} but {network_of(model) or 'a bare file of weights'}; "
            f"`studio models` lists what there is."
        )
    try:
        values = {
            name: tuple(value) if isinstance(value, list) else value for name, value in model.config["shape"].items()
        }
        return kind(**values)
    except (KeyError, TypeError, AttributeError):
        raise ModelError(
            f"The config of {model.name} describes no {network} that this Studio knows; update Studio."
        ) from None


def load_into(network: nn.Module, tensors: Mapping[str, Tensor], prefix: str, model: hub.Model) -> None:
    """Put the tensors whose names begin with `prefix` into a network. Raises ModelError where they do not fit."""
    found = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in found or found[name].shape != tensor.shape:
            came = tuple(found[name].shape) if name in found else "missing"
            raise ModelError(
                f"{model.name} does not fit its config: {prefix}{name} should be {tuple(tensor.shape)}, it is {came}."
            )
    network.load_state_dict({name: found[name].to(tensor.dtype) for name, tensor in own.items()})


def adopt(network: Conditional, other: Conditional) -> set[str]:
    """Take over every weight of another network that fits; returns the names of those that did.

    Both have a `config` with `classes`: what was learnt of a class goes to the class of the same name, and others begin
    anew. Where only the number of inputs differs, as when classes come in or go, the inputs that both have are taken.
    """
    own, found = network.state_dict(), other.state_dict()
    classes, known = network.config.classes, other.config.classes
    same = classes == known
    taken = {
        name
        for name, tensor in own.items()
        if name in found and found[name].shape == tensor.shape and (same or _EMBEDDING not in name)
    }
    with torch.no_grad():
        for name, tensor in own.items():
            if name in taken:
                tensor.copy_(found[name])
            elif _EMBEDDING in name:
                if name in found and tensor.ndim == 2 and tensor.shape[1:] == found[name].shape[1:]:
                    for row, label in enumerate(classes):
                        if label in known:
                            tensor[row] = found[name][known.index(label)]
            elif name in found and tensor.ndim == found[name].ndim > 1 and tensor.shape[1:] == found[name].shape[1:]:
                both = min(len(tensor), len(found[name]))
                tensor[:both] = found[name][:both]
                tensor[both:] = 0
    return taken


def tensors_of(**networks: nn.Module | None) -> dict[str, Tensor]:
    """The tensors of several networks, each under its own name: tensors_of(generator=…) gives "generator.last.bias"."""
    return {
        f"{prefix}.{name}": tensor
        for prefix, network in networks.items()
        if network is not None
        for name, tensor in network.state_dict().items()
    }


def _compact(tensor: Tensor) -> Tensor:
    kept = tensor.detach().to("cpu").contiguous()
    if not kept.is_floating_point() or kept.ndim < 2 or kept.abs().max() > _LARGEST_HALF:
        return kept.clone()
    return kept.half()
