"""A stylisation put away in the middle: written atomically, taken up by a run with the same fingerprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from studio.media import files

_KEY = "studio-checkpoint"


def write(path: Path, fingerprint: str, state: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers and None as one safetensors file. Raises OutputError."""
    tensors: dict[str, Tensor] = {}
    outline = _flatten(state, tensors)
    metadata = {_KEY: json.dumps({"fingerprint": fingerprint, "state": outline})}
    files.write_bytes(path, save(tensors, metadata))


def read(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The state that `write` put there, or None if there is none for this fingerprint."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if header.get("fingerprint") != fingerprint:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        state = _restore(header["state"], tensors)
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return state if isinstance(state, dict) else None


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
