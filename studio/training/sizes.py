"""The sizes of a GPT, by name, and which one suits an amount of text."""

from __future__ import annotations

from typing import Any

from studio.data.texts import TextData
from studio.errors import InputError
from studio.training.parameters import TextTrainingParameters

SIZES: dict[str, dict[str, Any]] = {
    # The square of what is above 0 (So et al. 2021, arXiv:2109.08668): of a network as small as this, GELU takes a
    # seventh of the time, and it learns less from as many tokens.
    "nano": {"layers": 4, "width": 128, "heads": 4, "context": 128, "activation": "relu2"},
    "micro": {"layers": 6, "width": 256, "heads": 4, "context": 256},
    "mini": {"layers": 8, "width": 512, "heads": 8, "context": 512},
}
_SUITABLE = ((2_000_000, "nano"), (200_000_000, "micro"))  # characters below which a size is large enough


def shape_for(chosen: TextTrainingParameters, data: TextData) -> dict[str, Any]:
    """What `studio.zoo.causal_lm.build` takes. Raises InputError where the heads do not divide the width."""
    suitable = next((size for bound, size in _SUITABLE if data.report.characters < bound), "mini")
    shape = dict(SIZES[suitable if chosen.size == "auto" else chosen.size])
    shape |= {name: given for name in shape if (given := getattr(chosen, name, None)) is not None}
    if shape["width"] % shape["heads"]:
        raise InputError(f"--width {shape['width']} is no multiple of the {shape['heads']} heads; change one of them.")
    return {**shape, "vocabulary": data.vocabulary, "dropout": chosen.dropout or 0.0}
