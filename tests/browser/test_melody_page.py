"""Melodies in real Chromium: composed, played and stopped by keyboard, begun with clicked notes, and kept."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from studio.media.scores import open_tune
from studio.melody import judge
from studio.music.melody import Melody, Note
from studio.music.originality import Index
from studio.music.theory import Key, Meter
from studio.networks.melody_lstm import MelodyLSTM
from studio.recipe import recipe_of
from studio.zoo import melody as zoo

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LONG = 120_000  # milliseconds
ROLL = "#melody-roll .roll"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
]

Browse = Callable[[str, str], AbstractContextManager["Page"]]


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page, with a small melody LSTM of random weights in the folder of models."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    scale = Melody(
        tuple(Note(62 + step, 24) for step in (0, 2, 4, 5, 7, 9, 11, 12)), Key.named("D"), Meter.named("4/4")
    )
    facts = {"typical": judge.typical([scale, scale.transposed(2)], [1.0, 2.0])}
    network = MelodyLSTM(zoo.shape(width=16, layers=1, dropout=0.0))
    zoo.save(folder / "tiny-melody", network, Index.build([scale], ["a scale"]), facts, "# tiny\n")
    return serve("-m", "studio", "app", "melody", STUDIO_MODELS=str(folder), STUDIO_DEVICE="cpu")


def place(page: Page) -> float:
    """Where the playhead is: its distance from the left, in pixels."""
    return float(page.get_attribute(f"{ROLL} line.head", "x1") or "nan")


def compose(page: Page, **settings: str) -> None:
    for name, value in settings.items():
        page.fill(f"#melody-{name} :is(input, textarea)", value)
    page.click("#melody-compose")
    page.wait_for_selector("#melody-stop:visible", timeout=LONG)
    page.wait_for_selector("#melody-compose:visible", timeout=LONG)
    page.wait_for_function(
        "document.querySelector('#melody-status').innerText.includes('bars in') && "
        "document.querySelector('#melody-mid')?.checkVisibility()",
        timeout=LONG,
    )


def kept(page: Page, form: str, folder: Path) -> Path:
    with page.expect_download() as expected:
        page.click(f"#melody-{form}")
    path = folder / expected.value.suggested_filename
    expected.value.save_as(path)
    return path


def choose_tiny(page: Page) -> None:
    page.click("#melody-model input")
    page.get_by_role("option", name="tiny-melody").click()


def test_compose_play_stop_begin_and_keep(address: str, browse: Browse, tmp_path: Path) -> None:
    with browse(address, "#melody-compose") as page:
        choose_tiny(page)
        compose(page, bars="8", count="3", seed="9007199254740993")
        assert page.locator("#melody-roll .choice button").count() == 3
        page.click("#melody-roll .choice button >> nth=1")
        page.wait_for_function("document.querySelector('#melody-roll .about').innerText.includes('740994')")

        page.focus(ROLL)
        beginning = place(page)
        page.keyboard.press("Space")
        page.wait_for_selector("#melody-roll .player.playing", timeout=LONG)
        before = place(page)
        page.wait_for_function(
            "x => Number(document.querySelector('#melody-roll line.head').getAttribute('x1')) > x + 10", arg=before
        )
        page.wait_for_selector("#melody-roll rect.sounding")
        page.keyboard.press("l")
        assert page.get_attribute("#melody-roll [data-do=loop]", "aria-pressed") == "true"
        page.keyboard.press("Space")
        page.wait_for_selector("#melody-roll .player:not(.playing)")
        stopped = place(page)
        page.wait_for_timeout(400)
        assert place(page) == stopped > before
        page.keyboard.press("Home")
        assert place(page) == beginning and page.get_attribute(ROLL, "aria-valuetext") == "bar 1 of 8, beat 1"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.get_attribute(ROLL, "aria-valuetext") == "bar 2 of 8, beat 2"
        path = kept(page, "mid", tmp_path)
        assert path.name == f"melody-{2**53 + 2}.mid" and recipe_of(path).parameters["seed"] == 2**53 + 2

        page.get_by_role("button", name="Begin with notes of your own").click()
        page.click("#melody-grid [data-column='0'][data-degree='0']")
        page.keyboard.press("Shift+ArrowRight")
        for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "Enter"):
            page.keyboard.press(key)
        page.click("#melody-hear")
        page.wait_for_selector("#melody-primer-roll .player.playing", timeout=LONG)
        compose(page, bars="4", count="1", seed="5")
        page.wait_for_function("document.querySelector('#melody-roll .about').innerText.includes('Seed 5')")
        path = kept(page, "mid", tmp_path)
        tune, recipe = open_tune(path).melody, recipe_of(path)
        assert tune.notes[:2] == (Note(62, 24), Note(66, 12)) and tune.bars == 4
        assert recipe.parameters["seed"] == 5 and recipe.inputs["primer"][0].name.startswith("primer-")
        for form in ("wav", "png"):
            assert recipe_of(kept(page, form, tmp_path)).parameters == recipe.parameters
        for form in ("svg", "abc"):
            assert "studio-recipe" in kept(page, form, tmp_path).read_text()

        page.get_by_role("button", name="Restore settings from a result").click()
        page.set_input_files("#melody-dropped input[type=file]", path)
        page.wait_for_function("document.querySelector('#melody-status').innerText.includes('Give again')")


def test_it_fits_a_telephone(address: str, browse: Browse) -> None:
    with browse(address, "#melody-compose") as page:
        choose_tiny(page)
        compose(page, bars="8", count="2")
        page.get_by_role("button", name="Begin with notes of your own").click()
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
