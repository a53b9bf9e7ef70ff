"""Work in between, kept in a file: nested dicts and lists of tensors, numbers, texts and None, as one safetensors file.

What can be written down as text goes into the header of the file as JSON. Nothing in it is ever run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from studio.errors import InputError
from studio.media import files

_KEY = "studio-state"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state atomically. Raises OutputError."""
    tensors: dict[str, Tensor] = {}
    outline = _flatten(state, tensors)
    files.write_bytes(path, save(tensors, {_KEY: json.dumps(outline)}))


def read_state(path: Path) -> dict[str, Any]:
    """The state that `write_state` put there. Raises InputError for a file that is missing, cut off or no such."""
    files.check_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            outline = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        state = _restore(outline, tensors)
        if isinstance(state, dict):
            return state
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        pass
    raise InputError(f"{path} is cut off, damaged or no work of Studio's; delete it to begin again.")


def _flatten(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, Tensor):
        name = str(len(tensors))
        tensors[name] = node.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(node, dict):
        return {"dict": [[key, _flatten(value, tensors)] for key, value in node.items()]}
    if isinstance(node, (list, tuple)):
        return {"list": [_flatten(value, tensors) for value in node]}
    return {"value": node}


def _restore(node: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    if "tensor" in node:
        return torch.clone(tensors[node["tensor"]])
    if "dict" in node:
        return {key: _restore(value, tensors) for key, value in node["dict"]}
    if "list" in node:
        return [_restore(value, tensors) for value in node["list"]]
    return node["value"]
