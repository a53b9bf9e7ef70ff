"""Recipes: whatever made an output comes back from it, and what is no recipe is refused in one line."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio import __version__
from studio.device import choose
from studio.errors import InputError
from studio.media import files, images
from studio.recipe import Recipe, Source, environment, find_inputs, from_json, recipe_of, source_of
from studio.remake import PIPELINES, remake
from studio.style.parameters import StyleTransferParameters
from tests.strategies import style_transfer_parameters

Maker = Callable[..., Path]

names = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), max_size=20).filter(
    lambda name: name not in (".", "..")
)
sources = st.builds(Source, names, st.text("0123456789abcdef", min_size=64, max_size=64))
recipes = st.builds(
    Recipe,
    pipeline=st.sampled_from(sorted(PIPELINES)),
    parameters=style_transfer_parameters.map(lambda chosen: chosen.to_dict()),
    model=sources,
    inputs=st.dictionaries(
        st.sampled_from(["content", "styles", "masks"]), st.lists(sources, min_size=1, max_size=3).map(tuple)
    ),
    environment=st.fixed_dictionaries({"device": st.just("cpu"), "threads": st.integers(1, 64), "torch": names}),
)


def example(**changes: Any) -> Recipe:
    made = Recipe(
        "style_transfer",
        StyleTransferParameters().to_dict(),
        Source("vgg19", "a" * 64),
        {"content": (Source("photo.png", "b" * 64),), "styles": (Source("wave.png", "c" * 64),)},
        {"device": "cpu"},
    )
    return dataclasses.replace(made, **changes)


@given(recipes)
@settings(max_examples=60)
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    text = recipe.to_json()
    assert from_json(text) == recipe
    assert text.isascii() and "\n" not in text
    assert from_json(text).to_json() == text and from_json(text).fingerprint == recipe.fingerprint
    assert StyleTransferParameters(**from_json(text).parameters).to_dict() == recipe.parameters


@given(recipe=recipes, suffix=st.sampled_from([".png", ".jpg", ".webp"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_recipe_survives_in_a_picture_file(tmp_path: Path, recipe: Recipe, suffix: str) -> None:
    path = images.write_picture(Image.new("RGB", (4, 4)), tmp_path / f"a{suffix}", recipe.to_json())
    assert recipe_of(path) == recipe


@given(recipes, recipes)
def test_fingerprints_are_equal_for_equal_recipes_alone(first: Recipe, second: Recipe) -> None:
    assert (first.fingerprint == second.fingerprint) == (first.to_json() == second.to_json())


@given(
    style_transfer_parameters,
    style_transfer_parameters,
    st.sampled_from([name for name, _ in StyleTransferParameters.fields()]),
)
def test_the_fingerprint_changes_with_every_field(
    one: StyleTransferParameters, other: StyleTransferParameters, name: str
) -> None:
    mixed = one.to_dict() | {name: other.to_dict()[name]}
    fingerprints = {example(parameters=one.to_dict()).fingerprint, example(parameters=mixed).fingerprint}
    assert len(fingerprints) == (
        1 if json.dumps(mixed[name], sort_keys=True) == json.dumps(one.to_dict()[name], sort_keys=True) else 2
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"pipeline": "other"},
        {"model": Source("vgg19", "d" * 64)},
        {"model": Source("vgg16", "a" * 64)},
        {"inputs": {"content": (Source("photo.png", "b" * 64),)}},
        {"inputs": {"content": (Source("wave.png", "c" * 64),), "styles": (Source("photo.png", "b" * 64),)}},
        {"environment": {"device": "other"}},
    ],
)
def test_the_fingerprint_changes_with_everything_else(changes: dict[str, Any]) -> None:
    assert example(**changes).fingerprint != example().fingerprint


@given(recipes, st.floats(0, 1, exclude_max=True))
def test_a_recipe_cut_off_anywhere_is_refused_in_one_line(recipe: Recipe, cut: float) -> None:
    text = recipe.to_json()
    with pytest.raises(InputError, match=r"^The recipe cannot be read \(.*\); it was changed or cut off\.$"):
        from_json(text[: int(cut * len(text))])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "sha256", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(["pipeline", "parameters", "model", "inputs", "environment"]), json_values)
def test_a_recipe_with_anything_in_a_field_is_read_or_refused_in_one_line(name: str, value: Any) -> None:
    found = json.loads(example().to_json()) | {name: value}
    try:
        assert isinstance(from_json(json.dumps(found)), Recipe)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text", ["[]", "7", "null", "{}", '"a"', "[" * 100_000, "1" * 10_000, '{"studio-recipe": null}']
)
def test_what_is_no_recipe_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        from_json(text)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


@pytest.mark.parametrize("number", [0, 2, 99, "1"])
def test_another_format_is_refused(number: Any) -> None:
    text = json.dumps(json.loads(example().to_json()) | {"studio-recipe": number})
    with pytest.raises(InputError, match="written by a newer Studio; update Studio"):
        from_json(text)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../passwd"])
def test_a_name_in_a_recipe_names_a_file_and_no_folder(name: str) -> None:
    text = example(inputs={"content": (Source(name, "b" * 64),)}).to_json()
    assert from_json(text).inputs["content"] == (Source("passwd", "b" * 64),)


def test_the_id_of_a_model_on_the_hub_stays_whole() -> None:
    """owner/name is what `remake` has to fetch it by."""
    recipe = example(model=Source("owner/name", "a" * 64))
    assert from_json(recipe.to_json()).model.name == "owner/name"


def test_a_picture_without_a_recipe(picture: Maker) -> None:
    path = picture("plain.png")
    with pytest.raises(InputError, match=r"plain\.png carries no recipe: it was not made by Studio, or a program"):
        recipe_of(path)


def test_the_environment_is_what_the_bytes_depend_on() -> None:
    found = environment(choose("cpu").environment())
    assert set(found) == {"studio", "pillow", "device", "precision", "threads", "torch", "processor"}
    assert found["studio"] == __version__


def inputs_of(*paths: Path) -> Recipe:
    return example(inputs={"content": tuple(source_of(images.open_picture(path)) for path in paths)})


def test_inputs_are_found_by_name_and_by_hash_after_renaming(picture: Maker, tmp_path: Path) -> None:
    first, second = picture("a.png", seed=1), picture("b.jpg", seed=2)
    recipe = inputs_of(first, second)
    assert find_inputs(recipe, [tmp_path]) == {"content": [first, second]}
    (tmp_path / "deep" / "er").mkdir(parents=True)
    moved = second.rename(tmp_path / "deep" / "er" / "renamed.jpg")
    picture("b.jpg", seed=3)  # another picture has taken its name
    assert find_inputs(recipe, [tmp_path]) == {"content": [first, moved]}


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".abc", ".musicxml", ".mxl"])
def test_music_is_found_by_name_and_by_hash_after_renaming(picture: Maker, tmp_path: Path, suffix: str) -> None:
    photo, tune = picture("a.png"), tmp_path / f"tune{suffix}"
    tune.write_bytes(b"some music")
    primer = Source(tune.name, files.sha256(tune.read_bytes()))
    recipe = example(inputs={"primer": (primer,), "cover": (source_of(images.open_picture(photo)),)})
    assert find_inputs(recipe, [tmp_path]) == {"primer": [tune], "cover": [photo]}
    (tmp_path / "deep").mkdir()
    moved = tune.rename(tmp_path / "deep" / "0.mid")
    (tmp_path / "0.mid").write_bytes(b"other music")
    assert find_inputs(recipe, [tmp_path]) == {"primer": [moved], "cover": [photo]}
    assert find_inputs(example(inputs={"primer": (primer,)}), [tmp_path]) == {"primer": [moved]}


def test_music_is_not_opened_where_a_picture_is_looked_for(picture: Maker, tmp_path: Path) -> None:
    path = picture("a.png")
    (tmp_path / "b.mid").write_bytes(path.read_bytes())
    recipe = inputs_of(path)
    path.unlink()
    with pytest.raises(InputError, match=r"Cannot find a\.png"):
        find_inputs(recipe, [tmp_path])


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".MID", ".wav"])
def test_a_recipe_survives_in_music(tmp_path: Path, suffix: str) -> None:
    import numpy as np

    from studio.media import audio, midi
    from studio.music.melody import Melody, Note
    from studio.music.theory import Key, Meter

    bare, full = tmp_path / f"bare{suffix}", tmp_path / f"full{suffix}"
    if suffix == ".wav":
        audio.write_wav(bare, np.zeros((7, 2), np.int16))
        audio.write_wav(full, np.zeros((7, 2), np.int16), example().to_json())
    else:
        music = midi.to_midi(Melody((Note(60, 24),), Key(0), Meter(4, 4)))
        midi.write_midi(music, bare)
        midi.write_midi(music, full, example().to_json())
    assert recipe_of(full) == example()
    with pytest.raises(InputError, match="carries no recipe: it was not made by Studio"):
        recipe_of(bare)
    bare.write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"is not a (MIDI|WAV) file"):
        recipe_of(bare)


def test_one_picture_in_two_roles(picture: Maker, tmp_path: Path) -> None:
    path = picture("a.png")
    source = source_of(images.open_picture(path))
    recipe = example(inputs={"content": (source,), "styles": (source, source)})
    assert find_inputs(recipe, [tmp_path]) == {"content": [path], "styles": [path, path]}


def test_every_missing_input_is_named_with_what_to_do(picture: Maker, tmp_path: Path) -> None:
    recipe = inputs_of(picture("a.png", seed=1), picture("b.png", seed=2), picture("c.png", seed=3))
    (tmp_path / "a.png").unlink()
    picture("c.png", seed=4)
    with pytest.raises(InputError) as refused:
        find_inputs(recipe, [tmp_path, tmp_path / "nowhere"])
    message = str(refused.value)
    assert "a.png (sha256 " in message and "c.png (sha256 " in message and "b.png" not in message
    assert str(tmp_path) in message and "name the folder that holds it with --inputs" in message


def test_a_damaged_picture_in_the_folder_is_passed_over(picture: Maker, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"no picture")
    path = picture("z.png")
    with Image.open(path) as image:
        recipe = example(inputs={"content": (source_of(images.open_picture(image)),)})
    assert find_inputs(recipe, [tmp_path]) == {"content": [path]}


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_picture_that_came_from_memory_is_found_by_its_pixels(picture: Maker, tmp_path: Path, mode: str) -> None:
    picture("other.png", seed=1)
    path = picture("saved_later.png", seed=2, mode=mode)
    with Image.open(path) as image:
        recipe = example(inputs={"content": (source_of(images.open_picture(image)),)})
    assert recipe.inputs["content"][0].name == ""
    assert find_inputs(recipe, [tmp_path]) == {"content": [path]}


def test_a_transparent_picture_from_memory_is_found_on_its_background(picture: Maker, tmp_path: Path) -> None:
    path = picture("glass.png", mode="RGBA")
    with Image.open(path) as image:
        image.putalpha(128)
        image.save(path)
        source = source_of(images.open_picture(image, background="black"))
    recipe = example(inputs={"content": (source,)}, parameters={"background": "black"})
    assert find_inputs(recipe, [tmp_path]) == {"content": [path]}


def outputs(tmp_path: Path, **changes: Any) -> Path:
    return images.write_picture(Image.new("RGB", (4, 4)), tmp_path / "made.png", example(**changes).to_json())


def shipped() -> Source:
    from studio import hub

    return Source("vgg19", hub.find("vgg19").sha256)


def test_remake_of_another_pipeline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pipeline 'music'; known are style_transfer, dcgan, .*Update Studio"):
        remake(outputs(tmp_path, pipeline="music"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": {"brush": 7}}, "unknown parameter 'brush'"),
        ({"parameters": {"size": -1}}, "size: should be greater than or equal to 16"),
        ({"inputs": {}}, "content"),
        ({"environment": {"device": 7}}, "device"),
        ({"environment": {"device": "cpu", "precision": 7}}, "precision"),
        ({"environment": {"device": "cpu", "threads": "many"}}, "threads"),
        ({"environment": {"device": "cpu", "threads": -1}}, "threads"),
    ],
)
def test_remake_of_a_recipe_that_somebody_changed_is_refused_in_one_line(
    picture: Maker, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    from studio.errors import StudioError

    content = source_of(images.open_picture(picture("photo.png")))
    made = {
        "model": shipped(),
        "inputs": {"content": (content,), "styles": (content,)},
        "environment": {"device": "cpu"},
    }
    made["parameters"] = StyleTransferParameters(size=32, steps=1).to_dict()
    path = outputs(tmp_path, **(made | changes))
    with pytest.raises(StudioError) as refused:
        remake(path)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_sources_hold_a_name_and_no_folder(picture: Maker) -> None:
    path = picture("a.png")
    source = source_of(images.open_picture(path))
    assert source == Source("a.png", files.sha256(path.read_bytes()))


def test_the_names_of_a_recipe_stay_in_those_of_each_picture_too(tmp_path: Path, model_folders: Path) -> None:
    from studio.pipelines.dcgan import DCGANPipeline

    model = Path(shutil.copytree(model_folders / "dcgan", tmp_path / "model"))
    both = DCGANPipeline.from_pretrained(model)(count=2)
    both.save(tmp_path / "both")
    path = images.write_picture(both.images[0], tmp_path / "of_both.png", both.recipe.to_json())
    again = remake(path, model=model.rename(tmp_path / "other"))
    assert (again.recipe, again.recipes) == (both.recipe, both.recipes)
    again.save(tmp_path / "again")
    for number in range(2):
        one, other = (tmp_path / name / f"{name}-000{number}.png" for name in ("both", "again"))
        assert one.read_bytes() == other.read_bytes()


def test_what_was_made_elsewhere_may_differ(
    tmp_path: Path, model_folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from studio.pipelines.dcgan import DCGANPipeline

    result = DCGANPipeline.from_pretrained(model_folders / "dcgan")()
    older = dataclasses.replace(result.recipe, environment={**result.recipe.environment, "torch": "1.0"})
    path = dataclasses.replace(result, recipe=older).save(tmp_path / "a.png")
    remake(path, model=model_folders / "dcgan")
    assert "it was made with torch 1.0: it may differ in small things." in caplog.text
    caplog.clear()
    less = {name: value for name, value in result.recipe.environment.items() if name != "torch"}
    unsaid = dataclasses.replace(result, recipe=dataclasses.replace(result.recipe, environment=less))
    remake(unsaid.save(tmp_path / "b.png"), model=model_folders / "dcgan")
    assert "it was made with" not in caplog.text


def test_a_tune_that_came_from_memory_is_found_by_its_notes(picture: Maker, tmp_path: Path) -> None:
    from studio.media import midi
    from studio.media.abc_writer import write_abc
    from studio.pipelines.melody import open_primer
    from tests.music.tunes import jig

    picture("a.png")
    midi.write_midi(midi.to_midi(jig().transposed(1)), tmp_path / "0.mid")
    (tmp_path / "1.mid").write_bytes(b"garbage")
    primer = open_primer(jig())
    recipe = example(pipeline="melody", inputs={"primer": (Source(primer.name, primer.sha256),)})
    with pytest.raises(InputError, match=r"^Cannot find a tune \(sha256 "):
        find_inputs(recipe, [tmp_path])
    score = write_abc(tmp_path / "saved_later.abc", jig(), "A jig")
    assert find_inputs(recipe, [tmp_path]) == {"primer": [score]}
    score.unlink()
    music = midi.write_midi(midi.to_midi(jig(), program=0), tmp_path / "2.mid", "{}")
    assert find_inputs(recipe, [tmp_path]) == {"primer": [music]}
