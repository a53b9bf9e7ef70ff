"""Build the wheel, install it in a clean environment, and make pictures and tunes offline from an empty folder.

    python scripts/check_wheel.py

Fails if the wheel is over 90 MB, lacks a shipped model, needs the checkout, or takes its pictures from elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LARGEST_WHEEL = 90_000_000
LARGEST_WEIGHTS = 25_000_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel = build(work)
        check_contents(wheel)
        python = install(wheel, work / "environment")
        use(python, work / "empty")
    print(f"{wheel.name}: makes pictures, music and verse offline from an empty folder in a clean environment.")


def build(work: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", str(ROOT), "-w", str(work))
    return next(work.glob("creative_studio-*.whl"))


def check_contents(wheel: Path) -> None:
    size = wheel.stat().st_size
    if size > LARGEST_WHEEL:
        raise SystemExit(f"{wheel.name} is {size / 1e6:.1f} MB; at most {LARGEST_WHEEL / 1e6:.0f} MB are allowed.")
    members = {member.filename: member.file_size for member in zipfile.ZipFile(wheel).infolist()}
    for path in sorted((ROOT / "models").glob("*/*")):
        name = f"studio/shipped/{path.relative_to(ROOT).as_posix()}"
        if members.get(name) != path.stat().st_size:
            raise SystemExit(f"{wheel.name} lacks {name}.")
        if path.suffix == ".safetensors" and path.stat().st_size > LARGEST_WEIGHTS:
            raise SystemExit(f"{path} is over {LARGEST_WEIGHTS / 1e6:.0f} MB.")
    print(f"{wheel.name}: {size / 1e6:.1f} MB, {len(members)} files")


def install(wheel: Path, environment: Path) -> Path:
    run(sys.executable, "-m", "venv", str(environment))
    python = environment / "bin" / "python"
    run(str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel))
    return python


def use(python: Path, empty: Path) -> None:
    """In a folder with nothing in it, isolated from the checkout, and with the hub switched off."""
    empty.mkdir()
    samples = next(python.parent.parent.glob("lib/python*/site-packages/studio/shipped/samples"))
    offline = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HOME": str(empty),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    offline.pop("PYTHONPATH", None)
    studio = str(python.parent / "studio")
    inputs = [str(samples / "content" / "cat.jpg"), str(samples / "style" / "hokusai_great_wave.jpg")]
    run(studio, "style", *inputs, "-o", "out.png", "--size", "128", "--steps", "5", cwd=empty, env=offline)
    run(studio, "recipe", "out.png", "--json", cwd=empty, env=offline)
    run(studio, "doctor", cwd=empty, env=offline)
    made = [empty / "out.png"]
    for model in sorted((ROOT / "models").glob("*/config.json")):
        name, network = model.parent.name, json.loads(model.read_text(encoding="utf-8"))["network"]
        if network == "melody_lstm":
            made += [empty / f"{name}{suffix}" for suffix in (".mid", ".wav", ".png")]
            options = ("--model", name, "--bars", "8", "--wav", "--roll", "--accompaniment", "bass", "--drums")
            run(studio, "melody", *options, "-o", f"{name}.mid", cwd=empty, env=offline)
        elif network == "gpt":
            made.append(empty / f"{name}.txt")
            run(studio, "text", "--model", name, "--form", "sonnet", "-o", str(made[-1]), cwd=empty, env=offline)
        elif network != "vgg":
            made.append(empty / f"{name}.png")
            run(studio, "image", name, "--count", "9", "--grid", "-o", str(made[-1]), cwd=empty, env=offline)
    for output in made:
        if output.stat().st_size < (300 if output.suffix == ".txt" else 1000):
            raise SystemExit(f"{output.name}, made by the wheel, is empty.")


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=cwd, env=env, check=False).returncode:
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
