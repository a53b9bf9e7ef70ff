"""The training that runs behind the pages: one at a time, watched by whoever opens them, whatever page began it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import InputError, StudioError
from studio.progress import Callback, Progress
from studio.ui import stage
from studio.ui.plot import Curve
from studio.ui.shell import OURS
from studio.ui.trainer import Finished, Order, train
from studio.ui.work import Work

KEPT_NOTES = 8
_ENDLESS = float("inf")


@dataclass
class Story:
    """A training as it goes: what a page shows of it. `pictures` and `told` count what came, for pages that follow."""

    order: Order
    stop: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    progress: Progress | None = None
    sheet: str = ""
    pictures: int = 0
    curve: Curve = field(default_factory=Curve)
    notes: list[str] = field(default_factory=list)
    told: int = 0
    running: bool = True
    finished: Finished | None = None
    error: str = ""

    @property
    def folder(self) -> Path:
        """That of the model."""
        return Path(self.order.folder)


class Trainings:
    """Begins trainings, and keeps the story of the last one. It goes on when the page that began it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.story: Story | None = None

    def begin(self, order: Order, curve: Curve | None = None) -> Story:
        """Begin a training. Raises InputError while another one runs."""
        with self._lock:
            if self.running:
                assert self.story is not None
                raise InputError(
                    f"{self.story.folder.name} is being trained; stop that first, or wait until it is done."
                )
            self.story = Story(order, curve=curve or Curve())
        threading.Thread(target=_follow, args=(self.story,), name="studio-training", daemon=True).start()
        return self.story

    @property
    def running(self) -> bool:
        """Whether there is one now."""
        return self.story is not None and self.story.running

    def stop(self) -> bool:
        """Ask the training to stop; whether there was any."""
        if self.story is None or not self.story.running:
            return False
        self.story.stop.set()
        return True


def _follow(story: Story) -> None:
    def call(report: Callback) -> Finished:
        return train(story.order, report)

    work = Work(call, story.stop, time_limit=_ENDLESS)
    try:
        for update in work.updates():
            if update.progress is not None:
                story.progress, story.since = update.progress, time.monotonic()
                story.curve.add(update.progress.step, update.progress.losses)
            if update.preview is not None and update.preview.width > 1:
                story.sheet, story.pictures = stage.as_address(update.preview), story.pictures + 1
            for text in (*update.notes, *update.warnings):
                story.notes, story.told = [*story.notes, text][-KEPT_NOTES:], story.told + 1
        story.finished = work.result()
    except StudioError as error:
        story.error = str(error)
    except Exception as error:
        story.error = OURS
        raise error
    finally:
        story.running = False
