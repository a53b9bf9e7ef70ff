"""The losses of a training over time: one row a stretch of steps, short enough to be kept in every checkpoint."""

from __future__ import annotations

from typing import Any, Self

STRETCH = 20  # steps a row, until there are too many rows
MOST = 2000  # rows


class Curve:
    """Means of losses over stretches of steps; `rows` are {"step": last step of the stretch, name: mean, …}."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._stretch, self._sums, self._count = STRETCH, dict[str, float](), 0

    def add(self, step: int, losses: dict[str, float]) -> None:
        """Losses of one step."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if self._count == self._stretch:
            self.rows.append({"step": step, **{name: total / self._count for name, total in self._sums.items()}})
            self._sums, self._count = {}, 0
        if len(self.rows) == MOST:
            self.rows = [_mean(one, other) for one, other in zip(self.rows[::2], self.rows[1::2], strict=True)]
            self._stretch *= 2

    def state(self) -> dict[str, Any]:
        """Everything, in plain JSON types."""
        return {"rows": self.rows, "stretch": self._stretch, "sums": self._sums, "count": self._count}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """What `state` gave."""
        curve = cls()
        curve.rows, curve._stretch = list(state["rows"]), state["stretch"]
        curve._sums, curve._count = dict(state["sums"]), state["count"]
        return curve


def _mean(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: value if name == "step" else (one[name] + value) / 2 for name, value in other.items()}
