"""VAE: pictures by seeds, and pictures that went through it; every file made again from its recipe."""

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
from studio.errors import InputError, ModelError
from studio.generation.layout import enlarged
from studio.generation.parameters import BlendParameters, VAEParameters
from studio.latent.interpolation import slerp
from studio.pipelines.generators import fitting, load_generator
from studio.pipelines.inputs import opened, to_square
from studio.pipelines.vae import VAEPipeline
from studio.recipe import recipe_of
from studio.remake import remake

Maker = Callable[..., Path]
LITTLE: dict[str, Any] = {"device": "cpu", "threads": 1}
CLASSES = ("cat", "dog", "owl")


@pytest.fixture(scope="session")
def pipe(model_folders: Path) -> VAEPipeline:
    return VAEPipeline.from_pretrained(model_folders / "vae", **LITTLE)


@pytest.fixture(scope="session")
def conditional(model_folders: Path) -> VAEPipeline:
    return VAEPipeline.from_pretrained(model_folders / "vae-classes", **LITTLE)


def pixels(image: Image.Image) -> bytes:
    return image.tobytes()


def test_a_picture_does_not_depend_on_its_company(conditional: VAEPipeline) -> None:
    many = conditional(count=5, seed=10, temperature=0.7)
    for number in range(5):
        alone = conditional(seed=10 + number, classes=(CLASSES[number % 3],), temperature=0.7)
        assert pixels(alone.images[0]) == pixels(many.images[number])
        assert torch.equal(alone.latents[0], many.latents[number])


def test_temperature_leads_away_from_the_middle_of_a_part(pipe: VAEPipeline) -> None:
    cold, warm, hot = (pipe.draw(3, VAEParameters(temperature=t)) for t in (0.0, 1.0, 2.0))
    assert any(torch.equal(cold, mean) for mean in pipe.prior.means)
    assert torch.allclose(hot - cold, 2 * (warm - cold), atol=1e-5)


def test_seeds_reach_every_part_of_the_prior_as_often_as_it_weighs(pipe: VAEPipeline) -> None:
    drawn = torch.stack([pipe.draw(seed, VAEParameters(temperature=0.0)) for seed in range(600)])
    shares = [(drawn == mean).all(1).float().mean().item() for mean in pipe.prior.means]
    assert shares == pytest.approx(pipe.prior.weights.tolist(), abs=0.06)


parameters = st.builds(
    VAEParameters,
    count=st.integers(1, 3),
    seed=st.integers(0, 2**63 - 1),
    classes=st.lists(st.sampled_from(CLASSES), max_size=4).map(tuple),
    grid=st.booleans(),
    columns=st.none() | st.integers(1, 9),
    scale=st.integers(1, 2),
    temperature=st.floats(0, 4),
    moves=st.just(()) | st.lists(st.floats(-10, 10), max_size=8).map(tuple),
)


@given(chosen=parameters)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_is_made_again_from_itself(conditional: VAEPipeline, tmp_path: Path, chosen: VAEParameters) -> None:
    conditional(parameters=chosen).save(
        tmp_path / "many" if chosen.count > 1 and not chosen.grid else tmp_path / "a.png"
    )
    made = sorted((tmp_path / "many").glob("*.png")) if chosen.count > 1 and not chosen.grid else [tmp_path / "a.png"]
    for path in made[: chosen.count]:
        remake(path, model=conditional.origin and conditional.origin.folder).save(tmp_path / "again.png")
        assert (tmp_path / "again.png").read_bytes() == path.read_bytes()


blends = st.builds(
    BlendParameters,
    weights=st.just(()) | st.tuples(st.floats(0, 10), st.floats(0.1, 10), st.floats(0, 10)),
    steps=st.just(1),
    classes=st.lists(st.sampled_from(CLASSES), max_size=4).map(tuple),
    scale=st.integers(1, 2),
    background=st.sampled_from(["white", "#102030"]),
)


@given(chosen=blends)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_blend_is_made_again_from_itself(
    conditional: VAEPipeline, picture: Maker, tmp_path: Path, chosen: BlendParameters
) -> None:
    inputs = [picture("a.png", seed=1), picture("b.jpg", size=(90, 40), seed=2), picture("c.png", seed=3, mode="RGBA")]
    conditional.blend(inputs, parameters=chosen).save(tmp_path / "out.png")
    remake(tmp_path / "out.png", model=conditional.origin and conditional.origin.folder).save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_a_reconstruction_is_the_picture_through_encoder_and_decoder(
    conditional: VAEPipeline, picture: Maker, tmp_path: Path
) -> None:
    paths = [picture("a.png", seed=1), picture("b.png", seed=2)]
    result = conditional.reconstruct(paths, classes=("dog",), scale=2)
    for number, path in enumerate(paths):
        square = to_square(opened(path).image, 64, 3)[None]
        with conditional.device.computing(), torch.no_grad():
            latents = conditional.encode(square, torch.tensor([1]))
            made = to_pictures(conditional.decode(latents, torch.tensor([1])))[0]
        assert torch.equal(result.latents[number], latents[0])
        assert pixels(result.images[number]) == pixels(enlarged(made, 2))
    assert [recipe.inputs["pictures"][0].name for recipe in result.recipes] == ["a.png", "b.png"]
    result.save(tmp_path / "both")
    remake(tmp_path / "both" / "both-0001.png", folders=[tmp_path], model=conditional.origin.folder).save(  # type: ignore[union-attr]
        tmp_path / "again.png"
    )
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "both" / "both-0001.png").read_bytes()
    assert pixels(conditional.denoise(paths[0], classes=("dog",), scale=2).images[0]) == pixels(result.images[0])


def test_blends_lie_on_the_way_between(pipe: VAEPipeline, picture: Maker) -> None:
    one, other = picture("a.png", seed=1), picture("b.png", seed=2)
    first, second = pipe.reconstruct([one, other]).latents
    assert torch.allclose(pipe.blend([one, other], t=0).latents[0], first, atol=1e-5)
    assert torch.allclose(pipe.blend([one, other], t=1).latents[0], second, atol=1e-5)
    assert torch.allclose(pipe.blend([one, other], weights=(3, 1)).latents[0], slerp(first, second, 0.25), atol=1e-5)
    strip = pipe.blend([one, other], steps=5)
    assert strip.images[0].size == (5 * 66 - 2, 64) and strip.latents.shape == (5, 16)
    assert torch.allclose(strip.latents[1], slerp(first, second, 0.25), atol=1e-5)
    assert pipe.recipe(BlendParameters(), strip.recipe.inputs).inputs["pictures"][0].name == "a.png"


def test_pictures_from_memory_are_found_by_their_pixels(pipe: VAEPipeline, picture: Maker, tmp_path: Path) -> None:
    path = picture("a.png", seed=1)
    with Image.open(path) as image:
        pipe.reconstruct(image).save(tmp_path / "out.png")
    assert recipe_of(tmp_path / "out.png").inputs["pictures"][0].name == ""
    remake(tmp_path / "out.png", model=pipe.origin and pipe.origin.folder).save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_grey_pictures(model_folders: Path, picture: Maker) -> None:
    pipe = VAEPipeline.from_pretrained(model_folders / "vae-grey", **LITTLE)
    assert pipe(count=2, grid=True).images[0].mode == "L"
    assert pipe.reconstruct(picture()).images[0].mode == "L"


def test_saved_and_loaded_again(pipe: VAEPipeline, tmp_path: Path) -> None:
    made = VAEPipeline(pipe.network, pipe.prior, pipe.model, pipe.device)
    made.save_pretrained(tmp_path / "new")
    again = VAEPipeline.from_pretrained(tmp_path / "new", **LITTLE)
    assert pixels(again(seed=5).images[0]) == pixels(pipe(seed=5).images[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": (1,)}, "Expected 2 weights for 2 pictures, one of them above 0; got 1.0."),
        ({"weights": (0, 0)}, "Expected 2 weights for 2 pictures, one of them above 0; got 0.0, 0.0."),
        ({"t": 2}, "Expected t from 0 to 1 between two pictures, got 2 and 2 pictures."),
        ({"steps": 0}, "steps: should be greater than or equal to 1"),
        ({"steps": 1000}, "at most 16,000 on a side"),
        ({"steps": 8, "weights": (9, 1)}, "whatever their weights; leave out steps or weights"),
        ({"classes": ("cat",)}, "vae has no classes; leave cat out."),
        ({"background": "loud"}, "Unknown colour 'loud'"),
    ],
)
def test_blends_that_cannot_be_made(pipe: VAEPipeline, picture: Maker, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        pipe.blend([picture("a.png"), picture("b.png")], **options)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_nothing_to_blend(pipe: VAEPipeline, picture: Maker, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one picture to blend"):
        pipe.blend([])
    with pytest.raises(InputError, match="at least one picture to reconstruct"):
        pipe.reconstruct([])
    with pytest.raises(InputError, match="A way needs at least two pictures"):
        pipe.blend([picture()], steps=2)
    with pytest.raises(InputError, match="There is no file"):
        pipe.reconstruct(tmp_path / "none.png")


def test_a_model_by_its_name(model_folders: Path) -> None:
    assert load_generator(model_folders / "vae", **LITTLE).title == "VAE"
    assert load_generator(model_folders / "dcgan", **LITTLE).title == "DCGAN"
    with pytest.raises(ModelError, match=r"^vgg19 is a vgg and makes no pictures by itself; expected a model of kind"):
        load_generator("vgg19")


def test_options_of_the_other_kind(pipe: VAEPipeline, model_folders: Path) -> None:
    from studio.generation.parameters import ImageParameters

    assert fitting(pipe, ImageParameters(seed=3, temperature=0.5)) == VAEParameters(seed=3, temperature=0.5).to_dict()
    with pytest.raises(InputError, match=r"^vae is a VAE, which has no wide \(--wide\); leave it out\.$"):
        fitting(pipe, ImageParameters(wide=2))
    with pytest.raises(InputError, match=r"^dcgan is a DCGAN, which has no temperature \(--temperature\)"):
        fitting(load_generator(model_folders / "dcgan", **LITTLE), ImageParameters(temperature=0.5))
