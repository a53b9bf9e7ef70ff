"""The sizes that a picture goes through on its way from coarse to fine."""

from __future__ import annotations

from studio.errors import InputError

SMALLEST_SIDE = 32  # below this the deepest style layer has too few positions to say anything
LEAST_SIDE = 16  # below this it has none

Size = tuple[int, int]


def scales(width: int, height: int, size: int, smallest: int, coarse_to_fine: bool = True) -> list[Size]:
    """(width, height) of each scale: the long side grows by √2, so the area doubles, and ends at `size`.

    Raises InputError for a picture so narrow that its short side would be under 16 pixels.
    """
    final = fitted(width, height, size)
    if min(final) < LEAST_SIDE:
        raise InputError(
            f"A picture of {width} × {height} becomes {final[0]} × {final[1]} at size {size}: "
            f"expected at least {LEAST_SIDE} pixels on the short side; choose a larger size or crop it."
        )
    found = [final]
    side = size / 2**0.5
    while coarse_to_fine and side >= smallest * 0.99:
        smaller = fitted(width, height, round(side))
        if min(smaller) < SMALLEST_SIDE:
            break
        found.insert(0, smaller)
        side /= 2**0.5
    return found


def fitted(width: int, height: int, long_side: int) -> Size:
    """(width, height) with the same proportions and the long side given."""
    ratio = long_side / max(width, height)
    return max(1, round(width * ratio)), max(1, round(height * ratio))
