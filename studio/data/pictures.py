"""The pictures that a model learns from, prepared: one uint8 tensor, decoded once, so that nothing can turn unreadable
later; and the folder in the cache that holds them, so that going on with a training starts at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.data.report import Report
from studio.errors import OutputError
from studio.media import files

Pixels = NDArray[np.uint8]

IN_MEMORY = 2 << 30  # bytes; what is larger stays on disk and is mapped
_BLOCK = 1024  # pictures


@dataclass(frozen=True)
class PictureData:
    """Pictures for training, and those held out for measuring; 0..255.

    pictures: (N, C, S, S) uint8; labels: (N,) int64, indices into class_names (all 0 where there are no classes).
    held_out: (M, C, S, S) uint8; held_out_labels: (M,) int64.
    names: the N paths of the training pictures in their folder.
    fingerprint: SHA-256 over the content of the pictures used and how they were prepared, in hexadecimal. The same
    fingerprint means the same data in the same order: a training goes on only with that.
    """

    pictures: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    report: Report
    fingerprint: str


@dataclass(frozen=True)
class Choice:
    """Which of the prepared pictures, by index, train and which are held out, and all that is known about them.

    labels: by index like the pictures; names: those of the training pictures.
    """

    training: Sequence[int]
    held_out: Sequence[int]
    labels: Sequence[int]
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    report: Report
    fingerprint: str


def assemble(pixels: Pixels, choice: Choice) -> PictureData:
    """The chosen of the pictures (N, C, S, S), in memory."""
    return _data(pixels[list(choice.training)], pixels[list(choice.held_out)], _facts(choice))


def keep(cache: Path, key: str, pixels: Pixels, choice: Choice) -> None:
    """Write the chosen of the pictures into a folder of the cache, which appears whole or not at all.

    Raises OutputError, for a full disk for one.
    """
    making = None
    try:
        making = Path(tempfile.mkdtemp(dir=cache, prefix=".studio-"))
        hashes = {
            "pictures": _write(making / "pictures.npy", pixels, choice.training),
            "held_out": _write(making / "held_out.npy", pixels, choice.held_out),
        }
        files.write_bytes(making / "data.json", json.dumps(_facts(choice) | {"sha256": hashes}).encode())
        shutil.rmtree(cache / key, ignore_errors=True)
        making.rename(cache / key)
    except OSError as error:
        raise no_room(cache, error) from None
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)


def kept(cache: Path, key: str) -> PictureData | None:
    """What `keep` wrote, or None where there is nothing whole; mapped from disk if larger than IN_MEMORY."""
    folder = cache / key
    try:
        facts = json.loads((folder / "data.json").read_bytes())
        pictures, held_out = (_read(folder / f"{name}.npy", facts["sha256"][name]) for name in ("pictures", "held_out"))
        return _data(pictures, held_out, facts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def no_room(cache: Path, error: OSError) -> OutputError:
    """That the cache cannot be written, in one line."""
    return OutputError(
        f"Cannot keep the prepared pictures in {cache}: {error.strerror or error}; "
        f"free some space or choose another folder."
    )


def _data(pictures: Pixels, held_out: Pixels, facts: dict[str, Any]) -> PictureData:
    return PictureData(
        pictures=torch.from_numpy(pictures),
        labels=torch.tensor(facts["labels"], dtype=torch.int64),
        held_out=torch.from_numpy(held_out),
        held_out_labels=torch.tensor(facts["held_out_labels"], dtype=torch.int64),
        class_names=tuple(facts["class_names"]),
        names=tuple(facts["names"]),
        report=Report.from_dict(facts["report"]),
        fingerprint=facts["fingerprint"],
    )


def _facts(choice: Choice) -> dict[str, Any]:
    return {
        "labels": [choice.labels[index] for index in choice.training],
        "held_out_labels": [choice.labels[index] for index in choice.held_out],
        "class_names": choice.class_names,
        "names": choice.names,
        "report": choice.report.to_dict(),
        "fingerprint": choice.fingerprint,
    }


def _write(path: Path, pixels: Pixels, chosen: Sequence[int]) -> str:
    """Write some of the pictures as .npy, a block at a time, and give the SHA-256 of their values."""
    shape, sha256 = (len(chosen), *pixels.shape[1:]), hashlib.sha256()
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for start in range(0, len(chosen), _BLOCK):
            block = pixels[list(chosen[start : start + _BLOCK])].tobytes()
            file.write(block)
            sha256.update(block)
    return sha256.hexdigest()


def _read(path: Path, sha256: str) -> Pixels:
    large = path.stat().st_size > IN_MEMORY
    pixels: Pixels = np.load(path, mmap_mode="c" if large else None)  # c: copy on write, the file stays as it is
    if hashlib.sha256(pixels.data).hexdigest() != sha256:
        raise ValueError("not what was written")
    return pixels
