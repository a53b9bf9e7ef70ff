"""Melody LSTMs out of and into model folders, with the tunes that they learnt from, as intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio import hub
from studio.errors import InputError, ModelError
from studio.media import files
from studio.melody.encoding import COLUMNS, DURATIONS, PITCH_TOKENS
from studio.music.originality import Index
from studio.networks.melody_lstm import MelodyLSTM, MelodyLSTMConfig
from studio.zoo import folder as folders

NETWORK = "melody_lstm"
_INDEX, _NAMES = "index.", "names"


def shape(width: int, layers: int, dropout: float) -> MelodyLSTMConfig:
    """The shape of a network over the events of `studio.melody.encoding`."""
    return MelodyLSTMConfig(tuple(size for _, size in COLUMNS), PITCH_TOKENS, len(DURATIONS), width, layers, dropout)


def load_melody_lstm(model: hub.Model) -> MelodyLSTM:
    """The network of a model, ready to use, in float32 on the CPU. Raises ModelError."""
    found = folders.shape_of(model, NETWORK, MelodyLSTMConfig)
    known = shape(found.width, found.layers, found.dropout)
    if found != known:
        raise ModelError(f"{model.name} was trained on events that this Studio does not write; train it again.")
    network = MelodyLSTM(found)
    folders.load_into(network, hub.load_weights(model), f"{NETWORK}.", model)
    return network.eval()


def load_index(model: hub.Model) -> Index:
    """The training tunes of a model, to look for copies of them. Raises ModelError."""
    tensors = hub.load_weights(model)
    arrays = {name.removeprefix(_INDEX): tensor.numpy() for name, tensor in tensors.items() if name.startswith(_INDEX)}
    try:
        names = arrays.pop(_NAMES).tobytes().decode().split("\n")
        return Index.from_arrays(arrays, names)
    except (KeyError, ValueError, InputError):
        raise ModelError(
            f"{model.name} holds no list of its training tunes that can be read; train it again."
        ) from None


def save(folder: Path, network: MelodyLSTM, index: Index, facts: Mapping[str, Any], card: str) -> Path:
    """Write a model folder. facts: more entries of its config. Raises OutputError."""
    tensors = folders.tensors_of(melody_lstm=network)
    lines = "\n".join(" ".join(name.split()) for name in index.names)  # names out of MIDI may have several lines
    names = np.frombuffer(files.shown(lines).encode(), np.uint8)
    for name, array in {**index.to_arrays(), _NAMES: names}.items():
        tensors[f"{_INDEX}{name}"] = torch.from_numpy(np.array(array))
    return folders.write(folder, NETWORK, network.config, facts, tensors, card)
