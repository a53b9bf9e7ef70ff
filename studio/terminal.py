"""What a person at a terminal sees while work goes on: notes, a bar and a way to stop, all on standard error."""

from __future__ import annotations

import logging
import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from studio.progress import Progress, in_words

QUIET_INTERVAL = 10.0  # seconds between lines where there is no terminal to draw a bar in


class Terminal:
    """Notes and bars on standard error; nothing at all when `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        handler = _Notes(self)
        log = logging.getLogger("studio")
        log.handlers = [handler]
        log.setLevel(logging.ERROR if quiet else logging.INFO)
        log.propagate = False
        self._console: Any = None

    def say(self, line: str) -> None:
        """One line, above the bar if there is one."""
        if self._console is not None:
            self._console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    @contextmanager
    def work(self, kept: str = ", with the best so far") -> Iterator[Work]:
        """A bar to report progress to; the first Ctrl-C or SIGTERM asks the work to stop, the second ends it.

        kept: what is said to come of work that is stopped; "" where nothing does.
        """
        with _stop_requests(self, kept) as requests:
            if self.quiet:
                yield Work(requests)
            elif sys.stderr.isatty():
                with _bar() as bar:
                    self._console = bar.console
                    try:
                        yield _BarWork(requests, bar)
                    finally:
                        self._console = None
            else:
                yield _LineWork(requests, self)


class Work:
    """The callback of a long call: says nothing, and asks to stop when someone did."""

    def __init__(self, requests: list[int]) -> None:
        self.requests = requests

    def __call__(self, progress: Progress) -> bool:
        self.show(progress)
        return bool(self.requests)

    def show(self, progress: Progress) -> None:
        """Draw where the work stands."""


class _BarWork(Work):
    def __init__(self, requests: list[int], bar: Any) -> None:
        super().__init__(requests)
        self.bar, self.task = bar, bar.add_task("", total=1.0, steps="", left="", loss="")

    def show(self, progress: Progress) -> None:
        self.bar.update(
            self.task,
            completed=progress.fraction,
            description=progress.stage,
            steps=f"{progress.step}/{progress.steps}",
            left=f"{in_words(progress.remaining)} left" if progress.fraction < 1 else in_words(progress.elapsed),
            loss=_loss(progress),
        )


class _LineWork(Work):
    def __init__(self, requests: list[int], terminal: Terminal) -> None:
        super().__init__(requests)
        self.terminal, self.shown_at, self.stage = terminal, 0.0, ""

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage == self.stage and now - self.shown_at < QUIET_INTERVAL and progress.fraction < 1:
            return
        self.stage, self.shown_at = progress.stage, now
        parts = [
            progress.stage,
            f"step {progress.step}/{progress.steps}",
            f"{progress.fraction:4.0%}",
            _loss(progress),
            f"{in_words(progress.remaining)} left",
        ]
        self.terminal.say("  ".join(part for part in parts if part))


class _Notes(logging.Handler):
    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self.terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "note: " if record.levelno >= logging.WARNING else ""
        self.terminal.say(prefix + record.getMessage())


def _loss(progress: Progress) -> str:
    """The losses by name where there are several, the one there is, or nothing for work that has none."""
    if len(progress.losses) > 1:
        return "  ".join(f"{name} {value:.3g}" for name, value in progress.losses.items())
    return "" if math.isnan(progress.loss) else f"loss {progress.loss:.4g}"


@contextmanager
def _stop_requests(terminal: Terminal, kept: str) -> Iterator[list[int]]:
    """A list that is no longer empty once a signal asked to stop."""
    requests: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if requests:
            raise KeyboardInterrupt
        requests.append(number)
        if not terminal.quiet:
            terminal.say(f"Stopping after this step{kept}; once more to leave at once.")

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requests
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _bar() -> Any:
    # rich.progress is imported when a bar is drawn: `studio --help` should not wait for it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[steps]}"),
        TextColumn("{task.fields[loss]}", style="dim"),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
    )
