"""Checkpoints of a training: everything that a killed run needs to go on as if it had not been killed.

Random numbers follow from the seed and the number of the step, so what is kept is weights, averages, optimisers and
what was measured. The one before the last stays, for the case that the last is damaged.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from studio.errors import InputError
from studio.media.state import read_state, write_state

VERSION = 2  # 1 had the moments by the numbers of the weights
LAST, BEFORE, BEST = "last.safetensors", "before.safetensors", "best.safetensors"

_log = logging.getLogger("studio")
_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # what AdamW keeps of a weight


def exists(folder: Path) -> bool:
    """Whether there is one in a folder."""
    return (folder / LAST).is_file() or (folder / BEFORE).is_file()


def write(folder: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; the last one becomes the one before. Raises OutputError, with the last one still there."""
    write_state(folder / "next.safetensors", {"version": VERSION, **state})
    if (folder / LAST).is_file():
        (folder / LAST).replace(folder / BEFORE)
    (folder / "next.safetensors").replace(folder / LAST)


def read(folder: Path, kind: str, fingerprint: str) -> dict[str, Any]:
    """The last checkpoint, or the one before where that is damaged. Raises InputError where neither can be used."""
    found = [folder / name for name in (LAST, BEFORE) if (folder / name).is_file()]
    for path in found:
        try:
            state = read_state(path)
        except InputError as error:
            if path == found[-1]:
                raise
            _log.warning("%s Going on from the one before it.", error)
            continue
        _check(path, state, kind, fingerprint)
        return state
    raise InputError(f"There is no training to go on with in {folder.parent}; leave out --resume to begin one.")


def _check(path: Path, state: dict[str, Any], kind: str, fingerprint: str) -> None:
    version = state.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise InputError(f"{path} was written by a newer Studio (form {version}, here {VERSION}); update Studio.")
    if version < VERSION:
        raise InputError(
            f"{path} was written by an older Studio (form {version}, here {VERSION}), with which it can still be gone "
            f"on with; here, begin again in another folder, with --from and the model where there is one."
        )
    if state.get("kind") != kind:
        raise InputError(f"{path} is the training of a {state.get('kind')}, not of a {kind}; choose another folder.")
    if state.get("fingerprint") != fingerprint:
        raise InputError(
            f"{path} was trained on other data, or a network of another shape; give the same data and settings as "
            f"before, or choose another output folder."
        )


def state_of(
    networks: dict[str, nn.Module], averages: dict[str, nn.Module], optimizers: dict[str, Optimizer]
) -> dict[str, Any]:
    """Networks, their averages and their optimisers, as nested dicts of tensors."""
    return {
        "networks": {name: network.state_dict() for name, network in networks.items()},
        "averages": {name: network.state_dict() for name, network in averages.items()},
        "optimizers": {name: _state_of_optimizer(optimizer, networks[name]) for name, optimizer in optimizers.items()},
    }


def restore(
    state: dict[str, Any],
    networks: dict[str, nn.Module],
    averages: dict[str, nn.Module],
    optimizers: dict[str, Optimizer],
) -> None:
    """Put back what `state_of` took. Weights that were frozen then, and are not now, begin without moments.

    Raises KeyError, ValueError and the like for what `state_of` did not take, or took of networks of another shape.
    """
    for name, network in networks.items():
        network.load_state_dict(state["networks"][name])
    for name, network in averages.items():
        network.load_state_dict(state["averages"][name])
    for name, optimizer in optimizers.items():
        _restore_optimizer(optimizer, networks[name], state["optimizers"][name])


def _state_of_optimizer(optimizer: Optimizer, network: nn.Module) -> dict[str, Any]:
    """The moments by the names of their weights: which of them learn, and in what order, may differ next time."""
    return {
        name: dict(optimizer.state[weight]) for name, weight in network.named_parameters() if weight in optimizer.state
    }


def _restore_optimizer(optimizer: Optimizer, network: nn.Module, state: dict[str, Any]) -> None:
    # The groups hold what the parameters say, and the loop sets the learning rate at every step.
    groups = optimizer.state_dict()["param_groups"]
    names = {weight: name for name, weight in network.named_parameters()}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    laid_out = {
        index: _laid_out_as(weight, state[names[weight]])
        for index, weight in enumerate(weights)
        if names[weight] in state
    }
    optimizer.load_state_dict({"state": laid_out, "param_groups": groups})


@torch.no_grad()
def _laid_out_as(weight: Tensor, state: dict[str, Any]) -> dict[str, Any]:
    """The moments of a weight in its own memory layout: the fused optimiser goes through both by their addresses."""
    if state.keys() != _MOMENTS or state["step"].numel() != 1:
        raise ValueError("no moments of AdamW")
    moments = {name: kept for name, kept in state.items() if name != "step"}
    if any(kept.shape != weight.shape for kept in moments.values()):
        raise ValueError("moments of another shape")
    return {"step": state["step"]} | {name: torch.empty_like(weight).copy_(kept) for name, kept in moments.items()}


def write_best(folder: Path, state: dict[str, Any]) -> None:
    """Keep the state that measured best. Raises OutputError."""
    write_state(folder / BEST, {"version": VERSION, **state})


def read_best(folder: Path) -> dict[str, Any] | None:
    """The state that measured best, or None where there is none that can be read."""
    return _read_if_sound(folder / BEST)


def read_earlier(folder: Path, last: dict[str, Any]) -> dict[str, Any]:
    """The best state, or the one before the last, where it is an earlier one than `last`; else `last`."""
    found = (_read_if_sound(folder / name) for name in (BEST, BEFORE))
    return next((state for state in found if state is not None and state["step"] < last["step"]), last)


def _read_if_sound(path: Path) -> dict[str, Any] | None:
    try:
        state = read_state(path)
    except InputError:
        return None
    return state if state.get("version") == VERSION and isinstance(state.get("step"), int) else None
