"""The import budget: `studio --help` and every command's help under 0.5 s, and importing `studio` starts nothing.

python scripts/check_imports.py

On a machine so slow or so busy that the libraries which read a command line take long themselves, the budget is a
multiple of what they take there, measured in turn with the helps.
"""

from __future__ import annotations

import subprocess
import sys
import time

BUDGET = 0.5  # seconds
RATIO = 4  # of what the libraries take: 3.2 when this was written
LIBRARIES = "import typer, rich.markdown, pydantic"
TRIES = 5
HEAVY = ("torch", "gradio", "huggingface_hub", "numpy", "transformers", "tokenizers")
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
    ("train", "text"),
    ("melody",),
    ("text",),
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
    slowest, libraries = 0.0, 0.0
    for command in COMMANDS:
        seconds, peer = fastest("-m", "studio", *command, "--help"), fastest("-c", LIBRARIES)
        slowest, libraries = max(slowest, seconds), max(libraries, peer)
        if seconds > max(BUDGET, RATIO * peer):
            raise SystemExit(
                f"`studio {' '.join(command)} --help` takes {seconds:.2f} s; the budget is {BUDGET} s, or {RATIO} "
                f"times the {peer:.2f} s that importing its libraries takes here."
            )
    print(f"importing studio starts nothing; the slowest --help takes {slowest:.2f} s (libraries: {libraries:.2f} s)")


def fastest(*arguments: str) -> float:
    """Wall seconds of the whole Python process, the least of several tries."""
    return min(timed(*arguments) for _ in range(TRIES))


def timed(*arguments: str) -> float:
    """Wall seconds of the whole Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
