"""Losses and figures for TensorBoard, in the training's folder: `tensorboard --logdir FOLDER/training/tensorboard`."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.errors import OutputError
from studio.media import files

FOLDER = "tensorboard"
FLUSHED_EVERY = 10.0  # seconds

_log = logging.getLogger("studio")


class Log:
    """Writes until something goes wrong, such as a full disk; then it says so once, and training goes on without it.

    It writes TensorBoard's records itself: torch's SummaryWriter does so in a thread of its own, whose trouble nobody
    can catch.
    """

    def __init__(self, folder: Path, step: int, *, wanted: bool = True) -> None:
        """step: the one that training begins after; what a killed run logged later than that is left out.

        wanted: False for all processes but the first.
        """
        self._records: Any = None
        self._flushed = time.monotonic()
        if not wanted:
            return
        # Imported here: they take longer to load than `studio --help` may.
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = Event, Summary
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
        try:
            self._records = RecordWriter((files.make_folder(folder / FOLDER) / name).open("ab"))
        except (OSError, OutputError) as error:
            self._give_up(error)
        self._put(file_version="brain.Event:2")
        if step:
            self._put(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._records is not None:
                self._records.close()
        except OSError as error:
            self._give_up(error)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Values by name, after a step."""
        if self._records is not None:
            found = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
            self._put(step=step, summary=self._summary(value=found))

    def _put(self, **what: Any) -> None:
        if self._records is None:
            return
        try:
            self._records.write(self._event(wall_time=time.time(), **what).SerializeToString())
            if time.monotonic() - self._flushed > FLUSHED_EVERY:
                self._records.flush()
                self._flushed = time.monotonic()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if self._records is not None:
            with contextlib.suppress(OSError):
                self._records.close()
        self._records = None
        _log.warning("no more logs for TensorBoard (%s); training goes on.", getattr(error, "strerror", None) or error)
