"""Which of the usable pictures train, which are held out for measuring, and what class each is of."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from studio.data.fingerprint import first_alike
from studio.data.pictures import Choice
from studio.data.prepare import Prepared
from studio.data.report import LeftOut, Report, counted, shapes_of, smallest_middle_largest
from studio.errors import InputError

MIN_PICTURES = 8
MAX_HELD_OUT = 2000


def choose(
    source: str, prepared: Prepared, left_out: list[LeftOut], not_pictures: int, settings: dict[str, Any]
) -> Choice:
    """Leave out what is there twice, check that enough remains, and divide it.

    settings: what a dataset is prepared by; "classes", "held_out", "seed" and "min_side" are looked at here.
    Raises InputError, in one line, where there are fewer than MIN_PICTURES, or fewer than two classes.
    """
    names = [candidate.name for candidate in prepared.candidates]
    first = first_alike(prepared.pixels)
    used = [index for index in range(len(names)) if first[index] == index]
    copies = [index for index in range(len(names)) if first[index] != index]
    left_out = left_out + [LeftOut(names[index], f"duplicate: the same as {names[first[index]]}") for index in copies]
    left_out.sort()
    _check_enough(source, len(used), left_out, settings["min_side"])
    classes = [candidate.class_name for candidate in prepared.candidates]
    class_names = sorted({classes[index] for index in used}) if settings["classes"] else []
    if settings["classes"]:
        check_classes(source, class_names)
    number = {name: label for label, name in enumerate(class_names)}
    labels = [number.get(name, 0) for name in classes]
    hashes = [candidate.sha256 for candidate in prepared.candidates]
    held_out = divide(used, hashes, labels, settings["held_out"], settings["seed"])
    training = sorted(set(used) - set(held_out))
    sizes = [prepared.sizes[index] for index in used]
    frequencies = Counter(labels[index] for index in used)
    report = Report(
        used=len(used),
        held_out=len(held_out),
        left_out=tuple(left_out),
        not_pictures=not_pictures,
        classes={name: frequencies[label] for label, name in enumerate(class_names)},
        sizes=smallest_middle_largest(sizes),
        shapes=shapes_of(sizes),
    )
    content = [[(hashes[index], labels[index]) for index in part] for part in (training, held_out)]
    how = {name: value for name, value in settings.items() if name not in ("min_side", "max_pixels")}
    return Choice(
        training=training,
        held_out=held_out,
        labels=labels,
        class_names=tuple(class_names),
        names=tuple(names[index] for index in training),
        report=report,
        fingerprint=digest([how, class_names, content]),
    )


def classes_of(names: Sequence[str]) -> list[str | None]:
    """The class of each path: the first folder below those that all paths share, or None beside the class folders."""
    folders = [name.split("/")[:-1] for name in names]
    shared = 0
    while folders and all(len(folder) > shared and folder[shared] == folders[0][shared] for folder in folders):
        shared += 1
    return [folder[shared] if len(folder) > shared else None for folder in folders]


def check_classes(source: str, names: Sequence[str]) -> None:
    """Raise InputError unless there are two classes or more."""
    if len(names) < 2:
        raise InputError(
            f"{source} has no two folders with pictures to use in them; expected one for each class. Sort the pictures "
            f"into folders, or train without classes."
        )


def divide(used: Sequence[int], hashes: Sequence[str], labels: Sequence[int], held_out: float, seed: int) -> list[int]:
    """Those of `used` to hold out, sorted: about a part of `held_out`, at least 1, at most 2,000 and half of them.

    Each picture draws its own lot from its content, so that more pictures do not change what the others drew.
    The last picture of a class stays in the training, unless there is no other to take.
    """
    lots = {index: int(digest([seed, hashes[index]])[:16], 16) / 2**64 for index in used}
    order = sorted(used, key=lambda index: lots[index])
    remaining = Counter(labels[index] for index in used)
    most = max(1, min(MAX_HELD_OUT, len(used) // 2))
    chosen: list[int] = []
    for index in order:
        if len(chosen) == most or (chosen and lots[index] >= held_out):
            break
        if remaining[labels[index]] > 1:
            remaining[labels[index]] -= 1
            chosen.append(index)
    return sorted(chosen or order[:1])


def digest(values: Any) -> str:
    """The SHA-256 of plain values, in hexadecimal."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _check_enough(source: str, used: int, left_out: list[LeftOut], min_side: int) -> None:
    if used >= MIN_PICTURES:
        return
    total = used + len(left_out)
    if used == 1 and left_out and all(item.kind == "duplicate" for item in left_out):
        raise InputError(f"All {total:,} pictures in {source} are the same one; at least {MIN_PICTURES} are needed.")
    if not left_out:
        pictures = "picture" if total == 1 else "pictures"
        raise InputError(f"{source} holds {total} {pictures}; at least {MIN_PICTURES} are needed.")
    reasons = counted(left_out).replace("too small", f"too small (the least side is {min_side} pixels)")
    raise InputError(
        f"{used} of {total:,} pictures in {source} can be used, at least {MIN_PICTURES} are needed: {reasons}."
    )
