"""Work behind a page: its news, its end, and who may stop it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest
from PIL import Image

from studio.errors import InputError
from studio.progress import Callback, Progress
from studio.ui.work import StopFlags, Work


def progress(step: int, preview: Callable[[], Image.Image] = lambda: Image.new("RGB", (4, 4))) -> Progress:
    return Progress(step, 100, step / 100, float(step), 100.0 - step, 0.5, "4 × 4", preview)


def steps(report: Callback) -> str:
    for step in range(1, 101):
        if report(progress(step)):
            return f"stopped at {step}"
        time.sleep(0.01)
    return "finished"


def test_news_come_while_it_works_and_the_result_at_the_end() -> None:
    work = Work(steps, threading.Event())
    news = list(work.updates())
    told = [update.progress.step for update in news if update.progress]
    assert told == sorted(told) and told[-1] == 100 and len(told) > 2
    assert any(update.preview for update in news)
    assert work.result() == "finished" and not work.timed_out


def test_a_flag_stops_it_and_its_result_is_kept() -> None:
    flag = threading.Event()
    work = Work(steps, flag)
    for update in work.updates():
        if update.progress:
            flag.set()
    assert work.result().startswith("stopped at")


def test_leaving_the_stream_stops_the_work() -> None:
    flag = threading.Event()
    news = Work(steps, flag).updates()
    next(news)
    news.close()  # type: ignore[attr-defined]
    assert flag.is_set()


def test_it_ends_at_its_time_limit() -> None:
    work = Work(steps, threading.Event(), time_limit=0.1)
    list(work.updates())
    assert work.timed_out and work.result().startswith("stopped at")


def test_an_error_comes_out_with_the_result() -> None:
    def fail(report: Callback) -> str:
        raise InputError("no such picture.")

    work = Work(fail, threading.Event())
    list(work.updates())
    with pytest.raises(InputError, match="no such picture"):
        work.result()


def test_it_hears_its_own_log_and_nobody_elses() -> None:
    log = logging.getLogger("studio")

    def talk(report: Callback) -> str:
        log.info("about 5 s.")
        log.warning("resizing the mask.")
        other = threading.Thread(target=log.warning, args=("of another session",))
        other.start()
        other.join()
        return "done"

    handlers = list(log.handlers)
    news = list((work := Work(talk, threading.Event())).updates())
    assert work.result() == "done"
    assert [text for update in news for text in update.warnings] == ["resizing the mask."]
    assert [text for update in news for text in update.notes] == ["about 5 s."]
    assert log.handlers == handlers


def test_previews_are_made_only_now_and_then() -> None:
    made = []

    def preview() -> Image.Image:
        made.append(time.monotonic())
        return Image.new("RGB", (4, 4))

    def many(report: Callback) -> int:
        for step in range(1, 101):
            report(progress(step, preview))
            time.sleep(0.005)
        return 0

    list(Work(many, threading.Event()).updates())
    assert 1 <= len(made) <= 2


def test_a_session_stops_its_own_work_only() -> None:
    flags = StopFlags()
    with flags.working("mine") as mine, flags.working("yours") as yours:
        assert flags.stop("mine") and mine.is_set() and not yours.is_set()
        assert not flags.stop("a stranger's") and not yours.is_set()
    assert not flags.stop("mine")


def test_work_that_still_waits_can_be_stopped() -> None:
    flags = StopFlags()
    flags.announce("mine")
    assert flags.stop("mine")
    with flags.working("mine") as flag:
        assert flag.is_set()
    with flags.working("mine") as flag:
        assert not flag.is_set()
