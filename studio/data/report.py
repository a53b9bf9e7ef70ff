"""What became of a folder of pictures: how many are used, and which are left out and why, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

_NAMED = 10  # pictures left out that are named in words; `to_dict` has them all
_NEARLY_SQUARE = 1.05


class LeftOut(NamedTuple):
    """A picture that is not used, by its path in the folder, and why: "kind: more about it"."""

    name: str
    reason: str

    @property
    def kind(self) -> str:
        """ "unreadable", "too small", "too large", "duplicate" or "in no class"."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class Report:
    """What was found in a folder.

    used: pictures for training and those held out, together; held_out: how many of them are kept for measuring.
    not_pictures: files of other kinds. classes: used pictures by class name, empty without classes.
    sizes: (width, height) in pixels of the smallest, the middle and the largest used picture, by area.
    shapes: used pictures by shape: "square" (to within 5 %), "landscape", "portrait".
    """

    used: int
    held_out: int
    left_out: tuple[LeftOut, ...]
    not_pictures: int
    classes: Mapping[str, int]
    sizes: tuple[tuple[int, int], ...]
    shapes: Mapping[str, int]

    def in_words(self) -> str:
        """A few plain lines, without a newline at the end."""
        lines = [f"{self.used:,} {_pictures(self.used)} used, {self.held_out:,} of them held out for measuring."]
        if self.classes:
            lines.append("Classes: " + ", ".join(f"{name} {count:,}" for name, count in self.classes.items()) + ".")
        smallest, middle, largest = (f"{width:,} × {height:,}" for width, height in self.sizes)
        lines.append(f"Sizes: {smallest} the smallest, {middle} in the middle, {largest} the largest.")
        lines.append(
            "Shapes: " + ", ".join(f"{count:,} {shape}" for shape, count in self.shapes.items() if count) + "."
        )
        if self.left_out:
            lines.append(f"Left out: {counted(self.left_out)}.")
            lines += [f"  {name}: {reason}" for name, reason in self.left_out[:_NAMED]]
        if len(self.left_out) > _NAMED:
            lines.append(f"  and {len(self.left_out) - _NAMED:,} more.")
        if self.not_pictures:
            lines.append(
                f"Besides: {self.not_pictures:,} {'file' if self.not_pictures == 1 else 'files'} of other kinds."
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types, for model cards and the cache."""
        return asdict(self) | {
            "left_out": [list(item) for item in self.left_out],
            "sizes": [list(size) for size in self.sizes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that `to_dict` was made from."""
        left_out = tuple(LeftOut(name, reason) for name, reason in values["left_out"])
        return cls(
            **{**values, "left_out": left_out, "sizes": tuple((width, height) for width, height in values["sizes"])}
        )


def counted(left_out: tuple[LeftOut, ...] | list[LeftOut]) -> str:
    """How many of each kind, the most frequent first: "90 too small, 7 unreadable"."""
    kinds = Counter(item.kind for item in left_out)
    return ", ".join(
        f"{count:,} {kind}{'s' if kind == 'duplicate' and count > 1 else ''}" for kind, count in kinds.most_common()
    )


def shapes_of(sizes: list[tuple[int, int]]) -> dict[str, int]:
    """How many of the sizes (width, height) are square, landscape and portrait."""
    square = sum(max(size) <= _NEARLY_SQUARE * min(size) for size in sizes)
    landscape = sum(width > _NEARLY_SQUARE * height for width, height in sizes)
    return {"square": square, "landscape": landscape, "portrait": len(sizes) - square - landscape}


def smallest_middle_largest(sizes: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Three of the sizes (width, height), by area."""
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]


def _pictures(count: int) -> str:
    return "picture" if count == 1 else "pictures"
