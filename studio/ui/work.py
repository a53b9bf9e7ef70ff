"""Long work behind a page: in its own thread, its progress as a stream, with a stop flag for its session alone."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from PIL import Image

from studio.progress import Callback, Progress

TIME_LIMIT = 4 * 3600.0  # seconds of one piece of work; then the best so far comes back and the next in line begins
PREVIEW_EVERY = 0.7  # seconds
TICK = 0.35  # seconds
_PREVIEW_SHARE = 8  # a preview may take one part in so many of the time

_Result = TypeVar("_Result")
_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Update:
    """News of the work: each part is None, or empty, where there is nothing new.

    warnings, notes: what was logged meanwhile, as warnings and otherwise.
    """

    progress: Progress | None = None
    preview: Image.Image | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Work(Generic[_Result]):
    """A call that reports to a callback, run in a thread.

    for update in work.updates(): ...     # until it is done; leaving the loop early stops the work
    work.result()                         # what the call returned, or what it raised
    """

    def __init__(
        self,
        call: Callable[[Callback], _Result],
        stop: threading.Event,
        *,
        time_limit: float = TIME_LIMIT,
        tick: float = TICK,
    ) -> None:
        """tick: seconds between two looks at the news."""
        self._call, self._stop, self._tick = call, stop, tick
        self._deadline = time.monotonic() + time_limit
        self._news: deque[Update] = deque()
        self._done = threading.Event()
        self._preview_at = 0.0
        self._returned: _Result | None = None
        self._error: BaseException | None = None
        self.timed_out = False

    def updates(self) -> Iterator[Update]:
        """The work's news, a few times in a second."""
        threading.Thread(target=self._work, name="studio-work", daemon=True).start()
        try:
            done = False
            while not done:
                done = self._done.wait(self._tick)
                yield self._drained()
        finally:
            self._stop.set()

    def result(self) -> _Result:
        """What the call returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        assert self._returned is not None
        return self._returned

    def _work(self) -> None:
        try:
            with _listening(self._news.append):
                self._returned = self._call(self._report)
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error
        finally:
            self._done.set()

    def _report(self, progress: Progress) -> bool:
        """The callback of the call: runs in its thread, between two steps."""
        began, preview = time.monotonic(), None
        if began >= self._preview_at:
            preview = progress.preview()
            took = time.monotonic() - began
            self._preview_at = time.monotonic() + max(PREVIEW_EVERY, took * _PREVIEW_SHARE)
        self._news.append(Update(progress, preview))
        self.timed_out = began > self._deadline
        return self._stop.is_set() or self.timed_out

    def _drained(self) -> Update:
        """Everything that is new, put together."""
        news = [self._news.popleft() for _ in range(len(self._news))]
        return Update(
            progress=next((item.progress for item in reversed(news) if item.progress), None),
            preview=next((item.preview for item in reversed(news) if item.preview), None),
            warnings=tuple(text for item in news for text in item.warnings),
            notes=tuple(text for item in news for text in item.notes),
        )


class StopFlags:
    """A stop flag for each piece of work, kept by browser session: nobody can stop the work of another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, threading.Event] = {}
        self._working: dict[str, list[threading.Event]] = {}

    def announce(self, session: str) -> None:
        """Work was asked for and waits for its turn; from here on it can be stopped."""
        with self._lock:
            self._waiting[session] = threading.Event()

    @contextlib.contextmanager
    def working(self, session: str) -> Iterator[threading.Event]:
        """The flag of the work that a session now begins."""
        with self._lock:
            flag = self._waiting.pop(session, None) or threading.Event()
            self._working.setdefault(session, []).append(flag)
        try:
            yield flag
        finally:
            with self._lock:
                self._working[session].remove(flag)
                if not self._working[session]:
                    del self._working[session]

    def stop(self, session: str) -> bool:
        """Ask the work of a session to stop; whether there was any."""
        with self._lock:
            flags = [*self._working.get(session, ()), *filter(None, [self._waiting.get(session)])]
        for flag in flags:
            flag.set()
        return bool(flags)


@contextlib.contextmanager
def _listening(take: Callable[[Update], None]) -> Iterator[None]:
    """Hand on what this thread, and no other, logs as "studio"."""
    handler = _Listener(take)
    if not _log.isEnabledFor(logging.INFO):
        _log.setLevel(logging.INFO)
    _log.addHandler(handler)
    try:
        yield
    finally:
        _log.removeHandler(handler)


class _Listener(logging.Handler):
    def __init__(self, take: Callable[[Update], None]) -> None:
        super().__init__(logging.INFO)
        self._take, self._thread = take, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            text = record.getMessage()
            self._take(Update(warnings=(text,)) if record.levelno >= logging.WARNING else Update(notes=(text,)))
