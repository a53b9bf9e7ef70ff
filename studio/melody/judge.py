"""The judge that chooses among several tunes: how far one lies from what real tunes measure.

Each measure of `studio.music.measures` and the mean cost of a note to the network count as standard deviations from the
mean of real tunes that the network never saw; the score is their root mean square, and the smallest wins. A note that
costs less than in real tunes is no fault: what is sampled is likelier than what people wrote, and repeats cost least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio.errors import ModelError
from studio.music.measures import MEASURES, Spread, measure, summary
from studio.music.melody import Melody

NATS = "nats"
"""The name of the cost of a note among the measures."""
_LEAST = {"scale_consistency": 0.02, "repeated_bars": 0.1}
_LIMIT = 4.0  # standard deviations, beyond which a measure is as bad as can be


def typical(melodies: Sequence[Melody], nats: Sequence[float]) -> dict[str, list[float]]:
    """[mean, standard deviation] of each measure over real tunes; nats: of a note of each, by the network."""
    found = {name: list(spread) for name, spread in summary(melodies).items()}
    found[NATS] = [float(np.mean(nats)), float(np.std(nats))]
    return found


def read_typical(kept: Mapping[str, Any]) -> dict[str, Spread]:
    """What `typical` gave, out of a model's config. Raises ModelError for anything else."""
    try:
        found = {name: Spread(float(mean), float(deviation)) for name, (mean, deviation) in kept.items()}
    except (AttributeError, TypeError, ValueError):
        found = {"": Spread(0.0, 0.0)}
    if not set(found) <= {*MEASURES, NATS}:
        raise ModelError("The model's config does not say what real tunes measure: it is damaged, train it again.")
    return found


def score(melody: Melody, nats: float, real: Mapping[str, Spread]) -> float:
    """How far a melody lies from real ones, 0 at their mean; nats: what a note of it costs the network.

    All are equal where nothing is known of real ones.
    """
    found = measure(melody)
    if NATS in real:
        found[NATS] = max(nats, real[NATS].mean)
    parts = []
    for name, spread in real.items():
        value, width = found[name], max(spread.deviation, _LEAST.get(name, 1e-3))
        far = (value - spread.mean) / width if math.isfinite(value) else _LIMIT
        parts.append(min(abs(far), _LIMIT) ** 2)
    return math.sqrt(sum(parts) / max(1, len(parts)))
