"""The page of the VAE over its real API: classes, and pictures that a visitor brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from studio.recipe import recipe_of
from studio.ui import vae
from studio.ui.studio import launch

Files = Callable[[Any], list[Path]]
NOTHING = dict.fromkeys(["first", "second", "first_class", "second_class"])


@pytest.fixture(scope="module")
def vae_client(home: Path) -> Iterator[Client]:
    blocks = vae.build()
    yield Client(launch(blocks, block=False), verbose=False, analytics_enabled=False)
    blocks.close(verbose=False)


def test_pictures_are_of_the_classes_that_were_picked(vae_client: Client, files_in: Files) -> None:
    asked = {"model": "tiny-vae", "count": 2, "classes": ["B"], "temperature": 0.5}
    recipes = [recipe_of(path) for path in files_in(vae_client.predict(**asked, api_name="/vae_pictures"))]
    assert {tuple(recipe.parameters["classes"]) for recipe in recipes} == {("B",)}
    with pytest.raises(AppError, match="has no class 'Z'; it has A, B"):
        vae_client.predict(**{**asked, "classes": ["Z"]}, api_name="/vae_pictures")
    with pytest.raises(AppError, match="temperature: should be less than or equal to 4, got 9"):
        vae_client.predict(**{**asked, "temperature": 9}, api_name="/vae_pictures")


def test_two_pictures_are_blended_with_their_recipe(
    vae_client: Client, picture: Callable[..., Path], files_in: Files
) -> None:
    given = {"first": handle_file(picture("a.png")), "second": handle_file(picture("b.png", seed=1))}
    asked = {"model": "tiny-vae", "first_class": "A", "second_class": "B", "way": 0.25}
    answer = vae_client.predict(**given, **asked, api_name="/vae_blend")
    made = next(path for path in files_in(answer) if path.name.startswith("vae-blend-"))
    recipe = recipe_of(made)
    assert [source.name for source in recipe.inputs["pictures"]] == ["a.png", "b.png"]
    assert recipe.parameters["weights"] == [0.75, 0.25] and recipe.parameters["classes"] == ["A", "B"]
    restored = str(vae_client.predict(file=handle_file(made), api_name="/vae_restore"))
    assert "Give again the pictures under Blend: a.png, b.png." in restored and "0.25" in restored


@pytest.mark.parametrize(("way", "words"), [("far", "a number from 0 to 1"), (3, "t from 0 to 1")])
def test_a_way_that_is_none_gets_a_plain_line(
    vae_client: Client, picture: Callable[..., Path], way: Any, words: str
) -> None:
    given = {"first": handle_file(picture("a.png")), "second": handle_file(picture("b.png"))}
    with pytest.raises(AppError, match=words):
        vae_client.predict(**{**NOTHING, **given}, model="tiny-vae", way=way, api_name="/vae_blend")


def test_only_uploaded_pictures_are_blended(vae_client: Client) -> None:
    with pytest.raises(AppError, match="uploaded file"):
        vae_client.predict(**{**NOTHING, "first": {"path": "/etc/passwd"}}, model="tiny-vae", api_name="/vae_blend")


def test_one_picture_waits_for_the_other(vae_client: Client, picture: Callable[..., Path]) -> None:
    answer = vae_client.predict(**{**NOTHING, "first": handle_file(picture())}, model="tiny-vae", api_name="/vae_blend")
    assert "One more picture is needed" in str(answer)


def test_the_classes_of_a_model_can_be_picked(home: Path) -> None:
    with gr.Blocks():
        page = vae.page()
    words, classes, *of_pictures = page._of_model(str(home / "tiny-vae"))
    assert "64 × 64, grey" in words
    assert classes["choices"] == ["A", "B"] and classes["visible"]
    assert [one["value"] for one in of_pictures] == ["A", "A"]
    restored = {"model": str(home / "tiny-vae"), "classes": ("B", "Z")}
    assert page._of_model(str(home / "tiny-vae"), restored)[1]["value"] == ["B"], "of those it has"
    assert page._of_model(str(home / "tiny-vae"), {**restored, "model": "other"})[1]["value"] == []


def test_one_latent_in_every_class_gives_as_many_pictures(vae_client: Client, files_in: Files) -> None:
    asked = {"model": "tiny-vae", "count": 4, "seed": "7", "same_latent": True, "classes": ["A", "B"]}
    made = files_in(vae_client.predict(**asked, api_name="/vae_pictures"))
    alone = [path for path in made if "sheet" not in path.name]
    assert len({path.name for path in alone}) == 4
    assert [recipe_of(path).parameters["classes"] for path in alone] == [["A"], ["B"], ["A"], ["B"]]


def test_the_classes_of_a_result_come_back_with_it(vae_client: Client, files_in: Files) -> None:
    asked = {"model": "tiny-vae", "count": 1, "classes": ["B"]}
    made = files_in(vae_client.predict(**asked, api_name="/vae_pictures"))[0]
    restored = vae_client.predict(file=handle_file(made), api_name="/vae_restore")
    assert any(isinstance(one, dict) and one.get("value") == ["B"] and one.get("choices") for one in restored)
