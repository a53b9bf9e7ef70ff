"""Recipes: what made an output. A recipe is written into every output, read from it, and made again.

    recipe = recipe_of("painting.png")       # read from the output
    studio.remake.remake("painting.png").save("again.png")   # the same bytes on the same machine

A recipe names the pipeline, its parameters, the model and the inputs by their hashes, and what computed it. It holds no
time, no folder and no user name. Media keep it where their format has room: pictures in a text chunk or EXIF,
films and sound in the comment tag, MIDI in a text event; a text has it beside it, in NAME.txt.json.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio import __version__
from studio.errors import InputError
from studio.media import files, images
from studio.media.images import Picture

FORMAT = 1
_READERS = {
    ".mp4": "video",
    ".mid": "midi",
    ".midi": "midi",
    ".wav": "audio",
    ".svg": "roll",
    ".abc": "abc_writer",
    ".txt": "text",
}
# The part of studio.media that reads a recipe out of a kind of file, and is imported only for that; else `images`.


@dataclass(frozen=True)
class Source:
    """An input or a model: the name of its file and the SHA-256 of its bytes (of its pixels, if it had no file)."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Recipe:
    """Everything that an output depends on.

    pipeline: as in `studio.pipelines`, e.g. "style_transfer"; parameters: the fields of its dataclass;
    inputs: role → sources, in order, e.g. {"content": (…,), "styles": (…, …)};
    environment: versions, device, precision and threads: the same bytes are promised for an equal environment.
    """

    pipeline: str
    parameters: Mapping[str, Any]
    model: Source
    inputs: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of ASCII JSON with sorted keys."""
        return json.dumps({"studio-recipe": FORMAT, **asdict(self)}, sort_keys=True, ensure_ascii=True)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the recipe: equal for two runs that should give the same bytes."""
        return files.sha256(self.to_json().encode())


def environment(device: Mapping[str, Any]) -> dict[str, Any]:
    """The `environment` of a recipe: this Studio, and what a device says of itself."""
    return {"studio": __version__, "pillow": images.PILLOW, **device}


def from_json(text: str) -> Recipe:
    """The recipe in a text as `Recipe.to_json` writes it. Raises InputError for anything else."""
    try:
        found = json.loads(text)
        if found.pop("studio-recipe") != FORMAT:
            raise InputError("This recipe was written by a newer Studio; update Studio to read it.")
        return Recipe(
            pipeline=str(found["pipeline"]),
            parameters=dict(found["parameters"]),
            model=Source(str(found["model"]["name"]), str(found["model"]["sha256"])),
            inputs={str(role): tuple(map(_input, sources)) for role, sources in dict(found["inputs"]).items()},
            environment=dict(found["environment"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"The recipe cannot be read ({type(error).__name__}: {error}); it was changed or cut off."
        ) from None


def recipe_of(path: str | Path) -> Recipe:
    """The recipe inside an output. Raises InputError if there is none."""
    reader = _READERS.get(Path(path).suffix.lower(), "images")
    text = importlib.import_module(f"studio.media.{reader}").read_recipe_text(path)
    if text is None:
        raise InputError(
            f"{path} carries no recipe: it was not made by Studio, or a program that saved it again left it out."
        )
    return from_json(text)


def find_inputs(recipe: Recipe, folders: Iterable[Path], nearby: Iterable[Path] = ()) -> dict[str, list[Path]]:
    """Files with the hashes that a recipe names, by role; looked for by name, then among all pictures,
    or among all music where a piece of music is missing. What had no file is known by its pixels, or by its notes.

    folders: searched with all that is in them; nearby: folders of which only the files themselves are looked at.

    Raises InputError that names every input not found.
    """
    deep = list(dict.fromkeys(folder.resolve() for folder in folders if os.path.isdir(folder)))  # noqa: PTH112
    flat = [folder.resolve() for folder in nearby if os.path.isdir(folder)]  # noqa: PTH112
    searched = list(dict.fromkeys([*deep, *flat]))
    wanted = {source.sha256: source for sources in recipe.inputs.values() for source in sources}
    kinds = {source.sha256: _kind(source, recipe.pipeline) for source in wanted.values()}
    unnamed = {kinds[digest] for digest, source in wanted.items() if not source.name}
    found: dict[str, Path] = {}
    for by_name in (True, False):
        for folder in searched:
            names = {source.name for source in wanted.values() if source.name}
            suffixes = {suffix for kind in kinds.values() for suffix in kind}
            for path in _candidates(folder, names if by_name else None, suffixes, folder in deep):
                if set(found) == set(wanted):
                    break
                for digest in _digests(path, unnamed, str(recipe.parameters.get("background", "white"))):
                    found.setdefault(digest, path)
    missing = [
        f"{source.name or ('a tune' if kinds[digest] == _MUSIC else 'a picture')} (sha256 {digest[:12]}…)"
        for digest, source in wanted.items()
        if digest not in found
    ]
    if missing:
        places = ", ".join(map(str, searched))
        raise InputError(f"Cannot find {', '.join(missing)} in {places}; name the folder that holds it with --inputs.")
    return {role: [found[source.sha256] for source in sources] for role, sources in recipe.inputs.items()}


def _candidates(folder: Path, names: set[str] | None, suffixes: set[str], deep: bool) -> Iterable[Path]:
    """Files of these names, or, without names, of these suffixes."""
    # os.path answers False where Path.is_file raises: a name that is too long, a folder that may not be entered.
    if names is not None:
        found = [folder / name for name in sorted(names)]
    else:
        inside = folder.rglob("*") if deep else folder.glob("*")
        found = sorted(path for path in inside if path.suffix.lower() in suffixes)
    return [path for path in found if os.path.isfile(path)]  # noqa: PTH113


def _kind(source: Source, pipeline: str) -> tuple[str, ...]:
    """The suffixes of files that may be an input, going by its name; without one it came from memory."""
    if pipeline == "text":
        return _TEXTS
    music = Path(source.name).suffix.lower() in _MUSIC if source.name else pipeline == "melody"
    return _MUSIC if music else _PICTURES


def _digests(path: Path, unnamed: Container[tuple[str, ...]], background: str) -> Iterable[str]:
    """The hash of a file's bytes, and that of its pixels or its notes where such a thing had no file.

    background: the colour that was under transparent pixels.
    """
    suffix = path.suffix.lower()
    try:
        yield files.sha256(files.read_bytes(path))
        if _MUSIC in unnamed and suffix in _MUSIC:
            from studio.media import scores

            yield scores.notes_sha256(scores.glance(path))
        elif _PICTURES in unnamed and suffix not in (*_MUSIC, *_TEXTS):
            yield images.open_picture(images.open_picture(path, background=background).image).sha256
    except InputError:
        return


def source_of(picture: Picture) -> Source:
    """A picture as a recipe names it."""
    return Source(picture.name, picture.sha256)


def _input(found: Mapping[str, str]) -> Source:
    return Source(Path(str(found["name"])).name, str(found["sha256"]))  # a name alone: a recipe may come from anyone


_MUSIC = (".mid", ".midi", ".abc", ".musicxml", ".mxl", ".xml")
_TEXTS = (".txt",)
_PICTURES = (*images.SUFFIXES, ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif")
