"""What a tune begins with: a file, or notes clicked into a grid; heard before it is used."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.errors import InputError, StudioError
from studio.media.scores import SUFFIXES as SUFFIXES
from studio.media.scores import open_tune
from studio.melody.parameters import MelodyParameters
from studio.music.melody import Melody
from studio.music.theory import TEMPO, Key, Meter
from studio.ui import note_grid, piano_roll, stage, widgets
from studio.ui.shell import QUIETLY, Updates, failure, handed_over, uploaded, without_folders

SETTINGS = ("key", "mode", "meter", "tempo", "instrument")
"""Those of the page that say how clicked notes sound."""
_CLICKED = "primer"


class Primer:
    """The widgets, and the tune that they stand for. Values come as a browser sends them, by the names of `inputs`."""

    def __init__(self) -> None:
        usual = MelodyParameters()
        with gr.Accordion("Begin with notes of your own", open=False, elem_classes=["more"], elem_id="melody-begin"):
            with gr.Tabs():
                with gr.Tab("Click notes"):
                    self.grid = note_grid.grid("melody-grid", usual.whole_key, usual.whole_meter)
                with gr.Tab("A file"):
                    self.file = gr.File(
                        label="MIDI, ABC or MusicXML", file_types=list(SUFFIXES), height=120, elem_id="melody-primer"
                    )
            with gr.Row(elem_classes=["actions"]):
                self.hear = gr.Button("Hear it", size="sm", scale=0, min_width=110, elem_id="melody-hear")
                self.download = gr.DownloadButton(
                    "Keep it", size="sm", scale=0, min_width=110, visible=False, elem_id="melody-keep"
                )
            self.words = gr.HTML("", elem_classes=["status"], elem_id="melody-primer-status", apply_default_css=False)
            self.roll = piano_roll.player("melody-primer-roll")

    def inputs(self) -> dict[str, Component]:
        """The widgets, by the names that the API gives them."""
        return {"primer": self.file, "notes": self.grid}

    def connect(self, settings: Mapping[str, Component]) -> None:
        """settings: the widgets of the key, the mode, the metre, the tempo and the instrument, by name."""
        shape = [settings[name] for name in ("key", "mode", "meter")]
        asks: list[Any] = [made.change for made in shape if isinstance(made, gr.Dropdown)]
        gr.on(asks, self.reshape, [self.grid, *shape], self.grid, preprocess=False, **QUIETLY)
        asked: dict[str, Any] = {**self.inputs(), **{name: settings[name] for name in SETTINGS}}
        self.hear.click(
            self.let_hear, outputs=[self.roll, self.words, self.download], inputs_kwargs=asked, preprocess=False,
            **QUIETLY,
        )  # fmt: skip
        self.file.clear(self.forget, None, [self.roll, self.words, self.download], **QUIETLY)

    def reshape(self, value: Any, key: Any, mode: Any, meter: Any) -> Any:
        """The grid in another key or metre; as it is where there is none of that name."""
        try:
            return note_grid.fresh(*_of(key, mode, meter), value)
        except InputError:
            return gr.skip()

    def tune(self, values: Mapping[str, Any], chosen: MelodyParameters) -> Path | None:
        """The file of the tune to begin with; that of clicked notes is written here. Raises InputError."""
        file = uploaded(values.get("primer"), self.file.GRADIO_CACHE)
        clicked = self._clicked(values, chosen)
        if file and clicked:
            raise InputError("There are a file and clicked notes to begin with: take the file away, or clear the grid.")
        return self._written(clicked) if clicked else file

    def let_hear(self, **values: Any) -> Updates:
        """Play what is there, without anything added."""
        from studio.ui import melody_files

        path = None
        try:
            chosen = _understood(values)
            path = self.tune(values, chosen)
            if path is None:
                raise InputError("There are no notes yet: click some into the grid, or give a file.")
            melody = open_tune(path).melody
            sound, silence = melody_files.heard(melody, chosen.instrument, self.download)
        except StudioError as error:
            raise failure(without_folders(str(error), [path])) from None
        tune = piano_roll.tune(melody, called="To begin with")
        mine = uploaded(values.get("primer"), self.file.GRADIO_CACHE) is None
        return {
            self.roll: piano_roll.playing([tune], sound=sound, silence=silence, play=melody_files.nonce()),
            self.words: stage.status("The tune goes on from here when you press Compose."),
            self.download: gr.DownloadButton(value=str(path) if mine else None, visible=mine),
        }

    def forget(self) -> Updates:
        """Nothing to begin with any longer."""
        return {self.roll: piano_roll.playing([]), self.words: "", self.download: gr.DownloadButton(visible=False)}

    def _clicked(self, values: Mapping[str, Any], chosen: MelodyParameters) -> Melody | None:
        tempo = chosen.tempo or TEMPO
        return note_grid.melody_of(values.get("notes"), chosen.whole_key, chosen.whole_meter, tempo)

    def _written(self, melody: Melody) -> Path:
        """Clicked notes as a file, so that a recipe can name them and they can be kept."""
        from studio.media import files, midi

        music = midi.to_midi(melody)
        name = f"{_CLICKED}-{files.sha256(midi.midi_bytes(music))[:8]}.mid"
        with tempfile.TemporaryDirectory() as folder:
            return Path(handed_over(midi.write_midi(music, Path(folder) / name), self.download))


def _of(key: Any, mode: Any, meter: Any) -> tuple[Key, Meter]:
    chosen = _understood({"key": key, "mode": mode, "meter": meter})
    return chosen.whole_key, chosen.whole_meter


def _understood(values: Mapping[str, Any]) -> MelodyParameters:
    """The few settings that clicked notes have, out of what widgets hold. Raises InputError."""
    fields = dict(MelodyParameters.fields())
    names = [name for name in SETTINGS if name in values]
    return MelodyParameters(**{name: widgets.meant(values[name], fields[name]) for name in names})
