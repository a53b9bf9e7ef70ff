"""DCGAN: what a seed gives, in any company; grids, textures, classes; and every file made again from its recipe."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.errors import InputError, ModelError, OutputError
from studio.generation.parameters import DCGANParameters
from studio.networks.dcgan import Generator
from studio.pipelines.dcgan import DCGANPipeline
from studio.pipelines.directions import DirectionsPipeline
from studio.recipe import recipe_of
from studio.remake import remake
from tests.conftest import tiny_generator

LITTLE: dict[str, Any] = {"device": "cpu", "threads": 1}
CLASSES = ("cat", "dog", "owl")


@pytest.fixture(scope="session")
def pipe(model_folders: Path) -> DCGANPipeline:
    return DCGANPipeline.from_pretrained(model_folders / "dcgan", **LITTLE)


@pytest.fixture(scope="session")
def conditional(model_folders: Path) -> DCGANPipeline:
    return DCGANPipeline.from_pretrained(model_folders / "dcgan-classes", **LITTLE)


def pixels(image: Image.Image) -> bytes:
    return image.tobytes()


def test_what_comes_back(pipe: DCGANPipeline) -> None:
    result = pipe(count=3, seed=7)
    assert [image.size for image in result.images] == [(64, 64)] * 3 and result.images[0].mode == "RGB"
    assert result.latents.shape == (3, 16) and result.latents.dtype == torch.float32
    assert result.seeds == (7, 8, 9) and result.finished
    assert len(set(map(pixels, result.images))) == 3
    assert pipe.device.precision == "float32"


def test_a_picture_does_not_depend_on_its_company(conditional: DCGANPipeline) -> None:
    many = conditional(count=5, seed=10)
    for number in range(5):
        name = CLASSES[number % 3]
        alone = conditional(count=1, seed=10 + number, classes=(name,))
        assert pixels(alone.images[0]) == pixels(many.images[number])
        assert torch.equal(alone.latents[0], many.latents[number])


def test_textures_in_half_precision(model_folders: Path) -> None:
    pipe = DCGANPipeline.from_pretrained(model_folders / "dcgan", precision="bfloat16", **LITTLE)
    whole, half = DCGANPipeline.from_pretrained(model_folders / "dcgan", **LITTLE)(wide=3), pipe(wide=3)
    far = [abs(a - b) for a, b in zip(pixels(whole.images[0]), pixels(half.images[0]), strict=True)]
    assert half.images[0].size == whole.images[0].size and sum(far) / len(far) < 4


def test_the_last_seed_is_followed_by_the_first(pipe: DCGANPipeline) -> None:
    assert pipe(count=2, seed=2**63 - 1).seeds == (2**63 - 1, 0)


parameters = st.builds(
    DCGANParameters,
    count=st.integers(1, 4),
    seed=st.integers(0, 2**63 - 1),
    classes=st.lists(st.sampled_from(CLASSES), max_size=4).map(tuple),
    grid=st.booleans(),
    columns=st.none() | st.integers(1, 9),
    scale=st.integers(1, 2),
    truncation=st.none() | st.floats(1e-6, 10),
    wide=st.integers(1, 3),
    high=st.integers(1, 3),
    moves=st.just(()) | st.lists(st.floats(-10, 10), max_size=8).map(tuple),
)


@given(chosen=parameters, suffix=st.sampled_from([".png", ".jpg", ".webp"]))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_is_made_again_from_itself(
    conditional: DCGANPipeline, tmp_path: Path, chosen: DCGANParameters, suffix: str
) -> None:
    result = conditional(parameters=chosen)
    single = chosen.grid or chosen.count == 1
    place = tmp_path / (f"one{suffix}" if single else "many")
    result.save(place)
    model = conditional.origin and conditional.origin.folder
    for path in [place] if single else [place / f"many-{number:04}.png" for number in range(chosen.count)]:
        again = tmp_path / f"again{path.suffix}"
        remake(path, model=model).save(again)
        assert again.read_bytes() == path.read_bytes()


def test_a_grid_is_one_picture_with_all_in_rows(pipe: DCGANPipeline) -> None:
    result = pipe(count=5, grid=True, columns=2, scale=2)
    assert [image.size for image in result.images] == [(2 * 128 + 4, 3 * 128 + 8)]
    assert result.latents.shape == (5, 16)
    alone = pipe(seed=3, scale=2).images[0]
    assert pixels(result.images[0].crop((132, 132, 260, 260))) == pixels(alone)
    assert pipe(count=7, grid=True).images[0].size == (3 * 66 - 2, 3 * 66 - 2)


def test_a_grid_of_latents_gives_other_shapes(pipe: DCGANPipeline) -> None:
    result = pipe(wide=6, high=2)
    assert result.images[0].size == ((6 + 3) * 16, (2 + 3) * 16)
    assert result.latents.shape == (1, 16, 2, 6)


@given(st.integers(0, 2**63 - 1), st.floats(1e-3, 5), st.floats(1e-3, 5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncation_keeps_latents_within_and_in_order(pipe: DCGANPipeline, seed: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    free, wide, narrow = (pipe.draw(seed, DCGANParameters(truncation=bound)) for bound in (None, high, low))
    assert narrow.abs().max() <= low * (1 + 1e-6) and wide.abs().max() <= high * (1 + 1e-6)
    assert (narrow.abs() <= wide.abs() + 1e-6).all() and (wide.abs() <= free.abs() + 1e-5).all()
    assert (narrow.sign() == free.sign()).all()


def test_truncated_latents_are_truncated_normal(pipe: DCGANPipeline) -> None:
    drawn = torch.cat([pipe.draw(seed, DCGANParameters(truncation=1.0)) for seed in range(2000)])
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    expected = 1 - 2 * density / math.erf(1 / math.sqrt(2))
    assert drawn.square().mean().item() == pytest.approx(expected, rel=0.02)


def test_classes_in_turn_and_by_name(conditional: DCGANPipeline) -> None:
    same = [conditional(seed=4, classes=(name,)).images[0] for name in CLASSES]
    assert len(set(map(pixels, same))) == 3
    assert conditional.labels_of((), 5) == [0, 1, 2, 0, 1]
    assert conditional.labels_of(("owl", "cat"), 3) == [2, 0, 2]
    assert [recipe.parameters["classes"] for recipe in conditional(count=2).recipes] == [["cat"], ["dog"]]


def test_moves_go_along_the_directions_of_the_sheet_each_class_along_its_own(conditional: DCGANPipeline) -> None:
    still, moved = conditional(count=2, seed=6), conditional(count=2, seed=6, moves=(2, 0, -1.5))
    for number, name in enumerate(CLASSES[:2]):
        directions = DirectionsPipeline(conditional)(class_name=name, rows=1, columns=2).directions
        way = directions.step(0, 2) + directions.step(2, -1.5)
        assert torch.allclose(moved.latents[number], still.latents[number] + way, atol=1e-6)
        alone = conditional(seed=6 + number, classes=(name,), moves=(2, 0, -1.5, 0, 0))
        assert pixels(alone.images[0]) == pixels(moved.images[number]) != pixels(still.images[number])
    assert torch.equal(conditional(count=2, seed=6, moves=(0, 0)).latents, still.latents)


def test_every_latent_of_a_grid_moves_alike(pipe: DCGANPipeline) -> None:
    way = pipe(wide=2, high=3, moves=(1,)).latents - pipe(wide=2, high=3).latents
    assert torch.allclose(way, pipe.directions().step(0, 1).reshape(1, -1, 1, 1).expand_as(way), atol=1e-6)


def test_a_latent_space(conditional: DCGANPipeline) -> None:
    latents = conditional.latents_of([3, 4])
    assert latents.shape == (2, conditional.latent_size)
    assert torch.equal(conditional.decode(latents), conditional.decode(latents, torch.tensor([0, 0])))
    dogs = conditional.of_class("dog")
    assert torch.equal(dogs.decode(latents), conditional.decode(latents, torch.tensor([1, 1])))
    assert conditional.activations(latents).shape == dogs.activations(latents).shape == (2, 32 * 16)
    assert not torch.equal(conditional.activations(latents), dogs.activations(latents))
    assert conditional.encode(torch.zeros(1, 3, 64, 64)) is None
    moving = latents.clone().requires_grad_()
    conditional.decode(moving).square().sum().backward()
    assert moving.grad is not None and moving.grad.abs().max() > 0
    halfway = conditional.decode_mixed(latents, torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]))
    assert torch.equal(halfway[1:], conditional.decode(latents, torch.tensor([1, 1]))[1:])


def test_grey_pictures(model_folders: Path, tmp_path: Path) -> None:
    pipe = DCGANPipeline.from_pretrained(model_folders / "dcgan-grey", **LITTLE)
    result = pipe(count=4, grid=True, scale=2)
    assert result.images[0].mode == "L"
    assert result.save(tmp_path / "grey.webp").stat().st_size > 100


def test_stopping_keeps_what_was_made_with_its_recipe(pipe: DCGANPipeline, tmp_path: Path) -> None:
    result = pipe(count=9, grid=True, callback=lambda progress: progress.step == 4)
    assert not result.finished and result.recipe.parameters["count"] == 4 and result.seeds == (0, 1, 2, 3)
    result.save(tmp_path / "a.png")
    remake(tmp_path / "a.png", model=pipe.origin and pipe.origin.folder).save(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(pipe(count=9, callback=lambda progress: progress.step == 1).images) == 1


def test_progress(pipe: DCGANPipeline) -> None:
    seen: list[tuple[int, int]] = []

    def look(progress: Any) -> None:
        assert progress.preview().size == (64, 64) and math.isnan(progress.loss)
        seen.append((progress.step, progress.steps))

    pipe(count=3, callback=look)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_saved_and_loaded_again(pipe: DCGANPipeline, tmp_path: Path) -> None:
    pipe.save_pretrained(tmp_path / "copy")
    again = DCGANPipeline.from_pretrained(tmp_path / "copy", **LITTLE)
    assert again.model.sha256 == pipe.model.sha256
    assert pixels(again(seed=5).images[0]) == pixels(pipe(seed=5).images[0])


def test_a_network_that_was_never_in_a_folder_is_saved_too(pipe: DCGANPipeline, tmp_path: Path) -> None:
    made = DCGANPipeline(tiny_generator(), pipe.model, pipe.device)
    made.save_pretrained(tmp_path / "new")
    again = DCGANPipeline.from_pretrained(tmp_path / "new", **LITTLE)
    assert isinstance(again.network, Generator) and again(seed=1).images[0].size == (64, 64)


def test_where_pictures_go(pipe: DCGANPipeline, tmp_path: Path) -> None:
    pipe(count=2).save(tmp_path / "folder")
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["folder-0000.png", "folder-0001.png"]
    assert recipe_of(tmp_path / "folder" / "folder-0001.png").parameters["seed"] == 1
    pipe(count=1).save(tmp_path / "folder")
    with pytest.raises(OutputError, match=r"2 pictures do not go into one file, .*give the name of a folder, or ask"):
        pipe(count=2).save(tmp_path / "one.png")
    with pytest.raises(OutputError, match=r"expected a name that ends in \.png, .*, or a folder's"):
        pipe(count=2).save(tmp_path / "one.gif")
    with pytest.raises(OutputError, match="there is no folder"):
        pipe(count=2).save(tmp_path / "no" / "folder")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 0}, "count: should be greater than or equal to 1, got 0"),
        ({"count": 10_001}, "count: should be less than or equal to 10000"),
        ({"truncation": 0}, "truncation: should be greater than 0"),
        ({"truncation": math.nan}, "truncation: should be a finite number"),
        ({"seed": -1}, "seed: should be greater"),
        ({"wide": 0}, "wide: should be"),
        ({"moves": (1,) * 9}, "Expected at most 8 moves, one along each direction, got 9."),
        ({"moves": (0, 10.5)}, "moves.1: should be less than or equal to 10, got 10.5"),
        ({"moves": (math.nan,)}, "moves.0: should be"),
        ({"temperature": 1}, "unknown parameter 'temperature'"),
        ({"classes": ("cat",)}, "dcgan has no classes; leave cat out"),
        ({"wide": 128, "scale": 32}, "at most 16,000 on a side"),
        ({"count": 10_000, "grid": True, "scale": 8}, "at most 16,000 on a side"),
        ({"count": 10_000, "scale": 32}, "at most 1,000 are made at once"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(pipe: DCGANPipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        pipe(**options)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_an_unknown_class(conditional: DCGANPipeline) -> None:
    with pytest.raises(InputError, match=r"^dcgan-classes has no class 'cow'; it has cat, dog, owl\.$"):
        conditional(classes=("cow",))


@pytest.mark.parametrize("name", ["vgg19", "vae"])
def test_another_network(model_folders: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"^{name} is no dcgan but v"):
        DCGANPipeline.from_pretrained(name if name == "vgg19" else model_folders / name, **LITTLE)
