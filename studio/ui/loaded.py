"""Models that pages have in memory: loaded when first needed, again when trained anew, with their directions beside."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from studio import hub

if TYPE_CHECKING:
    from studio.latent.directions import Directions
    from studio.pipelines.generator import GeneratorPipeline

KEPT = 4  # models
DIRECTIONS = 6


class Loaded:
    """A model and what was found out about it."""

    def __init__(self, pipe: GeneratorPipeline) -> None:
        self.pipe = pipe
        self._directions: dict[str, Directions] = {}
        self._lock = threading.Lock()

    def directions(self, class_name: str) -> Directions:
        """The strongest directions of a class ("" where there are none); found once, which takes seconds."""
        from studio.generation.parameters import DirectionsParameters
        from studio.latent.directions import find_directions

        with self._lock:
            if class_name not in self._directions:
                usual = DirectionsParameters()
                with self.pipe.device.computing():
                    self._directions[class_name] = find_directions(
                        self.pipe.of_class(class_name), samples=usual.samples, count=DIRECTIONS, seed=usual.seed
                    )
            return self._directions[class_name]


class Models:
    """The models used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Loaded] = OrderedDict()

    def get(self, name: str) -> Loaded:
        """The model of that name or folder. Raises ModelError."""
        # Imported here so that pages stand before torch is loaded.
        from studio.pipelines.generators import load_generator

        key = (name, hub.find(name).sha256)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = Loaded(load_generator(name))
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


@functools.cache
def loaded() -> Models:
    """Those of this process, for all its pages."""
    return Models()
