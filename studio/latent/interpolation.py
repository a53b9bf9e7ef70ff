"""Ways between latents that stay where a model knows its way: on the sphere, not through its middle.

Gaussian latents of many dimensions all lie near the sphere of radius √L. The straight way between two of them leads
through its inside, where nothing was ever trained, so directions go along the sphere and norms are interpolated beside.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.errors import InputError

_NEARLY_PARALLEL = 1e-4  # radians, from 0 or from π
_SMALLEST = 1e-12


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Spherical interpolation (Shoemake 1985) from a (t = 0) to b (t = 1), both (…, L); the norm changes linearly.

    t: a number, giving (…, L), or (T,), giving (T, …, L). Vectors that are nearly parallel, opposite or zero are
    interpolated in a straight line: between opposite ones there is no shortest way around the sphere.
    """
    if a.shape != b.shape:
        raise InputError(f"Expected two latents of one shape, got {tuple(a.shape)} and {tuple(b.shape)}.")
    return _slerp(a, b, _times(t, a))


def spline(points: Tensor, frames: int, loop: bool = True) -> Tensor:
    """(K, L) → (frames, L): a smooth way through all points, with equal time between them.

    loop: back to the first point; frame `frames` would be frame 0 again, and the way has no corner there. Otherwise the
    first frame is the first point and the last frame the last.
    """
    return spline_at(points, frame_times(len(points), frames, loop), loop)


def spline_at(points: Tensor, times: Tensor, loop: bool = True) -> Tensor:
    """(K, L) at times (T,), where time k is point k  →  (T, L).

    A uniform Catmull-Rom spline (Catmull & Rom 1974) through the directions, put back on the sphere, times another
    through the norms. Both have a continuous first derivative, and so has their product.
    """
    norms: Tensor = points.norm(dim=-1, keepdim=True)
    directions: Tensor = _catmull_rom(points / norms.clamp(min=_SMALLEST), times, loop)
    directions = directions / directions.norm(dim=-1, keepdim=True).clamp(min=_SMALLEST)
    return directions * _catmull_rom(norms, times, loop).clamp(min=0)


def slerp_at(points: Tensor, times: Tensor, loop: bool = True) -> Tensor:
    """(K, L) at times (T,), where time k is point k  →  (T, L), along great circles with corners at the points."""
    _, before, after, _ = _neighbours(points, times, loop)
    return _slerp(before, after, _fraction(times, points))


def frame_times(count: int, frames: int, loop: bool) -> Tensor:
    """(frames,) float64: when each frame is, counted in keyframes, from 0 to `count` (loop) or to `count` - 1."""
    if count < 1 or frames < 1:
        raise InputError(f"Expected at least one keyframe and one frame, got {count} and {frames}.")
    numbers = torch.arange(frames, dtype=torch.float64)
    return numbers * count / frames if loop else numbers * (count - 1) / max(frames - 1, 1)


def _slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    norm_a, norm_b = (vector.norm(dim=-1, keepdim=True) for vector in (a, b))
    from_, to = a / norm_a.clamp(min=_SMALLEST), b / norm_b.clamp(min=_SMALLEST)
    # The arc tangent keeps its precision for small angles, where the arc cosine of the dot product loses it.
    angle = 2 * torch.atan2((from_ - to).norm(dim=-1, keepdim=True), (from_ + to).norm(dim=-1, keepdim=True))
    sine = angle.sin()
    straight = (sine < _NEARLY_PARALLEL) | (norm_a < _SMALLEST) | (norm_b < _SMALLEST)
    sine = sine.masked_fill(straight, 1)
    around = ((1 - t) * angle).sin() / sine * from_ + (t * angle).sin() / sine * to
    return torch.where(straight, a + t * (b - a), around * (norm_a + t * (norm_b - norm_a)))


def _catmull_rom(points: Tensor, times: Tensor, loop: bool) -> Tensor:
    earlier, before, after, later = _neighbours(points, times, loop)
    t = _fraction(times, points)
    return (
        before
        + t / 2 * (after - earlier)
        + t**2 / 2 * (2 * earlier - 5 * before + 4 * after - later)
        + t**3 / 2 * (3 * (before - after) + later - earlier)
    )


def _neighbours(points: Tensor, times: Tensor, loop: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each time the two points before it and the two after it, (T, L) each.

    They come around in a loop; beyond the ends of an open way the last two points are continued in a straight line.
    """
    index = times.floor().long()
    if loop:
        earlier, before, after, later = (points[(index + offset) % len(points)] for offset in (-1, 0, 1, 2))
        return earlier, before, after, later
    first, last = points[:1], points[-1:]
    if len(points) > 1:
        first, last = 2 * first - points[1:2], 2 * last - points[-2:-1]
    extended = torch.cat([first, points, last, last])
    return extended[index], extended[index + 1], extended[index + 2], extended[index + 3]


def _fraction(times: Tensor, like: Tensor) -> Tensor:
    """How far along its part of the way each time is: (T, 1) in [0, 1)."""
    return (times - times.floor()).to(like)[:, None]


def _times(t: float | Tensor, like: Tensor) -> Tensor:
    """A number as it is, (T,) as (T, 1, …, 1) with one 1 for each dimension of the latents."""
    times = torch.as_tensor(t).to(like)
    return times.reshape(-1, *[1] * like.ndim) if times.ndim else times
