"""Language models that pages have in memory: loaded when first needed, again when trained anew."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from studio import hub

if TYPE_CHECKING:
    from studio.pipelines.text import TextPipeline

KEPT = 2


def text_model(name: str) -> TextPipeline:
    """The model of that name or folder. Raises ModelError."""
    return _loaded(name, hub.find(name).sha256)


@functools.lru_cache(KEPT)
def _loaded(name: str, _sha256: str) -> TextPipeline:
    from studio.pipelines.text import TextPipeline  # here, so that pages stand before torch is loaded

    return TextPipeline.from_pretrained(name)
