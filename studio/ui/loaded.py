"""Models that pages have in memory: loaded when first needed, again when trained anew."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from studio import hub

if TYPE_CHECKING:
    from studio.pipelines.generator import GeneratorPipeline

KEPT = 4  # models


class Models:
    """The models used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], GeneratorPipeline] = OrderedDict()

    def get(self, name: str) -> GeneratorPipeline:
        """The model of that name or folder. Raises ModelError."""
        # Imported here so that pages stand before torch is loaded.
        from studio.pipelines.generators import load_generator

        key = (name, hub.find(name).sha256)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = load_generator(name)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


@functools.cache
def loaded() -> Models:
    """Those of this process, for all its pages."""
    return Models()
