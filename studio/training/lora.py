"""LoRA (Hu et al. 2021, arXiv:2106.09685) through peft: adapters of low rank beside the linear layers of a transformer
or a UNet, which alone are trained and can be folded into the weights afterwards.
"""

from __future__ import annotations

from torch import nn

from studio.errors import InputError


def add_adapters(
    network: nn.Module, rank: int, *, targets: tuple[str, ...] = (), alpha: int | None = None
) -> nn.Module:
    """The network, in place, with adapters of `rank` at its linear layers; everything else is frozen.

    targets: ends of the names of the layers that get one; every linear layer but the last if none are given.
    alpha: scale of what adapters add, over the rank; by default the rank, for a scale of 1.
    Raises InputError where no layer fits.
    """
    from peft import LoraConfig, inject_adapter_in_model

    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    wanted = [name for name in linear if not targets or name.endswith(targets)]
    if not targets:
        wanted = wanted[:-1] or wanted  # the last one makes the output
    if not wanted:
        raise InputError("No linear layer to adapt: LoRA is for transformers and UNets; leave out --lora-rank.")
    network.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=alpha or rank, target_modules=wanted, lora_dropout=0.0)
    adapted: nn.Module = inject_adapter_in_model(config, network)
    return adapted


def fold(network: nn.Module) -> nn.Module:
    """Adapters added into the weights that they stand beside: the network has its own layers again."""
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
