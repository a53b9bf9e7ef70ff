"""The page of melodies over its real API, with a small random network behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from studio.errors import InputError, OutputError
from studio.media import audio, midi
from studio.media.scores import open_tune
from studio.melody import judge
from studio.melody.parameters import MelodyParameters
from studio.music.melody import Melody, Note
from studio.music.originality import Index
from studio.music.theory import METERS, MODES, Key, Meter
from studio.networks.melody_lstm import MelodyLSTM
from studio.pipelines.melody import MelodyPipeline
from studio.recipe import recipe_of
from studio.remake import remake
from studio.ui import melody, melody_files, models, note_grid, piano_roll
from studio.ui.melody import MelodyPage
from studio.ui.shell import handed_over
from studio.ui.studio import launch
from studio.zoo import melody as zoo

Files = Callable[[Any], list[Path]]
D = Key.named("D")
SCALE = Melody(tuple(Note(62 + step, 24) for step in (0, 2, 4, 5, 7, 9, 11, 12)), D, Meter.named("4/4"))


@pytest.fixture(scope="module")
def model(home: Path) -> Path:
    """A small melody LSTM with random weights, which learnt from one scale."""
    torch.manual_seed(0)
    network = MelodyLSTM(zoo.shape(width=16, layers=1, dropout=0.0))
    facts = {"typical": judge.typical([SCALE, SCALE.transposed(2)], [1.0, 2.0])}
    return zoo.save(home / "tiny-melody", network, Index.build([SCALE], ["a scale"]), facts, "# tiny\n")


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[Client]:
    blocks = melody.build()
    yield Client(launch(blocks, block=False), verbose=False, analytics_enabled=False)
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def page(model: Path) -> MelodyPage:
    with gr.Blocks():
        return melody.page()


def by_suffix(found: list[Path], seed: int) -> dict[str, Path]:
    return {path.suffix: path for path in found if path.stem == f"melody-{seed}"}


def test_a_tune_comes_in_every_form_with_its_recipe_and_can_be_made_again(
    client: Client, model: Path, files_in: Files, tmp_path: Path
) -> None:
    answer = client.predict(
        primer=None, model="tiny-melody", bars=4, key="E", mode="dorian", meter="6/8", count=2, seed="9007199254740993",
        accompaniment="bass", drums=True, instrument=40, api_name="/melody_tunes",
    )  # fmt: skip
    found = by_suffix(files_in(answer), 2**53 + 1)
    assert set(found) == set(melody_files.FORMS)
    tune = open_tune(found[".mid"]).melody
    assert (tune.key, tune.meter.name, tune.bars) == (Key.named("E", "dorian"), "6/8", 4)
    for suffix in (".mid", ".wav", ".png"):
        recipe = recipe_of(found[suffix])
        assert recipe.pipeline == "melody" and recipe.parameters["count"] == 1
        assert recipe.parameters["seed"] == 2**53 + 1 and recipe.parameters["instrument"] == 40
    for suffix in (".svg", ".abc"):
        assert "studio-recipe" in found[suffix].read_text()
    again = remake(found[".mid"], model=model).save(tmp_path / "again.mid")
    assert again.read_bytes() == found[".mid"].read_bytes()
    roll = next(part for part in json.loads(json.dumps(answer, default=str)) if "tunes" in str(part))
    assert "Seed 9007199254740994" in str(roll)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 9}, "shows up to 8 tunes"),
        ({"bars": 0}, "bars: should be greater than or equal to 1, got 0"),
        ({"bars": 10**6}, "bars: should be less than or equal to 512"),
        ({"key": "H"}, "There is no key 'H'"),
        ({"meter": "5/0"}, "meter: should be"),
        ({"tempo": "0"}, "tempo: should be greater than or equal to 20, got 0"),
        ({"tempo": "1000000"}, "tempo: should be less than or equal to 400"),
        ({"lowest": "C6", "highest": "C4"}, "Expected the lowest note below the highest one"),
        ({"seed": "seven"}, "seed: should be a valid integer"),
        ({"instrument": "kazoo"}, "instrument: should be a valid integer"),
        ({"model": "tiny-gan"}, "There is no model 'tiny-gan'"),
        ({"model": None}, "There is no model for melodies here yet"),
        ({"notes": {"notes": [[0, 1, 99]]}}, "cannot be understood"),
        ({"notes": {"notes": [[0, 4, 0], [1, 1, 0]]}}, "lie over one another"),
        ({"notes": {"notes": [[0, 4, 0]]}, "lowest": "A4"}, "outside the range"),
    ],
)
def test_bad_values_get_a_plain_line(client: Client, values: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError) as refused:
        client.predict(**{"primer": None, "model": "tiny-melody", "bars": 2, **values}, api_name="/melody_tunes")
    message = str(refused.value.message)
    assert words in message and "\n" not in message and "Traceback" not in message


def test_clicked_notes_begin_the_tune_and_are_named_in_its_recipe(client: Client, files_in: Files) -> None:
    notes = {"notes": [[0, 2, 0], [3, 1, 2], [4, 4, 4]]}
    answer = client.predict(
        primer=None,
        model="tiny-melody",
        bars=4,
        key="E",
        mode="minor",
        seed="3",
        notes=notes,
        api_name="/melody_tunes",
    )
    path = by_suffix(files_in(answer), 3)[".mid"]
    begun = note_grid.melody_of(notes, Key.named("E", "minor"), Meter.named("4/4"), 120.0)
    assert begun is not None
    assert open_tune(path).melody.notes[: len(begun.notes)] == begun.notes
    (source,) = recipe_of(path).inputs["primer"]
    assert source.name.startswith("primer-") and source.name.endswith(".mid")


def test_a_file_begins_the_tune(client: Client, files_in: Files, tmp_path: Path) -> None:
    file = midi.write_midi(midi.to_midi(SCALE), tmp_path / "mine.mid")
    answer = client.predict(model="tiny-melody", bars=4, seed="3", primer=handle_file(file), api_name="/melody_tunes")
    path = by_suffix(files_in(answer), 3)[".mid"]
    assert open_tune(path).melody.notes[: len(SCALE.notes)] == SCALE.notes
    assert recipe_of(path).inputs["primer"][0].name == "mine.mid"
    with pytest.raises(AppError, match="There are a file and clicked notes"):
        client.predict(
            model="tiny-melody", primer=handle_file(file), notes={"notes": [[0, 1, 0]]}, api_name="/melody_tunes"
        )
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    with pytest.raises(AppError, match=r"^broken\.mid"):
        client.predict(model="tiny-melody", primer=handle_file(tmp_path / "broken.mid"), api_name="/melody_tunes")


@pytest.mark.parametrize("suffix", [".mid", ".wav", ".png"])
def test_settings_are_restored_from_what_was_made(page: MelodyPage, model: Path, suffix: str, tmp_path: Path) -> None:
    made = MelodyParameters(bars=2, key="Bb", mode="mixolydian", meter="3/4", tempo=90, loop=True, seed=2**60 + 1)
    result = MelodyPipeline.from_pretrained(model)(parameters=made, primer=None)
    path = handed_over(result.save(tmp_path / f"tune{suffix}"), page.dropped)
    changed = page.restore({"path": path})
    values = {name: changed[made_of] for name, made_of in page.settings.all.items()}
    assert page.settings.understood(values) == made
    assert changed[page.model] == str(model) and "Settings restored." in changed[page.status]


def test_results_of_others_are_refused(client: Client, picture: Callable[..., Path]) -> None:
    with pytest.raises(AppError, match=r"^picture\.png carries no recipe"):
        client.predict(file=handle_file(picture()), api_name="/melody_restore")


def test_another_tune_is_put_on_the_roll_with_its_files(page: MelodyPage, model: Path) -> None:
    result = MelodyPipeline.from_pretrained(model)(bars=2, count=3, seed=5)
    changed = page.pick(gr.EventData(None, {"index": 2}), result)
    assert changed[page.roll]["chosen"] == 2 and changed[page.roll]["sound"]["path"].endswith("melody-7.wav")
    assert recipe_of(changed[page.downloads[".mid"]].value["path"]).parameters["seed"] == 7
    for index in (3, -1, "0", None, True):
        assert set(page.pick(gr.EventData(None, {"index": index}), result)) == {page.roll}


def test_without_a_renderer_the_page_says_so_and_shows_the_tune(
    page: MelodyPage, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_renderer(*_: Any, **__: Any) -> None:
        raise OutputError("No sound can be made here.")

    monkeypatch.setattr(audio, "render", no_renderer)
    result = MelodyPipeline.from_pretrained(model)(bars=2, seed=5)
    changed = page.pick(gr.EventData(None, {"index": 0}), result)
    assert changed[page.roll]["silence"] == "No sound can be made here." and changed[page.roll]["sound"] is None
    assert changed[page.downloads[".wav"]].visible is False and changed[page.downloads[".mid"]].visible is True


def test_what_was_clicked_can_be_heard_and_kept(page: MelodyPage) -> None:
    primer = page.primer
    values = {"notes": {"notes": [[0, 2, 0]]}, "key": "", "mode": "", "meter": "", "tempo": "100", "instrument": 73}
    changed = primer.let_hear(**values)
    roll = changed[primer.roll]
    assert roll["sound"]["path"].endswith(".wav") and roll["play"] and roll["tunes"][0]["notes"][0][:3] == [0, 24, 62]
    assert open_tune(changed[primer.download].value["path"]).melody.tempo == 100
    with pytest.raises(gr.Error, match="There are no notes yet"):
        primer.let_hear(**{**values, "notes": {}})
    with pytest.raises(gr.Error, match="tempo: should be"):
        primer.let_hear(**{**values, "tempo": "fast"})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tonic", range(12))
def test_the_rows_of_the_grid_are_the_scale_and_fit_the_usual_range(tonic: int, mode: Any) -> None:
    key = Key(tonic, mode)
    pitches = [note_grid.pitch_of(key, row[0]) for row in note_grid.fresh(key, Meter.named("4/4"))["rows"]]
    low, high = MelodyParameters().span
    assert pitches == sorted(pitches, reverse=True) and low <= pitches[-1] and pitches[0] <= high
    assert {pitch % 12 for pitch in pitches} == key.pitch_classes


@pytest.mark.parametrize("meter", METERS)
def test_a_grid_in_another_metre_keeps_the_notes_that_fit(meter: str) -> None:
    before = {"bars": 1, "notes": [[0, 2, 0], [3, 1, 4], [7, 2, 1], "no note"]}
    value = note_grid.fresh(D, Meter.named(meter), before)
    assert value["cells"] * note_grid.CELL == Meter.named(meter).bar and value["bars"] == 1
    assert all(start + length <= value["cells"] for start, length, _ in value["notes"]) and value["notes"]
    assert note_grid.fresh(D, Meter.named(meter), {"bars": 10**9, "notes": 7})["bars"] == note_grid.BARS


@pytest.mark.parametrize(
    "value", [{"notes": "x"}, {"notes": [[0, 1]]}, {"notes": [[0, True, 0]]}, {"notes": [[0, 10**9, 0]]},
              {"notes": [[n, 1, 0] for n in range(10_000)]}, {"notes": [[-1, 1, 0]]}],
)  # fmt: skip
def test_a_grid_that_no_page_sends_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="clear"):
        note_grid.melody_of(value, D, Meter.named("4/4"), 120.0)
    assert note_grid.melody_of(None, D, Meter.named("4/4"), 120.0) is None


def test_a_roll_knows_degrees_names_and_seconds() -> None:
    shown = piano_roll.tune(SCALE, called="A scale")
    assert [note[3] for note in shown["notes"]] == [0, 1, 2, 3, 4, 5, 6, 0]
    assert [note[4] for note in shown["notes"]] == ["D", "E", "F#", "G", "A", "B", "C#", "D"]
    assert shown["ticks"] / shown["second"] == pytest.approx(SCALE.seconds) and shown["tonics"] == [
        [62, "D4"],
        [74, "D5"],
    ]
    assert piano_roll.degree(D, 63) == piano_roll.OUTSIDE
    assert [piano_roll.name_of(Key.named("F#"), pitch) for pitch in (59, 60, 65, 66)] == ["B3", "C4", "E#4", "F#4"]
    json.dumps(piano_roll.playing([shown]))


def test_what_others_wrote_is_shown_as_text(page: MelodyPage) -> None:
    near = SimpleNamespace(name="<b>x</b>", longest=3)
    assert "&lt;b&gt;" in melody._shared(SimpleNamespace(nearest=(near,)), 0)  # type: ignore[arg-type]


def test_without_any_model_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "shelf", lambda: models.Shelf(tmp_path / "nowhere"))
    monkeypatch.setattr("studio.hub.shipped", list)
    with gr.Blocks():
        page = melody.page()
    assert page.model.value is None and "train one on the page Training" in melody._opened(None)[1]
