"""The page of texts over its real API, with a small random network behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from studio import hub
from studio.errors import InputError
from studio.pipelines.text import TextPipeline
from studio.recipe import recipe_of
from studio.remake import remake
from studio.text.originality import Run
from studio.text.parameters import TextParameters
from studio.ui import models, text, text_files, text_sheets
from studio.ui.studio import launch
from studio.ui.text import TextPage
from studio.ui.text_settings import SCHEMES
from studio.ui.text_together import draft_of
from studio.verse import checker, forms
from studio.verse.checker import Score
from studio.verse.lexicon import Lexicon
from studio.zoo import causal_lm as zoo
from tests.training.test_text import VERSE, run

Files = Callable[[Any], list[Path]]
QUICK = {"candidates": 4}
INTACT = {"lines": ["The owl of Rome", "sang"], "offered": [], "undone": ["to me"], "turn": 0}


@pytest.fixture(scope="module")
def model(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small GPT that learnt a little verse, so that its lines are of letters."""
    verse = tmp_path_factory.mktemp("verse") / "verse.txt"
    verse.write_text(VERSE)
    run(verse, home / "tiny-gpt", steps=60, check_every=60, learning_rate=1e-2, ema=0.9)
    return home / "tiny-gpt"


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[Client]:
    blocks = text.build()
    yield Client(launch(blocks, block=False), verbose=False, analytics_enabled=False)
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def page(model: Path) -> TextPage:
    with gr.Blocks():
        return text.page()


def sheets_in(answer: Any) -> list[dict[str, Any]]:
    return next(part["sheets"] for part in answer if isinstance(part, dict) and part.get("sheets"))


def test_texts_come_side_by_side_and_each_can_be_made_again(
    client: Client, model: Path, files_in: Files, tmp_path: Path
) -> None:
    asked = {"model": "tiny-gpt", "prompt": "The owl of Rome ", "count": 2, "max_tokens": 30, "seed": str(2**53 + 1)}
    job = client.submit(**asked, api_name="/texts")
    answer = job.result()
    sheets = sheets_in(answer)
    assert [one["called"] for one in sheets] == [f"Seed {2**53 + 1}", f"Seed {2**53 + 2}"]
    pipe = TextPipeline.from_pretrained(model)
    called = pipe(prompt="The owl of Rome ", count=2, max_tokens=30, seed=2**53 + 1)
    assert [one["text"] for one in sheets] == called.texts
    assert all("learnt from" in one["copied"]["words"] and not one["going"] for one in sheets)
    steps = [sheets_in(out) for out in job.outputs() if any(isinstance(p, dict) and p.get("sheets") for p in out)]
    assert any(one["going"] for one in steps[0])
    found = {path.name: path for path in files_in(answer)}
    assert {Path(name).suffix for name in found} == {".txt", ".json", ".png"} and len(found) == 6
    page = found[f"text-{2**53 + 2}.png"]
    recipe = recipe_of(page)
    assert recipe.pipeline == "text" and recipe.parameters["seed"] == 2**53 + 2 and recipe.parameters["count"] == 1
    assert recipe.to_json() == called.recipes[1].to_json()
    again = remake(page, model=model).save(tmp_path / "again.txt")
    assert again.read_text().rstrip() == sheets[1]["text"]


def test_a_form_is_kept_and_what_belongs_to_others_is_left_out(client: Client) -> None:
    asked = {"model": "tiny-gpt", "form": "haiku", "letters": "SEA", "scheme": "AA", "max_tokens": 0, **QUICK}
    (sheet,) = sheets_in(client.predict(**asked, api_name="/texts"))
    assert sheet["verse"] and sheet["form"]["kept"] and sheet["form"]["problems"] == []
    assert checker.score(sheet["text"], forms.haiku(), Lexicon.load()).passed


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 5}, "shows up to 4 texts"),
        ({"count": 0}, "count: should be greater than or equal to 1, got 0"),
        ({"max_tokens": 10**6}, "writes up to 10,000 tokens"),
        ({"prompt": "x" * 60_000}, "prompt: String should have at most 50000 characters"),
        ({"temperature": -1}, "temperature: should be greater than or equal to 0, got -1"),
        ({"form": "epic"}, "form: should be"),
        ({"form": "acrostic"}, "An acrostic needs a word to spell"),
        ({"form": "rhyme", "scheme": ""}, "A rhyme scheme is needed"),
        ({"form": "rhyme", "scheme": "A1"}, "scheme"),
        ({"original": -3}, "original: should be greater than or equal to 0"),
        ({"seed": "seven"}, "seed: should be a valid integer"),
        ({"model": "tiny-gan"}, "There is no model 'tiny-gan'"),
        ({"model": None}, "There is no model for texts here yet"),
    ],
)
def test_bad_values_get_a_plain_line(client: Client, values: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError) as refused:
        client.predict(**{"model": "tiny-gpt", "max_tokens": 5, **values}, api_name="/texts")
    message = str(refused.value.message)
    assert words in message and "\n" not in message and "Traceback" not in message and len(message) < 300


def test_without_an_index_originality_cannot_be_asked_for(client: Client, model: Path, home: Path) -> None:
    network, tokenizer = zoo.load_network(hub.find(model)), zoo.load_tokenizer(hub.find(model))
    zoo.save_model(home / "tiny-foreign", network, tokenizer, None, {}, "# tiny\n")
    with pytest.raises(AppError, match="does not say what it learnt from"):
        client.predict(model="tiny-foreign", original=5, max_tokens=5, api_name="/texts")
    (sheet,) = sheets_in(client.predict(model="tiny-foreign", max_tokens=5, api_name="/texts"))
    assert sheet["copied"]["words"] == text_sheets.UNKNOWN


def test_lines_are_offered_for_a_draft_in_its_form(client: Client) -> None:
    draft = {"draft": {**INTACT, "lines": ["The owl of winter sang"], "undone": []}}
    asked = {"model": "tiny-gpt", "form": "acrostic", "letters": "TSA", "draft": draft, "count_offered": 3, **QUICK}
    answer = client.predict(**asked, api_name="/offer_lines")
    value = next(part for part in answer if isinstance(part, dict) and part.get("draft"))
    assert 1 <= len(value["lines"]) <= 3 and all(line.startswith("S") for line in value["lines"])
    assert sheets_in(answer)[0]["called"] == "Draft · Acrostic · 1 of 3 lines"
    done = client.predict(**asked | {"draft": value}, api_name="/go_on_with_lines")
    (sheet,) = sheets_in(done)
    assert sheet["form"]["kept"] and [line[0] for line in sheet["text"].splitlines()] == list("TSA")
    assert {one["called"] for one in sheet["files"]} == {"Text", "Draft"}
    full = next(part for part in done if isinstance(part, dict) and part.get("draft"))
    with pytest.raises(AppError, match="The form is full; undo a line"):
        client.predict(**asked | {"draft": full}, api_name="/offer_lines")


def test_a_line_is_taken_undone_and_brought_back(page: TextPage) -> None:
    together, values = page.together, {"model": "tiny-gpt", "draft": {"draft": {**INTACT, "offered": ["softly"]}}}
    event = gr.EventData(None, {"index": 0})
    taken = together.take(event, **values)[together.offers]
    assert taken["draft"]["lines"] == ("The owl of Rome", "sang", "softly") and taken["lines"] == []
    undone = together.take_back(**values | {"draft": taken})[together.offers]
    assert undone["draft"]["undone"] == ("softly",)
    assert together.bring_back(**values | {"draft": undone})[together.offers]["draft"] == taken["draft"]
    added = together.add(line=" My  own ", **values)
    assert added[together.offers]["draft"]["lines"][-1] == "My own" and added[together.own] == ""
    for wrong in (gr.EventData(None, {"index": 7}), gr.EventData(None, {}), gr.EventData(None, {"index": True})):
        with pytest.raises(gr.Error, match="Expected one of the 1 lines offered"):
            together.take(wrong, **values)


def test_a_shorter_form_leaves_all_lines_on_the_sheet(page: TextPage) -> None:
    lines = [f"The owl of Rome sang {number}" for number in ("one", "two", "three", "four", "five")]
    values = {"model": "tiny-gpt", "form": "haiku", "draft": {"draft": {**INTACT, "lines": lines, "undone": []}}}
    together = page.together
    ((sheet,),) = (shown[together.sheet]["sheets"] for shown in together.look(gr.Request(), **values))
    assert sheet["text"].split("\n") == [*lines[:3], "", *lines[3:]]
    assert sheet["called"] == "Draft · Haiku · 5 lines, 2 too many" and not sheet["form"]["kept"]
    assert sheet["form"]["problems"][0] == "The form has 3 lines, the text has 5."
    written = next(one["file"]["path"] for one in sheet["files"] if one["called"] == "Text")
    assert Path(written).read_text() == f"{sheet['text']}\n"
    assert together.take_back(**values)[together.sheet]["sheets"][0]["called"] == "Draft · Haiku · 4 lines, 1 too many"


@pytest.mark.parametrize(
    "sent", [[1], {"lines": 3}, {"lines": ["x"] * 5000}, {"lines": ["x" * 60_000]}, {"turn": "x"}, {"turn": -1}]
)
def test_a_draft_that_no_page_sends_is_refused(sent: Any) -> None:
    with pytest.raises(InputError) as refused:
        draft_of({"draft": sent}, TextParameters())
    assert "\n" not in str(refused.value)
    assert draft_of(None, TextParameters(form="haiku")).form == forms.haiku()


def test_settings_come_back_from_a_page_a_recipe_and_a_draft(client: Client, files_in: Files, tmp_path: Path) -> None:
    asked = {"model": "tiny-gpt", "form": "rhyme", "scheme": "AA", "syllables": "6", "seed": "12", "top_k": 50, **QUICK}
    found = {path.suffix: path for path in files_in(client.predict(**asked, api_name="/texts"))}
    for files in ([found[".png"]], [found[".json"]], [found[".txt"], found[".json"]]):
        told = str(client.predict(files=[handle_file(path) for path in files], api_name="/text_restore"))
        assert "Settings restored." in told and "'AA'" in told and "'12'" in told
    with pytest.raises(AppError, match="has its recipe beside it"):
        client.predict(files=[handle_file(found[".txt"])], api_name="/text_restore")
    draft = {"draft": {**INTACT, "undone": []}}
    answer = client.predict(model="tiny-gpt", draft=draft, max_tokens=77, **QUICK, api_name="/go_on_with_lines")
    kept = next(path for path in files_in(answer) if path.name.endswith(text_files.DRAFT_SUFFIX))
    told = str(client.predict(files=[handle_file(kept)], api_name="/text_restore"))
    assert "The owl of Rome" in told and "77" in told and "Here is the draft again" in told
    for content in ("{", "[]", json.dumps({"draft": {}, "model": "", "parameters": {"bogus": 1}})):
        broken = tmp_path / f"broken{text_files.DRAFT_SUFFIX}"
        broken.write_text(content)
        with pytest.raises(AppError) as refused:
            client.predict(files=[handle_file(broken)], api_name="/text_restore")
        assert "\n" not in str(refused.value.message) and str(tmp_path) not in str(refused.value.message)


def test_a_form_shows_only_what_it_needs(page: TextPage) -> None:
    settings = page.settings
    shown = {
        form: {name for name, made in settings.all.items()
               if (change := settings.fitting(form).get(made)) is not None and change["visible"]}
        for form in ("free", "haiku", "sonnet", "acrostic", "rhyme")
    }  # fmt: skip
    assert shown["free"] == {"max_tokens", "stop"} and shown["haiku"] == {"candidates", "tries"}
    assert shown["sonnet"] == {"scheme", "iambic", "candidates", "tries"}
    assert shown["acrostic"] == {"letters", "syllables", "candidates", "tries"}
    assert shown["rhyme"] == {"scheme", "syllables", "candidates", "tries"}
    for form, schemes in SCHEMES.items():
        for scheme in schemes:
            assert TextParameters(form=form, scheme=scheme).verse is not None  # type: ignore[arg-type]


def test_every_field_has_its_widget_and_goes_there_and_back(page: TextPage) -> None:
    fields = {name for name, _ in TextParameters.fields()}
    assert fields - set(page.settings.all) == {"prompts"}
    made = TextParameters(form="sonnet", scheme="petrarchan", prompt="12", stop=(), seed=2**53 + 1, iambic=False)
    back = page.settings.restored(made)
    values = {}
    for name, widget in page.settings.all.items():
        change = back[widget]
        values[name] = change["value"] if isinstance(change, dict) else change
    assert page.settings.understood(values) == made
    free = TextParameters(stop=("\n\n", "The end"))
    values = {"stop": page.settings.restored(free)[page.settings.all["stop"]]["value"]}
    assert page.settings.understood(values).stop == free.stop


def test_what_was_learnt_is_marked_where_browsers_count_it() -> None:
    written = "😀 é The owl of Rome sang"
    marked = text_sheets.learnt(written, Run(5, "The owl of Rome sang", 4))
    assert (
        written.encode("utf-16-le")[2 * marked["start"] : 2 * marked["end"]].decode("utf-16-le").startswith("The owl")
    )
    assert marked["end"] == len(written.encode("utf-16-le")) // 2
    assert "fewer than 5 words" in text_sheets.learnt(written, Run(0, "", 0))["words"]


def test_a_form_that_is_not_kept_says_what_is_wrong() -> None:
    told = text_sheets.kept(Score(False, 0.999, ("Line 2 does not scan.",), ("flad",)), ("Line 2 does not scan.",))
    assert told["words"] == "The form is kept to 99 %." and told["problems"] == ["Line 2 does not scan."]
    assert "flad" in told["guesses"]


def test_without_any_model_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "shelf", lambda: models.Shelf(tmp_path / "nowhere"))
    monkeypatch.setattr("studio.hub.shipped", list)
    with gr.Blocks():
        page = text.page()
    assert page.model.value is None and "train one on the page Training" in text._opened(None)[1]
