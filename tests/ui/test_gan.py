"""The page of the GAN over its real API, with a small random network behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from studio.cli import main
from studio.generation.parameters import DIRECTIONS, DCGANParameters
from studio.media.images import open_picture
from studio.pipelines.walk import WalkPipeline
from studio.recipe import recipe_of
from studio.remake import remake
from studio.ui import gan, models
from studio.ui.generator import GeneratorPage, columns_for
from studio.ui.studio import launch

Files = Callable[[Any], list[Path]]


@pytest.fixture(scope="module")
def gan_client(home: Path) -> Iterator[Client]:
    blocks = gan.build()
    yield Client(launch(blocks, block=False), verbose=False, analytics_enabled=False)
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def page(home: Path) -> GeneratorPage:
    with gr.Blocks():
        return gan.page()


def test_pictures_come_with_their_recipes_and_a_sheet_that_can_be_made_again(
    gan_client: Client, home: Path, files_in: Files, tmp_path: Path
) -> None:
    answer = gan_client.predict(model="tiny-gan", count=3, seed="9007199254740993", api_name="/dcgan_pictures")
    files = {path.name: path for path in files_in(answer)}
    sheet = files.pop(f"dcgan-sheet-{2**53 + 1}.png")
    assert sorted(files) == [f"dcgan-{2**53 + 1 + number}.png" for number in range(3)]
    for name, path in files.items():
        recipe = recipe_of(path)
        assert recipe.pipeline == "dcgan" and recipe.parameters["count"] == 1
        assert name == f"dcgan-{recipe.parameters['seed']}.png"
    again = remake(sheet, model=home / "tiny-gan").save(tmp_path / "again.png")
    assert again.read_bytes() == sheet.read_bytes()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 0}, "count: should be greater than or equal to 1, got 0"),
        ({"count": 5000}, "shows up to 400 pictures"),
        ({"truncation": "-1"}, "truncation: should be greater than 0, got -1"),
        ({"seed": "seven"}, "seed: should be a valid integer"),
        ({"classes": ["A"]}, "has no classes"),
        ({"model": "nobody/nothing"}, "There is no model 'nobody/nothing'"),
        ({"model": "tiny-vae"}, "There is no model 'tiny-vae'"),
        ({"model": None}, "There is no GAN here yet"),
    ],
)
def test_bad_values_get_a_plain_line(gan_client: Client, values: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError) as refused:
        gan_client.predict(**{"model": "tiny-gan", "count": 1, **values}, api_name="/dcgan_pictures")
    message = str(refused.value.message)
    assert words in message and "\n" not in message and "Traceback" not in message


def test_a_folder_may_be_typed_and_one_of_another_kind_is_refused(gan_client: Client, home: Path) -> None:
    gan_client.predict(model=str(home / "tiny-gan"), count=1, api_name="/dcgan_pictures")
    for folder in (home, home / "tiny-vae"):
        with pytest.raises(AppError, match=r"no model folder|of kind vae"):
            gan_client.predict(model=str(folder), count=1, truncation="1", api_name="/dcgan_pictures")


def test_a_walk_becomes_a_film_with_its_recipe(gan_client: Client, files_in: Files) -> None:
    answer = gan_client.predict(
        model="tiny-gan", seed="5", film_seconds=0.2, film_keyframes="2", film_scale=1, api_name="/dcgan_film"
    )
    film = next(path for path in files_in(answer) if path.suffix == ".mp4")
    recipe = recipe_of(film)
    assert recipe.pipeline == "walk" and recipe.parameters["seed"] == 5 and recipe.parameters["keyframes"] == 2
    restored = json.dumps(gan_client.predict(file=handle_file(film), api_name="/dcgan_restore"), default=str)
    assert "Settings restored." in restored and "tiny-gan" in restored and "led through pictures" not in restored
    with pytest.raises(AppError, match="at least 2 of them"):
        gan_client.predict(model="tiny-gan", film_keyframes="1", api_name="/dcgan_film")


def test_only_results_of_its_own_are_restored(gan_client: Client, picture: Callable[..., Path]) -> None:
    with pytest.raises(AppError, match=r"^picture\.png carries no recipe"):
        gan_client.predict(file=handle_file(picture()), api_name="/dcgan_restore")


def test_the_bench_moves_a_picture_along_directions(page: GeneratorPage, home: Path, tmp_path: Path) -> None:
    bench = page.bench
    alone = {"model": str(home / "tiny-gan"), "parameters": DCGANParameters(seed=4, truncation=1.5).to_dict()}
    still = bench.move(alone, *[0.0] * DIRECTIONS)
    moved = bench.move(alone, 3.0, 0.0, -1.5, *[0.0] * (DIRECTIONS - 3))
    first, second = (Path(changed[bench.download].value["path"]) for changed in (still, moved))
    assert recipe_of(first).parameters["seed"] == 4
    assert open_picture(first).image.tobytes() != open_picture(second).image.tobytes()
    assert recipe_of(first).parameters["moves"] == [] and recipe_of(second).parameters["moves"] == [3.0, 0.0, -1.5]
    again = remake(second, model=home / "tiny-gan").save(tmp_path / "again.png")
    assert again.read_bytes() == second.read_bytes()
    typed = ["--seed", "4", "--truncation", "1.5", "--moves", "3,0,-1.5", "--quiet"]
    assert main(["image", str(home / "tiny-gan"), "-o", str(tmp_path / "typed.png"), *typed]) == 0
    assert (tmp_path / "typed.png").read_bytes() == second.read_bytes()
    shares = [change.info for change in bench.tell_shares(alone)]
    assert len(shares) == DIRECTIONS and all("%" in share for share in shares)


def test_a_picture_made_with_moves_lies_on_the_bench_as_it_is(page: GeneratorPage, home: Path) -> None:
    bench = page.bench
    made = {"model": str(home / "tiny-gan"), "parameters": DCGANParameters(seed=4, moves=(0.5, -4.0)).to_dict()}
    picked = bench.pick(gr.SelectData(None, {"index": 0, "value": None}), [made])
    assert [picked[slider].value for slider in bench.sliders] == [0.5, -4.0, *[0.0] * (DIRECTIONS - 2)]
    assert picked[bench.sliders[0]].maximum == 4.0
    assert recipe_of(Path(picked[bench.download].value["path"])).parameters == made["parameters"]
    back = bench.back(made)
    assert recipe_of(Path(back[bench.download].value["path"])).parameters["moves"] == []
    with pytest.raises(gr.Error, match=r"moves\.0: should be less than or equal to 10"):
        bench.move(made, 11.0)


def test_help_names_no_kind_on_a_page_of_one_kind(page: GeneratorPage) -> None:
    told = [str(getattr(made, "info", "")) for made in page.settings.values()]
    assert any("more alike." in text for text in told) and not any("(DCGAN)" in text for text in told)


def test_without_any_model_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "shelf", lambda: models.Shelf(tmp_path / "nowhere"))
    monkeypatch.setattr("studio.hub.shipped", list)
    with gr.Blocks():
        page = gan.page()
    assert page.model.value is None
    assert "train one on the page Training" in page._opened(None)[1]


def test_the_gallery_is_about_square() -> None:
    assert [columns_for(count, None) for count in (1, 4, 16, 100, 400)] == [1, 3, 4, 8, 8]
    assert columns_for(12, 6) == 6


def test_a_film_comes_back_with_how_it_moves(page: GeneratorPage, home: Path, tmp_path: Path) -> None:
    walk = WalkPipeline.from_pretrained(home / "tiny-gan", device="cpu", threads=1)
    chosen = {"seconds": 0.2, "fps": 12, "kind": "slerp", "ease": True, "scale": 2, "keyframes": 2}
    film = walk(**chosen).save(tmp_path / "film.mp4")
    changed = page._restored(film)
    assert {name: changed[made] for name, made in page.film.settings.items()} == {**chosen, "keyframes": "2"} | {
        "loop": True
    }
    assert page.settings["scale"] not in changed, "that is how large pictures are"
    assert changed[page.another_seed] is False
    led = walk(**chosen, pictures=[Image.new("RGB", (64, 64), name) for name in ("red", "blue")], search_steps=0)
    assert "It led through pictures" in changed_status(page, led.save(tmp_path / "led.mp4"))


def changed_status(page: GeneratorPage, path: Path) -> str:
    return str(page._restored(path)[page.status])


def test_a_sheet_that_would_be_too_large_is_not_made(gan_client: Client, files_in: Files) -> None:
    asked = {"model": "tiny-gan", "count": 9, "columns": "9", "scale": 32, "wide": 4}
    answer = gan_client.predict(**asked, api_name="/dcgan_pictures")
    assert len(files_in(answer)) == 9 and "A sheet of them would be too large" in str(answer)
