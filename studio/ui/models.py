"""The models that a page offers: those that came with Studio, and those that were trained on this machine."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

import studio
from studio import hub
from studio.errors import InputError, ModelError

HOME = "STUDIO_MODELS"
"""In the environment: the folder that models are trained into, and looked for in, when the page is not told another."""
DEFAULT = "my-models"  # below the folder that the app was started in


class Shelf:
    """Folders with models in them: that of the user, and those that a training on a page has put models into."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folders = [home]

    def add(self, folder: Path) -> None:
        """One more folder to look into."""
        if folder not in self.folders:
            self.folders.append(folder)

    def models(self, network: str) -> dict[str, str]:
        """Models of one network, by what they are called on the page: their name, or their folder."""
        found = {
            name: name for name in hub.shipped() if config_of(hub.shipped_folder() / name).get("network") == network
        }
        for folder in self.folders:
            for config in sorted(folder.glob(f"*/{hub.CONFIG}")):
                if config_of(config.parent).get("network") == network:
                    found[_called(config.parent, found)] = str(config.parent)
        return found


@functools.cache
def shelf() -> Shelf:
    """The shelf of this process, for all its pages."""
    return Shelf(Path(os.environ.get(HOME) or DEFAULT).expanduser().absolute())


def config_of(folder: Path) -> Mapping[str, Any]:
    """The config of a model folder; empty where it cannot be read."""
    try:
        config = json.loads((folder / hub.CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def chosen(value: Any, network: str) -> str:
    """The model that a list's value stands for: one of the list, or a folder that was typed. Raises ModelError."""
    name = str(value or "").strip()
    offered = shelf().models(network)
    if name in offered or name in offered.values():
        return offered.get(name, name)
    if name and os.path.isdir(folder := os.path.expanduser(name)):  # noqa: PTH111, PTH112 (Path's raise for odd names)
        other = config_of(Path(folder)).get("network", network)
        if other != network:
            raise ModelError(f"{name} is a model of kind {other}; expected one of kind {network}.")
        return folder
    raise ModelError(f"There is no model {name!r}: pick one of the list, or type the path of its folder.")


def config_in(value: Any, network: str) -> Mapping[str, Any]:
    """The config of the model that a list's value stands for. Raises ModelError."""
    name = chosen(value, network)
    return config_of(hub.shipped_folder() / name if name in hub.shipped() else Path(name))


def described(config: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """(the classes of a model, what it is in a line), as its config says."""
    shape = config.get("shape")
    shape = shape if isinstance(shape, dict) else {}
    classes = tuple(str(name) for name in shape.get("classes") or ())
    facts = [str(config.get("summary") or config.get("title") or "")]
    if "size" in shape:
        facts.append(f"{shape['size']} × {shape['size']}, {'grey' if shape.get('channels') == 1 else 'colour'}")
    return classes, " · ".join(fact for fact in facts if fact)


def choices(network: str) -> list[tuple[str, str]]:
    """What a list of models shows, and what it stands for."""
    return list(shelf().models(network).items())


def model_list(network: str, label: str, **look: Any) -> gr.Dropdown:
    """A list of models to pick from, into which the path of a folder may be typed."""
    offered = choices(network)
    return gr.Dropdown(offered, value=offered[0][1] if offered else None, label=label, allow_custom_value=True, **look)


def place_for(folder: Any) -> Path:
    """A folder that models may be trained into. Raises InputError for one inside the package."""
    text = str(folder or "").strip()
    path = (Path(os.path.expanduser(text)) if text else shelf().home).absolute()  # noqa: PTH111 (likewise)
    if path.resolve().is_relative_to(Path(studio.__file__).parent) or path.resolve().is_relative_to(
        hub.shipped_folder()
    ):
        raise InputError(f"{path} belongs to Studio itself; choose a folder of your own.")
    return path


def _called(folder: Path, taken: Mapping[str, str]) -> str:
    return folder.name if folder.name not in taken else f"{folder.name} ({folder.parent})"
