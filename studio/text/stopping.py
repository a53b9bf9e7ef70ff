"""Stop strings that stop exactly: a text ends right before one, wherever tokens begin and end."""

from __future__ import annotations

from collections.abc import Sequence

from studio.errors import InputError


class Stops:
    """What lets a text through up to the first stop string that becomes complete.

    What could be the beginning of one is held back until it is known whether it is. What comes out is the same however
    the text is cut into pieces: of several stop strings the one that ends first counts, of those that end at the same
    place the longest.
    """

    def __init__(self, strings: Sequence[str] = ()) -> None:
        """Raises InputError for an empty stop string."""
        if not all(strings):
            raise InputError('A stop string needs at least one character, got "".')
        self.strings = tuple(sorted(set(strings), key=len, reverse=True))
        self.pending, self.stopped = "", False

    def push(self, text: str) -> str:
        """More text  →  what is now certain to come before any stop string; nothing more once `stopped`."""
        if self.stopped or not self.strings:
            return "" if self.stopped else text
        held = self.pending + text
        found = [(place + len(string), place) for string in self.strings if (place := held.find(string)) >= 0]
        if found:
            self.pending, self.stopped = "", True
            return held[: min(found)[1]]
        most = min(len(held), len(self.strings[0]) - 1)
        kept = next((size for size in range(most, 0, -1) if self._begins(held[-size:])), 0)
        self.pending = held[len(held) - kept :]
        return held[: len(held) - kept]

    def finish(self) -> str:
        """What was held back, when the text ends without a stop string."""
        held, self.pending = self.pending, ""
        return held

    def copy(self) -> Stops:
        """Another that goes on from here by itself."""
        copied = Stops.__new__(Stops)  # several times quicker than copy.copy, and made with every token
        copied.strings, copied.pending, copied.stopped = self.strings, self.pending, self.stopped
        return copied

    def _begins(self, text: str) -> bool:
        return any(string.startswith(text) for string in self.strings)
