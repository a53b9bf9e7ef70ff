"""Progress of long work: one dataclass and one callback for the bar and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True)
class Progress:
    """Where a long call stands after a step.

    fraction: of the whole work, in [0, 1]; elapsed and remaining: seconds; stage: what is being worked on, in words;
    loss: NaN where the work has none; losses: where there are several, each by its name;
    preview: the result as it would be if the work stopped here (computed only when called).
    """

    step: int
    steps: int
    fraction: float
    elapsed: float
    remaining: float
    loss: float
    stage: str
    preview: Callable[[], Image.Image] = field(repr=False)
    losses: Mapping[str, float] = field(default_factory=dict)


Callback = Callable[[Progress], bool | None]
"""Called after each step; returning True asks the work to stop and to hand back the best so far."""


def in_words(seconds: float) -> str:
    """A duration as people say it: "8 s", "2 min 5 s", "1 h 20 min"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    large, small, units = (whole // 60, whole % 60, ("min", "s"))
    if whole >= 3600:
        large, small, units = (whole // 3600, whole % 3600 // 60, ("h", "min"))
    return f"{large} {units[0]}" + (f" {small} {units[1]}" if small else "")
