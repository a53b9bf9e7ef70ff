"""A stylisation put away in the middle: taken up by a run with the same fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.errors import InputError
from studio.media.state import read_state, write_state


def write(path: Path, fingerprint: str, state: dict[str, Any]) -> None:
    """Write a state atomically. Raises OutputError."""
    write_state(path, {"fingerprint": fingerprint, "state": state})


def read(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The state that `write` put there, or None if there is none for this fingerprint."""
    try:
        kept = read_state(path)
    except InputError:
        return None
    state = kept.get("state")
    return state if kept.get("fingerprint") == fingerprint and isinstance(state, dict) else None
