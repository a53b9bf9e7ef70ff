"""Films, projections and directions over tiny models: what they are made of, and made again from their recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.data.tensors import to_pictures
from studio.errors import InputError, ModelError, StoppedError
from studio.generation.parameters import DirectionsParameters, ProjectionParameters, WalkParameters
from studio.media import video
from studio.pipelines.directions import DirectionsPipeline
from studio.pipelines.projection import ProjectionPipeline
from studio.pipelines.walk import WalkPipeline
from studio.recipe import recipe_of
from studio.remake import remake

Maker = Callable[..., Path]
LITTLE: dict[str, Any] = {"device": "cpu", "threads": 1}
QUICK: dict[str, Any] = {"seconds": 0.5, "fps": 8}
CLASSES = ("cat", "dog", "owl")
KINDS = ("dcgan", "dcgan-classes", "dcgan-grey", "vae", "vae-classes", "vae-grey")


@pytest.fixture(scope="session")
def walks(model_folders: Path) -> dict[str, WalkPipeline]:
    return {kind: WalkPipeline.from_pretrained(model_folders / kind, **LITTLE) for kind in KINDS}


@pytest.fixture(scope="session")
def searches(model_folders: Path) -> dict[str, ProjectionPipeline]:
    return {kind: ProjectionPipeline.from_pretrained(model_folders / kind, **LITTLE) for kind in KINDS}


def folder_of(pipe: Any) -> Path:
    assert pipe.generator.origin
    folder: Path = pipe.generator.origin.folder
    return folder


def pixels(image: Image.Image) -> bytes:
    return image.tobytes()


def test_a_film_goes_through_its_keyframes(walks: dict[str, WalkPipeline]) -> None:
    pipe = walks["dcgan"]
    result = pipe(keyframes=4, seconds=2, fps=8, seed=5, loop=True)
    frames = list(result.frames)
    assert len(frames) == 16 and result.size == frames[0].size == (64, 64)
    for number in range(4):
        assert torch.allclose(result.latents[4 * number], result.keyframes[number], atol=1e-5)
        assert torch.equal(result.keyframes[number], pipe.generator.draw(5 + number, WalkParameters()))
    straight = pipe(keyframes=3, seconds=1, fps=9, loop=False, kind="slerp", ease=True)
    assert torch.allclose(straight.latents[-1], straight.keyframes[-1], atol=1e-5)
    assert len(list(pipe(keyframes=2, seconds=0.001).frames)) == 1


def test_frames_are_made_when_they_are_asked_for(walks: dict[str, WalkPipeline]) -> None:
    steps: list[int] = []
    result = walks["vae"](**QUICK, callback=lambda progress: steps.append(progress.step))
    assert not steps
    frames = result.frames
    first, _, _ = next(frames), next(frames), next(frames)
    assert steps == [1, 2]
    assert pixels(next(result.frames)) == pixels(first)


def test_classes_change_on_the_way(walks: dict[str, WalkPipeline]) -> None:
    pipe = walks["vae-classes"]
    result = pipe(keyframes=2, seconds=1, fps=5, loop=False, classes=("owl", "cat"))
    first, *_, last = result.frames
    for frame, latents, label in ((first, result.latents[0], 2), (last, result.latents[-1], 0)):
        with torch.no_grad():
            made = pipe.generator.decode(latents[None], torch.tensor([label]))
        assert pixels(frame) == pixels(to_pictures(made)[0])


def test_textures_move_too(walks: dict[str, WalkPipeline]) -> None:
    result = walks["dcgan"](**QUICK, wide=4, high=2, truncation=1.0, scale=2)
    assert result.latents.shape == (4, 16, 2, 4)
    assert next(result.frames).size == result.size == (2 * 7 * 16, 2 * 5 * 16)


films = st.builds(
    WalkParameters,
    seed=st.integers(0, 2**63 - 1),
    classes=st.lists(st.sampled_from(CLASSES), max_size=4).map(tuple),
    scale=st.integers(1, 2),
    seconds=st.floats(0.2, 0.5),
    fps=st.integers(4, 8),
    keyframes=st.integers(2, 4),
    kind=st.sampled_from(["spline", "slerp"]),
    loop=st.booleans(),
    ease=st.booleans(),
)


@given(chosen=films, kind=st.sampled_from(["dcgan-classes", "vae-classes"]), data=st.data())
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_film_is_made_again_from_itself(
    walks: dict[str, WalkPipeline], tmp_path: Path, chosen: WalkParameters, kind: str, data: st.DataObject
) -> None:
    own = {"temperature": st.floats(0, 4)} if kind.startswith("vae") else {"truncation": st.none() | st.floats(0.1, 4)}
    chosen = chosen.changed(**{name: data.draw(values) for name, values in own.items()})
    film = walks[kind](parameters=chosen).save(tmp_path / "film.mp4")
    assert recipe_of(film).parameters == chosen.to_dict()
    remake(film, model=folder_of(walks[kind])).save(tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == film.read_bytes()


@pytest.mark.parametrize("kind", ["vae", "dcgan-grey"])
def test_pictures_as_keyframes(walks: dict[str, WalkPipeline], picture: Maker, tmp_path: Path, kind: str) -> None:
    pipe = walks[kind]
    result = pipe(pictures=[picture("a.png", seed=1), picture("b.png", seed=2)], keyframes=1, search_steps=2, **QUICK)
    assert result.keyframes.shape == (3, 16)
    assert torch.equal(result.keyframes[2], pipe.generator.draw(0, WalkParameters()))
    film = result.save(tmp_path / "film.mp4")
    assert [source.name for source in recipe_of(film).inputs["pictures"]] == ["a.png", "b.png"]
    remake(film, model=folder_of(pipe)).save(tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == film.read_bytes()
    assert len(video.open_video(film)) == 4


def test_stopping_a_film_leaves_nothing(walks: dict[str, WalkPipeline], tmp_path: Path) -> None:
    result = walks["dcgan"](**QUICK, callback=lambda progress: progress.step == 2)
    with pytest.raises(StoppedError, match="stopped before its end, and nothing of it was kept"):
        result.save(tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("dcgan", {"keyframes": 1}, "expected at least 2 of them, got 1"),
        ("dcgan", {"keyframes": 0}, "expected at least 2 of them, got 0"),
        ("dcgan", {"seconds": 0}, "seconds: should be greater than 0"),
        ("dcgan", {"fps": 0}, "fps: should be"),
        ("dcgan", {"kind": "jump"}, "kind: "),
        ("dcgan", {"temperature": 0.5}, "dcgan is a DCGAN, which has no temperature (--temperature); leave it out."),
        ("vae", {"truncation": 0.5}, "vae is a VAE, which has no truncation (--truncation); leave it out."),
        ("vae", {"wide": 2}, "which has no wide"),
        ("dcgan", {"scale": 32, "wide": 64}, "at most 4,096 on a side"),
        ("dcgan", {"wide": 128, "high": 128, "seconds": 3600}, "too long to be planned at once"),
        ("dcgan", {"wide": 128, "high": 128, "seconds": 1, "keyframes": 10_000}, "10,000 keyframes is too long"),
        ("dcgan", {"classes": ("cat",)}, "dcgan has no classes"),
        ("vae-classes", {"classes": ("cow",)}, "vae-classes has no class 'cow'; it has cat, dog, owl."),
    ],
)
def test_films_that_cannot_be_made(
    walks: dict[str, WalkPipeline], kind: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        walks[kind](**options)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_no_pictures_among_textures(walks: dict[str, WalkPipeline], picture: Maker) -> None:
    with pytest.raises(InputError, match="Pictures cannot be keyframes of a film with several latents"):
        walks["dcgan"](pictures=[picture(), picture()], wide=2)


def test_a_picture_that_the_model_made_is_found(searches: dict[str, ProjectionPipeline]) -> None:
    pipe = searches["dcgan"]
    made = pipe.generator(seed=4).images[0]
    start = pipe(made, steps=0, features=False)
    result = pipe(made, steps=150, features=False, starts=32)
    assert result.distance < start.distance / 4
    assert result.images[0].size == (64, 64) and result.latents.shape == (1, 16) and result.finished


searched = st.builds(
    ProjectionParameters,
    steps=st.integers(0, 3),
    seed=st.integers(0, 2**63 - 1),
    class_name=st.sampled_from(["", *CLASSES]),
    beside=st.booleans(),
    scale=st.integers(1, 2),
    starts=st.integers(1, 3),
    learning_rate=st.floats(0.001, 1),
    features=st.booleans(),
    stop_after=st.none() | st.integers(1, 3),
)


@given(chosen=searched, kind=st.sampled_from(["dcgan-classes", "vae-classes"]))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_projection_is_made_again_from_itself(
    searches: dict[str, ProjectionPipeline], picture: Maker, tmp_path: Path, chosen: ProjectionParameters, kind: str
) -> None:
    path = picture("face.png", size=(70, 50), seed=3)
    result = searches[kind](path, parameters=chosen)
    width = (130 if chosen.beside else 64) * chosen.scale
    assert result.images[0].size == (width, 64 * chosen.scale) and result.finished
    result.save(tmp_path / "out.png")
    remake(tmp_path / "out.png", model=folder_of(searches[kind])).save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_a_search_that_was_stopped_is_made_again(
    searches: dict[str, ProjectionPipeline], picture: Maker, tmp_path: Path
) -> None:
    pipe = searches["vae"]
    result = pipe(picture(), steps=50, features=False, callback=lambda progress: progress.step == 3)
    assert not result.finished and result.recipe.parameters["stop_after"] == 3
    result.save(tmp_path / "out.png")
    again = remake(tmp_path / "out.png", model=folder_of(pipe))
    assert again.finished
    again.save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_directions_are_found_and_made_again(model_folders: Path, tmp_path: Path, kind: str) -> None:
    pipe = DirectionsPipeline.from_pretrained(model_folders / kind, **LITTLE)
    name = "dog" if kind.endswith("classes") else ""
    chosen = DirectionsParameters(count=3, rows=2, columns=3, samples=128, class_name=name, seed=9)
    result = pipe(parameters=chosen)
    assert result.images[0].size == (3 * 64, 6 * 64 + 2 * 4)
    assert len(result.directions) == 3 and result.seeds == (9, 10) and result.latents.shape == (2, 16)
    middle = pipe.generator(seed=9, classes=(name,) if name else ()).images[0]
    assert result.images[0].crop((64, 0, 128, 64)).tobytes() == middle.convert("RGB").tobytes()
    result.save(tmp_path / "out.png")
    remake(tmp_path / "out.png", model=model_folders / kind).save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_directions_that_cannot_be_found(model_folders: Path) -> None:
    pipe = DirectionsPipeline.from_pretrained(model_folders / "dcgan", **LITTLE)
    with pytest.raises(InputError, match="Expected 1 to 16 directions from 64 samples, got 17"):
        pipe(count=17, samples=64)
    with pytest.raises(InputError, match="dcgan has no classes"):
        pipe(class_name="cat")


@pytest.mark.parametrize("cls", [WalkPipeline, ProjectionPipeline, DirectionsPipeline])
def test_models_that_make_no_pictures(cls: Any) -> None:
    with pytest.raises(ModelError, match="vgg19 is a vgg and makes no pictures by itself"):
        cls.from_pretrained("vgg19")
