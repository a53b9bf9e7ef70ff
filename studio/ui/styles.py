"""The paintings of a page: up to four places, each with a weight and a mask, and a strip of paintings to try."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.errors import InputError
from studio.ui import samples
from studio.ui.shell import QUIETLY, Updates, picture_input

MAX_STYLES = 4
_MASK_HINT = "White where this style goes, black where the photograph stays"


class Place:
    """A place for one painting; all but the first can be taken away."""

    def __init__(self, number: int) -> None:
        first = number == 1
        with gr.Group(visible=first, elem_classes=["slot"]) as self.group:
            self.picture = picture_input("Painting" if first else f"Painting {number}", 190, f"style-{number}")
            self.weight = gr.Slider(
                0, 1, 1, step=0.01, label="Weight", visible=False, buttons=[], elem_id=f"weight-{number}"
            )
            with gr.Accordion("Mask", open=False, elem_classes=["more"]):
                self.mask = picture_input("Mask", 150, f"mask-{number}", _MASK_HINT)
            self.remove = gr.Button("Remove this style", size="sm", visible=not first, elem_classes=["quiet"])


class Styles:
    """The places, those of them that are shown to a visitor, and what happens when paintings come and go."""

    def __init__(self) -> None:
        self.paintings = samples.samples("style")
        self.places = [Place(number) for number in range(1, MAX_STYLES + 1)]
        self.shown = gr.State([True] + [False] * (MAX_STYLES - 1))
        self.strip = samples.strip(self.paintings, "Paintings to try")
        self.add = gr.Button("Add a style", size="sm", elem_classes=["quiet"])
        self.outputs: list[Any] = [self.shown, self.add]
        for place in self.places:
            self.outputs += [place.group, place.picture, place.weight, place.mask]
        self._connect()

    def files(self) -> dict[str, Component]:
        """The inputs that are pictures, by the names that the API gives them."""
        named: dict[str, Component] = {}
        for number, place in enumerate(self.places, 1):
            named |= {f"style_{number}": place.picture, f"mask_{number}": place.mask}
        return named

    def weights(self) -> dict[str, Component]:
        """The weights, by the names that the API gives them."""
        return {f"weight_{number}": place.weight for number, place in enumerate(self.places, 1)}

    def understood(
        self, files: Mapping[str, Path | None], values: Mapping[str, Any]
    ) -> tuple[list[Path], list[Path], tuple[Any, ...]]:
        """(paintings, masks, weights) of the places that are filled; no weights where they are all alike."""
        numbers = [number for number in range(1, MAX_STYLES + 1) if files.get(f"style_{number}")]
        paintings = [path for number in numbers if (path := files[f"style_{number}"])]
        masks = [path for number in numbers if (path := files.get(f"mask_{number}"))]
        if not paintings:
            raise InputError("There is no painting yet: drop one, or pick one of those below it.")
        if masks and len(masks) != len(paintings):
            raise InputError(f"{len(masks)} of {len(paintings)} styles have a mask: give every style one, or none.")
        weights = tuple(values.get(f"weight_{number}", 1) for number in numbers)
        alike = len(weights) == 1 or all(weight == 1 for weight in weights)
        return paintings, masks, () if alike else weights

    def restored(self, paintings: Sequence[str | None], weights: Sequence[float]) -> Updates:
        """As many places as a recipe has styles, with its weights, and with those of its paintings that are here."""
        count = max(1, len(paintings))
        changed = self._showing([number < count for number in range(MAX_STYLES)])
        for number, place in enumerate(self.places[: len(paintings)]):
            changed[place.picture], changed[place.mask] = paintings[number], None
            changed[place.weight] = gr.Slider(
                value=weights[number] if weights else 1, maximum=max(1, *weights, 1), visible=count > 1
            )
        return changed

    def _connect(self) -> None:
        pictures = [place.picture for place in self.places]
        self.strip.click(self._pick, [self.shown, *pictures], pictures, preprocess=False, **QUIETLY)
        self.add.click(self._one_more, self.shown, self.outputs, **QUIETLY)
        for number, place in enumerate(self.places):
            place.remove.click(functools.partial(self._one_less, number), self.shown, self.outputs, **QUIETLY)

    def _pick(self, event: gr.EventData, shown: list[bool], *filled: Any) -> list[Any]:
        """Put a painting into the first place that has none, else in place of the last one."""
        path = samples.picked(self.paintings, event)
        numbers = [number for number, is_shown in enumerate(shown) if is_shown]
        chosen = next((number for number in numbers if not filled[number]), numbers[-1])
        return [path if path and number == chosen else gr.skip() for number in range(MAX_STYLES)]

    def _one_more(self, shown: list[bool]) -> Updates:
        free = next((number for number, is_shown in enumerate(shown) if not is_shown), None)
        return self._showing([is_shown or number == free for number, is_shown in enumerate(shown)])

    def _one_less(self, removed: int, shown: list[bool]) -> Updates:
        changed = self._showing([is_shown and number != removed for number, is_shown in enumerate(shown)])
        place = self.places[removed]
        return {**changed, place.picture: None, place.mask: None}

    def _showing(self, shown: list[bool]) -> Updates:
        changed: Updates = {self.shown: shown, self.add: gr.Button(interactive=not all(shown))}
        for place, is_shown in zip(self.places, shown, strict=True):
            changed[place.group] = gr.Group(visible=is_shown)
            changed[place.weight] = gr.Slider(visible=sum(shown) > 1)
        return changed
