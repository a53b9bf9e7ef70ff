"""What a person sees: notes and lines on standard error, a bar in a real terminal, and Ctrl-C once and twice."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from studio.progress import Progress, in_words
from studio.terminal import Terminal, Work

BAR = """
import logging
from studio.progress import Progress
from studio.terminal import Terminal
terminal = Terminal()
with terminal.work() as work:
    for step in range(1, 4):
        assert work(Progress(step, 3, step / 3, 65.0, 3 - step, 0.125, "64 × 48", preview=lambda: None)) is False
        logging.getLogger("studio").warning("a [bold] note %d", step)
"""


def progress(step: int = 1, steps: int = 10, stage: str = "64 × 48") -> Progress:
    return Progress(step, steps, step / steps, 2.0, 65.0, 0.12345, stage, lambda: Image.new("RGB", (1, 1)))


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever happens to the signals of this process in a test ends with it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_notes_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal()
    logging.getLogger("studio").info("10 steps")
    logging.getLogger("studio").warning("mask %s is small", "m.png")
    logging.getLogger("studio").debug("not for people")
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "10 steps\nnote: mask m.png is small\n"


def test_a_second_terminal_takes_over_and_nothing_is_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal()
    Terminal()
    logging.getLogger("studio").info("once")
    assert capsys.readouterr().err == "once\n"


def test_quiet_says_no_progress_and_no_information(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(quiet=True)
    with terminal.work() as work:
        assert work(progress()) is False
        logging.getLogger("studio").info("10 steps")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_without_a_terminal_a_line_for_each_stage_and_for_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().work() as work:
        for step in range(1, 11):
            work(progress(step, stage="64 × 48" if step < 5 else "90 × 68"))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["64 × 48", "step 1/10"],
        ["90 × 68", "step 5/10"],
        ["90 × 68", "step 10/10"],
    ]
    assert lines[0].endswith("10%  loss 0.1235  1 min 5 s left")


def test_the_first_ctrl_c_asks_and_the_second_ends(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Terminal().work() as work:
        assert work(progress()) is False
        os.kill(os.getpid(), signal.SIGINT)
        assert work(progress()) is True
        assert "Stopping after this step, with the best so far; once more to leave at once." in capsys.readouterr().err
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_asks_too_and_says_nothing_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal(quiet=True).work() as work:
        os.kill(os.getpid(), signal.SIGTERM)
        assert work(progress()) is True
    assert capsys.readouterr().err == ""
    with Terminal(quiet=True).work() as work:
        assert work(progress()) is False  # a new piece of work has not been asked to stop


def test_a_callback_that_shows_nothing() -> None:
    requests: list[int] = []
    work = Work(requests)
    assert work(progress()) is False
    requests.append(signal.SIGINT)
    assert work(progress()) is True


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_bar_in_a_real_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    size = {"COLUMNS": "120", "LINES": "30", "TERM": "xterm", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", BAR],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, **size},
        check=False,
        timeout=20,
    )
    os.close(theirs)
    drawn = b""
    try:
        while part := os.read(ours, 65536):
            drawn += part
    except OSError:  # what Linux answers at the end
        pass
    os.close(ours)
    text = drawn.decode()
    assert done.returncode == 0 and done.stdout == b""
    assert "64 × 48" in text and "100%" in text and "3/3" in text and "loss 0.125" in text and "1 min 5 s" in text
    assert [text.count(f"note: a [bold] note {step}") for step in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (8.4, "8 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3599.7, "1 h"),
        (4800, "1 h 20 min"),
        (90_000, "25 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
