"""LoRA (Hu et al. 2021, arXiv:2106.09685) through peft: adapters of low rank beside the linear layers of a transformer
or a UNet, which alone are trained and can be folded into the weights afterwards.

GPT-2's layers in transformers are `Conv1D`: linear, with their weights kept transposed (inputs, outputs).
"""

from __future__ import annotations

import sys

from torch import nn

from studio.errors import InputError


def add_adapters(
    network: nn.Module, rank: int, *, targets: tuple[str, ...] = (), alpha: int | None = None, dropout: float = 0.0
) -> nn.Module:
    """The network, in place, with adapters of `rank` at its linear layers; everything else is frozen.

    Adapters are in float32, whatever the network is kept in, and begin as nothing: what comes out stays the same.
    targets: ends of the names of the layers that get one; every linear layer but that of the output if none are given.
    alpha: scale of what adapters add, over the rank; by default the rank, for a scale of 1. dropout: the part of what
    adapters are given that is left out while they learn.
    Raises InputError where no layer fits.
    """
    from peft import LoraConfig, inject_adapter_in_model

    linear = {name: module for name, module in network.named_modules() if _is_linear(module)}
    output = _output_of(network) or (list(linear.values())[-1] if len(linear) > 1 else None)
    wanted = [name for name, layer in linear.items() if (name.endswith(targets) if targets else layer is not output)]
    if not wanted:
        raise InputError("No linear layer to adapt: LoRA is for transformers and UNets; leave out --lora-rank.")
    for kind, transposed in (("plain", False), ("transposed", True)):
        names = [name for name in wanted if _is_transposed(linear[name]) == transposed]
        if names:
            config = LoraConfig(
                r=rank, lora_alpha=alpha or rank, target_modules=names, lora_dropout=dropout, fan_in_fan_out=transposed
            )
            inject_adapter_in_model(config, network, adapter_name=kind)
    for name, weight in network.named_parameters():
        weight.requires_grad_("lora_" in name)
        if weight.requires_grad:
            weight.data = weight.data.float()
    return network


def fold(network: nn.Module) -> nn.Module:
    """Adapters added into the weights that they stand beside: the network has its own layers and names again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent = network.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], module.get_base_layer())
    return network.requires_grad_(True)


def check_absent(rank: int, kind: str) -> None:
    """Raise InputError where adapters are asked for in a network that has no place for them."""
    if rank:
        raise InputError(
            f"--lora-rank is for transformers and UNets; a {kind} is small enough to be trained whole. Leave it out, "
            f"or hold parts of it still with --freeze."
        )


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) or _is_transposed(layer)


def _is_transposed(layer: nn.Module) -> bool:
    # Where transformers has not been loaded, no layer is one of its own.
    utils = sys.modules.get("transformers.pytorch_utils")
    return utils is not None and isinstance(layer, utils.Conv1D)


def _output_of(network: nn.Module) -> nn.Module | None:
    """The layer that makes the output of a transformers model: it is often the embedding too, and is left alone."""
    find = getattr(network, "get_output_embeddings", None)
    return find() if find is not None else None
