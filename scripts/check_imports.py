"""The import budget: `studio --help` and every command's help under 0.5 s, and importing `studio` starts nothing.

python scripts/check_imports.py
"""

from __future__ import annotations

import subprocess
import sys
import time

BUDGET = 0.5
TRIES = 5
HEAVY = ("torch", "gradio", "huggingface_hub", "numpy")
COMMANDS = (
    (),
    ("style",),
    ("image",),
    ("walk",),
    ("project",),
    ("directions",),
    ("blend",),
    ("train",),
    ("train", "dcgan"),
    ("train", "vae"),
    ("train", "melody"),
    ("melody",),
    ("live",),
    ("evaluate",),
    ("recipe",),
    ("remake",),
    ("models",),
    ("models", "show"),
    ("app",),
    ("doctor",),
)

NOTHING_STARTED = f"""
import sys, threading
before = threading.active_count()
import studio
assert threading.active_count() == before, "importing studio started a thread"
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, f"importing studio loads {{loaded}}"
"""


def main() -> None:
    subprocess.run([sys.executable, "-c", NOTHING_STARTED], check=True)
    slowest = 0.0
    for command in COMMANDS:
        seconds = min(timed(*command, "--help") for _ in range(TRIES))
        slowest = max(slowest, seconds)
        if seconds > BUDGET:
            raise SystemExit(f"`studio {' '.join(command)} --help` takes {seconds:.2f} s; the budget is {BUDGET} s.")
    print(f"importing studio starts nothing; the slowest --help takes {slowest:.2f} s")


def timed(*arguments: str) -> float:
    """Wall seconds of the whole process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "studio", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
