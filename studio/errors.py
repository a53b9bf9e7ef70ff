"""Everything that Studio refuses, as one small tree of exceptions.

    StudioError
    ├── InputError     a file, a picture or a value that cannot be used
    ├── ModelError     a model that is missing, damaged or of another kind
    ├── DeviceError    a device that is not there or has too little memory
    ├── OutputError    a place that cannot be written to
    └── StoppedError   work that was asked to stop and keeps nothing

A message is one line that says what was expected, what came, and what to do next.
The command line prints that line and ends with exit code 2, or 130 for what was stopped.
"""


class StudioError(Exception):
    """Base of every error that Studio raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class InputError(StudioError):
    """A file, a picture or a value that cannot be used."""


class ModelError(StudioError):
    """A model that is missing, damaged or of another kind."""


class DeviceError(StudioError):
    """A device that is not there or has too little memory."""


class OutputError(StudioError):
    """A place that cannot be written to."""


class StoppedError(StudioError):
    """Work that was asked to stop and keeps nothing."""
