"""A training in a process of its own, so that pages go on working meanwhile: orders and news as lines of JSON.

    finished = train(order, callback)        # starts `python -m studio.ui.trainer` and hands on what it tells

The other end reads one order from its standard input, then listens there for "stop". Where the pages come to an end,
however they do, its input ends too: it stops as if asked to, and writes down what was learnt.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from PIL import Image

import studio
from studio.errors import InputError, StudioError
from studio.progress import Callback, Progress

NEWS_EVERY = 0.3  # seconds
PREVIEW_EVERY = 4.0  # seconds
PREVIEW_SHARE = 40  # previews may take one part in so many of the time
_STOP = "stop"
_BESIDE_PAGES = 5  # how much a training gives way to the pages that show it, in POSIX steps of niceness

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Order:
    """What to train, as `studio.training.run.train` takes it; `source` and `parameters` in plain JSON types."""

    kind: str
    source: dict[str, Any]
    folder: str
    parameters: dict[str, Any]
    resume: bool = False


@dataclass(frozen=True)
class Finished:
    """How a training ended: as `studio.training.loop.Outcome`, with the folder of the model."""

    folder: str
    step: int
    seconds: float
    why: str
    finished: bool


def train(order: Order, callback: Callback) -> Finished:
    """Train in another process until it is done, or until `callback` returns True. Raises InputError for a refusal."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _import_path()},
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            _send(process.stdin, json.dumps(asdict(order)))
            found = _follow(process.stdout, callback, lambda: _send(process.stdin, _STOP))
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()  # also asks it to stop
    if found is None:
        raise InputError(
            f"The training came to an end by itself (exit code {process.returncode}; often there is too little memory: "
            "try a smaller batch). What was learnt until the last checkpoint is kept: go on from there."
        )
    return found


def _follow(news: IO[str], callback: Callback, stop: Callable[[], None]) -> Finished | None:
    picture: Image.Image | None = None
    for line in news:
        message = json.loads(line)
        if "log" in message:
            _log.log(message["log"], "%s", message["text"])
        elif "refused" in message:
            raise InputError(message["refused"])
        elif "finished" in message:
            return Finished(**message["finished"])
        else:
            if message["preview"]:
                picture = Image.open(io.BytesIO(base64.b64decode(message["preview"])))
            shown = picture or Image.new("L", (1, 1))
            if callback(Progress(**message["progress"], preview=lambda shown=shown: shown)):  # type: ignore[misc]
                stop()
    return None


def _send(where: IO[str] | None, line: str) -> None:
    if where is not None:
        with contextlib.suppress(OSError):  # it has just ended
            where.write(line + "\n")
            where.flush()


def _import_path() -> str:
    return os.pathsep.join([str(Path(studio.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])


class _News:
    """Lines of JSON for whoever gave the order, from the process that trains."""

    def __init__(self, where: IO[str], stop: threading.Event) -> None:
        self._where, self._stop = where, stop
        self._at = self._preview_at = 0.0

    def say(self, message: dict[str, Any]) -> None:
        """One line. Where nobody listens any longer, training is to stop."""
        try:
            self._where.write(json.dumps(message) + "\n")
            self._where.flush()
        except OSError:
            self._stop.set()

    def __call__(self, progress: Progress) -> bool:
        """The callback of the training."""
        began = time.monotonic()
        if began >= self._at:
            self._at = began + NEWS_EVERY
            facts = {name: value for name, value in vars(progress).items() if name != "preview"}
            self.say({"progress": facts | {"losses": dict(progress.losses)}, "preview": self._preview(progress)})
        return self._stop.is_set()

    def _preview(self, progress: Progress) -> str | None:
        began = time.monotonic()
        if began < self._preview_at:
            return None
        buffer = io.BytesIO()
        progress.preview().save(buffer, "PNG", compress_level=1)
        ended = time.monotonic()
        self._preview_at = ended + max(PREVIEW_EVERY, (ended - began) * PREVIEW_SHARE)
        return base64.b64encode(buffer.getvalue()).decode()


class _Lines(logging.Handler):
    def __init__(self, news: _News) -> None:
        super().__init__(logging.INFO)
        self._news = news

    def emit(self, record: logging.LogRecord) -> None:
        self._news.say({"log": record.levelno, "text": record.getMessage()})


def _main() -> None:
    """The process that trains."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints does not come between the lines
    order = Order(**json.loads(sys.stdin.readline()))
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    news = _News(answers, stop)
    _log.setLevel(logging.INFO)
    _log.addHandler(_Lines(news))
    if hasattr(os, "nice"):
        os.nice(_BESIDE_PAGES)
    try:
        news.say({"finished": asdict(_train(order, news))})
    except StudioError as error:
        news.say({"refused": str(error)})


def _train(order: Order, news: _News) -> Finished:
    from studio import device
    from studio.training import run

    place = run.place_of(order.folder) if order.resume else run.PLACE
    trained = run.train(
        order.kind,
        run.Source(**order.source),
        order.folder,
        run.KINDS[order.kind](**order.parameters),
        device.choose(place["device"], place["precision"], place["threads"]),
        resume=order.resume,
        command="(on the page of Studio)",
        callback=news,
    )
    outcome = trained.outcome
    return Finished(str(trained.folder), outcome.step, outcome.seconds, outcome.why, outcome.finished)


def _listen(stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == _STOP:
            break
    stop.set()


if __name__ == "__main__":
    _main()
