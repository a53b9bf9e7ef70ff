"""Two pictures of a visitor through a VAE, and what lies between them."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import InputError, StudioError
from studio.ui import stage
from studio.ui.bench import shown_large
from studio.ui.loaded import loaded
from studio.ui.models import chosen
from studio.ui.shell import Updates, failure, handed_over, picture_input, uploaded, without_folders

_INVITATION = "Drop two pictures, of the kind that the model knows."


class Blend:
    """Two places for pictures, how far it is from one to the other, and the picture there."""

    def __init__(self, kind: str, model: gr.Dropdown) -> None:
        self.kind = kind
        with gr.Row():
            self.pictures = [picture_input(label, 200, f"{kind}-{label.lower()}") for label in ("First", "Second")]
        with gr.Row():
            self.classes = [
                gr.Dropdown([], label=f"Class of the {which}", visible=False, elem_id=f"{kind}-class-{which}")
                for which in ("first", "second")
            ]
        self.way = gr.Slider(
            0, 1, 0.5, step=0.01, label="From the first to the second", buttons=[], elem_id=f"{kind}-way"
        )
        self.status = gr.HTML("", elem_classes=["status"], elem_id=f"{kind}-blend-status", apply_default_css=False)
        self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage", "modest"], elem_id=f"{kind}-blend",
                             apply_default_css=False)  # fmt: skip
        with gr.Row(elem_classes=["actions"]):
            self.download = gr.DownloadButton(
                "Download", scale=0, min_width=150, visible=False, elem_id=f"{kind}-blended"
            )
        self.outputs: list[Any] = [self.status, self.stage, self.download]
        inputs = {
            "model": model, "first": self.pictures[0], "second": self.pictures[1], "way": self.way,
            "first_class": self.classes[0], "second_class": self.classes[1],
        }  # fmt: skip
        gr.on(
            [*(picture.change for picture in self.pictures), *(one.input for one in self.classes), self.way.input],
            self.blend,
            outputs=self.outputs,
            inputs_kwargs=inputs,
            preprocess=False,
            api_name=f"{kind}_blend",
            queue=False,
            show_progress="hidden",
            trigger_mode="always_last",
        )

    def blend(self, **values: Any) -> Updates:
        """What lies between two pictures."""
        files: list[Path | None] = []
        try:
            files = [uploaded(values.get(name), self.download.GRADIO_CACHE) for name in ("first", "second")]
            given = [path for path in files if path is not None]
            if len(given) < 2:
                return self._empty("" if not given else "One more picture is needed.")
            return self._blended(chosen(values.get("model"), self.kind), given, values)
        except StudioError as error:
            message = without_folders(str(error), files)
            raise failure(message) from None

    def classes_of(self, names: tuple[str, ...]) -> Updates:
        """The classes that pictures may be of, with another model."""
        first = names[0] if names else None
        return {one: gr.update(choices=list(names), value=first, visible=bool(names)) for one in self.classes}

    def restored(self, weights: tuple[float, ...]) -> Updates:
        """The way between two pictures that were blended before."""
        total = sum(weights[:2])
        return {self.way: weights[1] / total} if len(weights) == 2 and total else {}

    def _blended(self, model: str, files: list[Path], values: dict[str, Any]) -> Updates:
        from studio.pipelines.vae import VAEPipeline

        pipe = loaded().get(model)
        if not isinstance(pipe, VAEPipeline):
            raise InputError(f"{pipe.model.name} is a {pipe.title}; only a VAE can blend pictures.")
        named = tuple(
            str(values.get(f"{which}_class") or pipe.classes[0]) for which in ("first", "second") if pipe.classes
        )
        try:
            way = float(values.get("way", 0.5))
        except (TypeError, ValueError):
            raise InputError(f"Expected a number from 0 to 1 for the way, got {values.get('way')!r}.") from None
        result = pipe.blend(files, t=way, classes=named)
        with tempfile.TemporaryDirectory() as folder:
            path = result.save(Path(folder) / f"{self.kind}-blend-{result.recipe.fingerprint[:8]}.png")
            file = handed_over(path, self.download)
        return {
            self.status: f'<p class="quiet">{html.escape(f"{way:.0%} of the way")}</p>',
            self.stage: stage.frame(stage.as_address(shown_large(result.images[0])), "The blend"),
            self.download: gr.DownloadButton(value=file, visible=True),
        }

    def _empty(self, words: str) -> Updates:
        return {
            self.status: f'<p class="quiet">{html.escape(words)}</p>',
            self.stage: stage.empty(_INVITATION),
            self.download: gr.DownloadButton(visible=False),
        }
