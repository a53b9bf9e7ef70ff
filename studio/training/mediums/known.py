"""The mediums that can be trained, by the names that `studio.training.parameters.KINDS` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.errors import InputError
from studio.training.mediums.melodies import Melodies
from studio.training.mediums.pictures import Pictures
from studio.training.mediums.texts import Texts

# Any: each takes the parameters and the data of its own medium, which a Protocol cannot say.
MEDIUMS: Mapping[str, Any] = {"dcgan": Pictures("dcgan"), "vae": Pictures("vae"), "melody": Melodies(), "text": Texts()}


def medium_of(kind: str) -> Any:
    """The `studio.training.medium.Medium` of a kind. Raises InputError for one that Studio does not train."""
    if kind not in MEDIUMS:
        raise InputError(f"Studio does not train a {kind!r}; it trains {', '.join(MEDIUMS)}.")
    return MEDIUMS[kind]
