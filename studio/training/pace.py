"""How fast a training goes."""

from __future__ import annotations

import time


class Pace:
    """Seconds a step takes, over the last ones; `first` is the step that it began after."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.seconds = 0.0
        self._last = time.monotonic()

    def tick(self, step: int) -> None:
        """Called after each step."""
        now = time.monotonic()
        taken, self._last = now - self._last, now
        # The first step also sets things up; measurements in between weigh in slowly, as they recur.
        self.seconds = taken if step <= self.first + 2 else 0.95 * self.seconds + 0.05 * taken
