"""Walks: the latents of a film that leads from keyframe to keyframe."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from studio.errors import InputError
from studio.latent.interpolation import frame_times, slerp_at, spline_at

KINDS = ("spline", "slerp")
Kind = Literal["spline", "slerp"]


def walk(keyframes: Tensor, frames: int, *, kind: Kind = "spline", loop: bool = True, ease: bool = False) -> Tensor:
    """(K, L) → (frames, L): from keyframe to keyframe in equal times.

    kind: "spline" flows through the keyframes, "slerp" takes the shortest way and turns at each.
    loop: back to the first keyframe, so that a film of the frames repeats without a jump: frame `frames` would be frame
    0 again. Otherwise frame 0 is the first keyframe and the last frame the last.
    ease: slow down to rest at every keyframe, and speed up again.
    Raises InputError for keyframes that are no (K, L), for fewer than one frame, and for another kind.
    """
    if keyframes.ndim != 2:
        raise InputError(f"Expected keyframes of shape (K, L), got {tuple(keyframes.shape)}.")
    if kind not in KINDS:
        raise InputError(f"Unknown kind of walk {kind!r}: expected {' or '.join(KINDS)}.")
    times = frame_times(len(keyframes), frames, loop)
    if ease:
        part = times - times.floor()
        times = times.floor() + part**2 * (3 - 2 * part)
    return (spline_at if kind == "spline" else slerp_at)(keyframes, times, loop)
