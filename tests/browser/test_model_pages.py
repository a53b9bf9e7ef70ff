"""Training, GAN and VAE in real Chromium: a model is trained in the page, used at once, and walks as a film."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.pipelines.vae import VAEPipeline
from studio.recipe import recipe_of
from studio.zoo import vae as zoo

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LONG = 180_000  # milliseconds

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
]

Browse = Callable[[str, str], AbstractContextManager["Page"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a small VAE in it."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    config = VAEConfig(latent=16, width=8)
    zoo.save(folder / "tiny-vae", VAE(config), Mixture.standard(16), {}, "# tiny\n")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures."""
    folder = tmp_path_factory.mktemp("dots")
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    (folder / "small.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], home: Path) -> str:
    """All pages, as anyone starts them: `studio app`."""
    return serve("-m", "studio", "app", STUDIO_MODELS=str(home), STUDIO_DEVICE="cpu")


def test_train_use_and_walk(address: str, browse: Browse, home: Path, pictures: Path, tmp_path: Path) -> None:
    with browse(address, "button[role=tab]") as page:
        page.get_by_role("tab", name="Training").click()
        page.click("#look")
        page.wait_for_function("document.querySelector('#training-status').innerText.includes('no pictures yet')")
        page.fill("#folder :is(input, textarea)", str(pictures))
        page.fill("#model-name :is(input, textarea)", "dots")
        page.fill("#training-minutes :is(input, textarea)", "0.1")
        page.get_by_role("button", name="More settings").locator("visible=true").click()
        page.fill("#field-dcgan-batch_size input", "4")
        page.fill("#field-dcgan-width input", "8")
        page.click("#look")
        page.wait_for_selector(".report", timeout=LONG)
        report = page.inner_text(".report")
        assert "12 pictures used" in report and "small.png: unreadable" in report and "examples a second" in report
        page.click("#train")
        page.wait_for_selector("#stop-training:visible")
        page.wait_for_selector("#sheet img", timeout=LONG)
        page.reload()  # training goes on, and the page finds it again
        page.get_by_role("tab", name="Training").click()
        page.wait_for_selector("#sheet img", timeout=LONG)
        page.wait_for_selector("#use:visible", timeout=LONG)
        assert str(home / "dots") in page.inner_text("#training-status") and page.query_selector("#curves polyline")

        page.click("#use")
        page.wait_for_selector("#dcgan-make:visible")
        page.fill("#dcgan-count input", "4")
        page.fill("#dcgan-seed :is(input, textarea)", "9007199254740993")
        page.click("#dcgan-make")
        page.wait_for_selector("#dcgan-gallery img", timeout=LONG)
        with page.expect_download() as expected:
            page.click("#dcgan-download")
        expected.value.save_as(tmp_path / "sheet.png")
        recipe = recipe_of(tmp_path / "sheet.png")
        assert recipe.model.name == "dots" and recipe.parameters["seed"] == 2**53 + 1 and recipe.parameters["grid"]

        page.click("#dcgan-gallery button.thumbnail-item >> nth=2")
        page.wait_for_selector("#dcgan-picture img")
        before = page.get_attribute("#dcgan-picture img", "src")
        page.fill("#dcgan-direction-1 input[type=number]", "2.5")
        page.keyboard.press("Tab")
        page.wait_for_function(
            "src => document.querySelector('#dcgan-picture img').src !== src", arg=before, timeout=LONG
        )

        page.get_by_role("tab", name="Film").locator("visible=true").click()
        page.fill("#dcgan-film-seconds input", "1")
        page.locator("#dcgan-film").click()
        page.wait_for_selector("#dcgan-video video", timeout=LONG)
        page.wait_for_function("document.querySelector('#dcgan-video video').currentTime > 0.1")
        assert page.evaluate("document.querySelector('#dcgan-video video').videoWidth") == 256


def test_two_pictures_are_blended(address: str, browse: Browse, pictures: Path, tmp_path: Path) -> None:
    with browse(address, "button[role=tab]") as page:
        page.get_by_role("tab", name="VAE").click()
        page.get_by_role("tab", name="Blend").click()
        page.set_input_files("#vae-first input[type=file]", pictures / "0.png")
        page.set_input_files("#vae-second input[type=file]", pictures / "1.png")
        page.wait_for_selector("#vae-blend img", timeout=LONG)
        page.fill("#vae-way input[type=number]", "0.25")
        page.keyboard.press("Tab")
        page.wait_for_function("document.querySelector('#vae-blend-status').innerText.includes('25%')")
        with page.expect_download() as expected:
            page.click("#vae-blended")
        expected.value.save_as(tmp_path / "blend.png")
        recipe = recipe_of(tmp_path / "blend.png")
        assert [source.name for source in recipe.inputs["pictures"]] == ["0.png", "1.png"]
        assert recipe.parameters["weights"] == [0.75, 0.25]


def test_a_result_of_another_model_comes_back_with_its_classes(address: str, browse: Browse, tmp_path: Path) -> None:
    """Another model is shown when the page opens; what is restored changes the model and the classes at once."""
    pipe = VAEPipeline.from_pretrained("vae-glyphs", device="cpu", threads=1)
    made = pipe(seed=3, classes=("S",), scale=2).save(tmp_path / "s.png")
    with browse(address, "button[role=tab]") as page:
        page.get_by_role("tab", name="VAE").click()
        page.wait_for_function("document.querySelector('#vae-model input').value.includes('emoji')")
        page.get_by_role("button", name="Restore settings from a result").locator("visible=true").click()
        page.set_input_files("#vae-dropped input[type=file]", made)
        page.wait_for_function("document.querySelector('#vae-status').innerText.includes('restored')")
        page.wait_for_function("document.querySelector('#vae-model input').value.includes('glyphs')")
        page.wait_for_timeout(1500)  # what follows from the other model has come by then
        assert page.locator("#vae-classes [class*=token]").all_inner_texts()[0].strip() == "S"
        assert page.input_value("#vae-seed textarea, #vae-seed input") == "3"


@pytest.mark.parametrize("tab", ["GAN", "VAE", "Training"])
def test_it_fits_a_telephone(address: str, browse: Browse, tab: str) -> None:
    with browse(address, "button[role=tab]") as page:
        page.get_by_role("tab", name=tab).click()
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
