"""What became of the texts: how much is learnt from, how much is held out, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from studio.data.report import LeftOut, counted

_NAMED = 10  # files left out that are named in words; `to_dict` has them all


@dataclass(frozen=True)
class TextReport:
    """used: documents; characters, words, tokens: to learn from; held_out: characters kept for measuring.

    replaced: characters that were no UTF-8; controls: control characters left out; other_files: of other kinds;
    over_fits: whether it is so little that a network will know it by heart.
    """

    used: int
    characters: int
    words: int
    tokens: int
    held_out: int
    replaced: int
    controls: int
    left_out: tuple[LeftOut, ...]
    other_files: int
    over_fits: bool

    def in_words(self) -> str:
        """A few plain lines, without a newline at the end."""
        documents = f"{self.used:,} document{'s' if self.used != 1 else ''}"
        lines = [
            f"{documents}: {self.words:,} words, {self.characters:,} characters, {self.tokens:,} tokens; "
            f"{self.held_out:,} characters more are held out for measuring."
        ]
        if self.over_fits:
            lines.append(
                "That is little: a network of its own will soon know it by heart. It stops when it gets worse on what "
                "is held out; --from a model that can write already makes more of it."
            )
        if self.replaced:
            lines.append(f"{self.replaced:,} characters were no UTF-8 and became \N{REPLACEMENT CHARACTER}.")
        if self.controls:
            lines.append(f"{self.controls:,} control characters were left out.")
        if self.left_out:
            lines.append(f"Left out: {counted(self.left_out)}.")
            lines += [f"  {name}: {reason}" for name, reason in self.left_out[:_NAMED]]
        if len(self.left_out) > _NAMED:
            lines.append(f"  and {len(self.left_out) - _NAMED:,} more.")
        if self.other_files:
            lines.append(
                f"Besides: {self.other_files:,} {'file' if self.other_files == 1 else 'files'} of other kinds."
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        return asdict(self) | {"left_out": [list(item) for item in self.left_out]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that `to_dict` was made from."""
        return cls(**{**values, "left_out": tuple(LeftOut(name, reason) for name, reason in values["left_out"])})
