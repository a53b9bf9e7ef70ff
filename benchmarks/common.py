"""What the benchmarks share: sides that take turns in processes of their own, and pictures to learn from."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from studio.data.folder import read_folder
from studio.data.pictures import PictureData

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "benchmarks" / ".cache"
UNCOUNTED = 2  # turns of each side that set things up and warm caches

Tick = Callable[[], None]


class Over(Exception):  # noqa: N818
    """No further turn is wanted."""


class Turns:
    """A process that works a turn each time it is asked, and waits in between.

    In a process of its own a side keeps its own memory, threads and settings, and its peak memory can be read.
    """

    def __init__(self, run: Callable[..., None], *arguments: Any) -> None:
        """run(tick, *arguments) calls tick at the end of each turn; what it does before its first is not counted."""
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(run, arguments, other), daemon=True)
        self.process.start()
        other.close()

    def turn(self) -> float:
        """Seconds that one turn took."""
        self.connection.send("go")
        return float(self.connection.recv())

    def end(self) -> int:
        """The peak resident memory of the process, in bytes."""
        self.connection.send("end")
        peak = int(self.connection.recv())
        self.process.join()
        return peak


def _serve(run: Callable[..., None], arguments: tuple[Any, ...], connection: Connection) -> None:
    began = 0.0

    def tick() -> None:
        nonlocal began
        connection.send(time.perf_counter() - began)
        wait()

    def wait() -> None:
        nonlocal began
        if connection.recv() == "end":
            raise Over
        began = time.perf_counter()

    try:
        wait()
        run(tick, *arguments)
    except Over:
        connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@dataclass(frozen=True)
class Taken:
    """Seconds of each counted turn, by side, in the order in which they were taken."""

    seconds: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        return statistics.median(self.seconds[side])

    def times_faster(self, side: str, than: str) -> str:
        """The median over pairs of neighbouring turns, in words, with the range of them."""
        ratios = [other / own for other, own in zip(self.seconds[than], self.seconds[side], strict=True)]
        return f"{statistics.median(ratios):.2f} times faster (pairs {min(ratios):.2f} to {max(ratios):.2f})"


def take_turns(sides: Mapping[str, Turns], rounds: int) -> Taken:
    """One turn of each side after another, as many rounds, after some that are not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + UNCOUNTED):
        for name, side in sides.items():
            took = side.turn()
            if number >= UNCOUNTED:
                seconds[name].append(took)
    return Taken(seconds)


def arguments(description: str, *, data: bool = True) -> argparse.ArgumentParser:
    """The options that the benchmarks have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a short trial whose figures mean little")
    if data:
        parser.add_argument("--data", type=Path, help="a folder of pictures (by default emoji, fetched with npm)")
    return parser


def machine() -> str:
    """What it runs on, in a line."""
    share = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    processor = torch.cpu.get_capabilities().get("cpu_name", platform.machine())
    return f"{processor}, {torch.get_num_threads()} threads of {os.cpu_count()}, torch {torch.__version__}{share}"


def folder_of(given: Path | None) -> Path:
    """The pictures to learn from: those given, or emoji, which are made once."""
    if given is not None:
        return given
    folder = CACHE / "emoji"
    if not (folder / "SOURCES.md").is_file():  # written last
        subprocess.run([sys.executable, ROOT / "scripts" / "data" / "emoji.py", folder], check=True)
    return folder


def pictures(folder: Path) -> PictureData:
    """The pictures in a folder at 64 × 64, a tenth of them held out."""
    CACHE.mkdir(exist_ok=True)
    return read_folder(folder, size=64, channels=3, cache=CACHE / "prepared")


def quiet() -> None:
    """Only warnings of the libraries."""
    for name in ("studio", "pythae"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("pythae") and isinstance(logger, logging.Logger):
            logger.setLevel(logging.WARNING)  # each of its modules sets its own level
