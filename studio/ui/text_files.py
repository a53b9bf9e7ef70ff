"""The files of a text that a page offers, and the settings inside one that is brought back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradio.components import Component

from studio.errors import InputError
from studio.media import files, text
from studio.recipe import Recipe, from_json, recipe_of
from studio.text.parameters import TextParameters
from studio.ui.shell import handed_over

if TYPE_CHECKING:
    from studio.pipelines.text_result import TextResult
    from studio.text.cowriting import Draft

RESTORED_FROM = (".txt", ".json", ".png")
DRAFT_SUFFIX = ".draft.json"
LARGEST = 4 << 20  # bytes of a file that settings are read from, unless it is a page


def written(result: TextResult, component: Component) -> dict[str, str]:
    """The files of one text, by what they are called on the page."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"text-{result.seeds[0]}.txt"
        result.save(place)
        page = place.with_suffix(".png")
        result.save(page)
        made = {"Text": place, "Recipe": text.beside(place), "Page with recipe": page}
        return {called: handed_over(path, component) for called, path in made.items()}


def draft_files(draft: Draft, model: str, chosen: TextParameters, component: Component) -> dict[str, str]:
    """The files of a text in the making: as it is, and with all that is needed to go on with it."""
    kept = {"studio-draft": 1, "model": model, "parameters": chosen.to_dict(), "draft": draft.as_json()}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"draft-{draft.seed}.txt"
        beside = place.with_suffix(DRAFT_SUFFIX)
        files.write_bytes(place, f"{draft.text}\n".encode())
        files.write_bytes(beside, f"{json.dumps(kept, sort_keys=True)}\n".encode())
        return {called: handed_over(path, component) for called, path in {"Text": place, "Draft": beside}.items()}


def draft_in(paths: Sequence[Path]) -> tuple[Any, str, TextParameters] | None:
    """(the draft as plain values, its model, its settings) in the file that was brought, if it was a draft."""
    found = next((path for path in paths if path.name.endswith(DRAFT_SUFFIX)), None)
    if found is None:
        return None
    try:
        kept = json.loads(_read(found))
        return kept["draft"], str(kept["model"]), TextParameters(**kept["parameters"])  # checked: it may be anyone's
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{found} cannot be read as a draft; it was changed or cut off.") from None


def recipe_in(paths: Sequence[Path]) -> tuple[Recipe, TextParameters]:
    """The recipe of a text in the files that were brought: the text and the recipe beside it, either, or a page.

    Raises InputError where there is none.
    """
    alone = [path for path in paths if path.suffix.lower() == text.RECIPE_SUFFIX]
    if alone:
        recipe = from_json(_read(alone[0]))
    elif paths[0].suffix.lower() in text.SUFFIXES:
        raise InputError(f"{paths[0]} has its recipe beside it, in {text.beside(paths[0].name)}: bring that too.")
    else:
        recipe = recipe_of(paths[0])
    if recipe.pipeline != "text":
        raise InputError(f"{(alone or paths)[0]} was made by {recipe.pipeline}, not as a text.")
    found = TextParameters(**recipe.parameters)  # checked: a recipe may come from anyone
    return recipe, found.changed(prompt=found.all_prompts[0], prompts=(), count=min(found.count, 4))


def _read(path: Path) -> str:
    content = files.read_bytes(path)
    if len(content) > LARGEST:
        raise InputError(f"{path} is larger than {LARGEST >> 20} MB; expected a recipe.")
    return content.decode(errors="replace")
