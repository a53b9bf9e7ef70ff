"""Losses over time as small drawings, one for each, in the colours of the page."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

MOST = 400  # points that a line is drawn through
_WIDTH, _HEIGHT = 240, 64
_OUTLIERS = 0.005  # of the values on each side, which may leave the drawing


class Curve:
    """Losses by step, thinned out by means as they become many."""

    def __init__(self, rows: Sequence[Mapping[str, float]] = ()) -> None:
        """rows: of a training that is gone on with, as `studio.training.curve` has them."""
        self.rows: list[dict[str, float]] = []
        for row in rows:
            self._append(dict(row))

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        """The losses of a step; those that are not finite are left out."""
        finite = {name: value for name, value in losses.items() if math.isfinite(value)}
        if finite and not (self.rows and self.rows[-1]["step"] >= step):
            self._append({"step": step, **finite})

    def _append(self, row: dict[str, float]) -> None:
        self.rows.append(row)
        if len(self.rows) >= 2 * MOST:
            self.rows = [
                {
                    name: (before.get(name, value) + value) / 2 if name != "step" else value
                    for name, value in row.items()
                }
                for before, row in zip(self.rows[::2], self.rows[1::2], strict=False)
            ]


def drawn(curve: Curve) -> str:
    """A row of drawings, or nothing where there are no two points yet."""
    rows = curve.rows
    if len(rows) < 2:
        return ""
    names = [name for name in rows[-1] if name != "step"]
    return f'<div class="curves">{"".join(_drawing(name, rows) for name in names)}</div>'


def _drawing(name: str, rows: Sequence[Mapping[str, float]]) -> str:
    points = [(row["step"], row[name]) for row in rows if name in row]
    ordered = sorted(value for _, value in points)
    cut = int(len(ordered) * _OUTLIERS)
    low, high = ordered[cut], ordered[-1 - cut]
    margin = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    low, high = low - margin, high + margin
    first, last = points[0][0], points[-1][0]
    line = " ".join(
        f"{(step - first) / max(1, last - first) * _WIDTH:.1f},{_HEIGHT - (value - low) / (high - low) * _HEIGHT:.1f}"
        for step, value in points
    )
    latest = f"{points[-1][1]:.4g}"
    label = html.escape(f"{name} loss, now {latest}")
    return (
        f"<figure><figcaption><span>{html.escape(name)}</span><span>{latest}</span></figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<polyline points="{line}" /></svg></figure>'
    )
