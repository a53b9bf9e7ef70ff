"""Losses and figures for TensorBoard, in the training's folder: `tensorboard --logdir FOLDER/training/tensorboard`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"

_log = logging.getLogger("studio")


class Log:
    """Writes until something goes wrong, such as a full disk; then it says so once, and training goes on without it."""

    def __init__(self, folder: Path, step: int, *, wanted: bool = True) -> None:
        """step: the one that training begins after; what a killed run logged later than that is left out.

        wanted: False for all processes but the first.
        """
        self._writer: Any = None
        if wanted:
            # Imported here: it takes longer to load than `studio --help` may.
            from torch.utils.tensorboard import SummaryWriter

            try:
                self._writer = SummaryWriter(str(folder / FOLDER), purge_step=step + 1 if step else None)
            except OSError as error:
                self._give_up(error)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                self._give_up(error)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Values by name, after a step."""
        try:
            for name, value in values.items():
                if self._writer is not None:
                    self._writer.add_scalar(name, value, step)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._writer = None
        _log.warning("no more logs for TensorBoard (%s); training goes on.", error.strerror or error)
