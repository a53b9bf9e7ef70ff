"""MIDI ports of the machine: where notes go that are played as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from studio.errors import OutputError

OWN = "Studio"
"""The name of the port that is opened for other programs to listen to."""
NOTE_ON, NOTE_OFF, PROGRAM, CONTROL, ALL_NOTES_OFF = 0x90, 0x80, 0xC0, 0xB0, 123


class Port(Protocol):
    """What takes MIDI messages, as lists of bytes."""

    def send_message(self, message: Sequence[int]) -> None:
        """Send one message at once."""

    def close_port(self) -> None:
        """Let go of the port."""


def names() -> list[str]:
    """The ports that can be played to. Raises OutputError where none can be looked for."""
    out = _output()
    try:
        return [str(name) for name in out.get_ports()]
    finally:
        out.delete()


def open_port(name: str = "") -> Port:
    """The port whose name contains `name`, in any case; without one, a port of our own that others can connect to.

    Raises OutputError where there is no such port, or nothing installed to reach it.
    """
    out = _output()
    known = [str(port) for port in out.get_ports()]
    if not name:
        return _own(out)
    for number, port in enumerate(known):
        if name.lower() in port.lower():
            out.open_port(number)
            return out  # type: ignore[no-any-return]
    there = ", ".join(known) if known else "none"
    raise OutputError(f"There is no MIDI port {name!r}; there are: {there}.")


def _own(out: Any) -> Port:
    try:
        out.open_virtual_port(OWN)
    except Exception as error:  # rtmidi has its own for each system
        raise OutputError(f"No MIDI port of our own can be opened here ({error}); name one with --port.") from None
    return out  # type: ignore[no-any-return]


def _output() -> Any:
    try:
        import rtmidi
    except ImportError:
        raise OutputError(
            "No MIDI port can be reached, as python-rtmidi is not installed: pip install 'creative-studio[live]'."
        ) from None
    try:
        return rtmidi.MidiOut()
    except Exception as error:
        raise OutputError(f"This machine has no MIDI system that can be reached ({error}).") from None
