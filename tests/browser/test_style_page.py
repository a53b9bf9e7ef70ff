"""The page of style transfer in real Chromium, as its user meets it: once through everything that it promises."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio.recipe import recipe_of
from studio.ui.samples import samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PAINTING_TIME = 90_000  # milliseconds

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
]


@pytest.fixture(scope="module")
def address(serve: Callable[..., str]) -> str:
    """The app as anyone starts it: `python apps/style_transfer.py`."""
    return serve("apps/style_transfer.py")


@pytest.fixture
def page(address: str, browse: Callable[[str, str], AbstractContextManager[Page]]) -> Iterator[Page]:
    """The page in a fresh browser."""
    with browse(address, "#start") as opened:
        yield opened


def test_paint_stop_download_and_restore(page: Page, tmp_path: Path) -> None:
    photograph, painting = (next(iter(samples(kind).values())).path for kind in ("content", "style"))
    page.set_input_files("#content input[type=file]", photograph)
    page.set_input_files("#style-1 input[type=file]", painting)
    page.wait_for_selector("#content img")
    page.wait_for_selector("#style-1 img")

    _fill(page, size="128", steps="12", seed="9007199254740993")
    page.click("#start")
    page.wait_for_selector("#stage [role=progressbar][aria-valuenow]")
    assert page.is_visible("#stop") and not page.is_visible("#start")
    first, seen = page.get_attribute("#stage img", "src"), [_percent(page)]
    page.wait_for_function("first => document.querySelector('#stage img')?.src !== first", arg=first)
    seen.append(_percent(page))
    assert seen == sorted(seen) and "left" in page.inner_text("#stage")
    page.wait_for_selector("#result:visible", timeout=PAINTING_TIME)
    assert "Done: 128 × " in page.inner_text("#status")

    recipe = recipe_of(_downloaded(page, tmp_path))
    assert recipe.parameters["seed"] == int(page.input_value("#field-seed input")) == 2**53 + 1
    assert recipe.inputs["content"][0].name == photograph.name
    assert recipe.inputs["content"][0].sha256 == hashlib.sha256(photograph.read_bytes()).hexdigest()

    page.click("#roll")
    page.wait_for_function("document.querySelector('#field-seed input').value !== '9007199254740993'")
    _fill(page, size="160", steps="5000")
    page.click("#start")
    page.wait_for_selector("#stage [role=progressbar][aria-valuenow]")
    page.click("#stop")
    page.wait_for_selector("#result:visible", timeout=PAINTING_TIME)
    assert "this is the best so far" in page.inner_text("#status")
    page.wait_for_selector("#start:visible")
    stopped = _downloaded(page, tmp_path)
    kept = recipe_of(stopped).parameters
    assert str(kept["seed"]) == page.input_value("#field-seed input") and 0 < sum(kept["steps_at_scales"]) < 5000

    _fill(page, size="999", steps="1", seed="5")
    page.get_by_role("button", name="Restore settings from a result").click()
    page.set_input_files("#dropped input[type=file]", stopped)
    page.wait_for_function("document.querySelector('#field-size input').value === '160'")
    assert page.input_value("#field-seed input") == str(kept["seed"])
    assert page.input_value("#field-steps input") == "5000"
    assert "Settings and pictures restored." in page.inner_text("#status")


def test_what_is_missing_is_said_on_the_page(page: Page) -> None:
    page.click("#start")
    page.wait_for_function("document.querySelector('#status').innerText.includes('There is no photograph yet')")
    page.wait_for_selector("#start:visible")
    page.get_by_role("button", name="Neuschwanstein Castle").click()
    page.wait_for_selector("#content img")
    page.click("#start")
    page.wait_for_function("document.querySelector('#status').innerText.includes('There is no painting yet')")


def test_closing_the_page_stops_its_work(page: Page, address: str) -> None:
    leaving = page.context.new_page()
    leaving.goto(address)
    for visitor, size, steps in ((leaving, "128", "5000"), (page, "64", "1")):
        visitor.get_by_role("button", name="Chelsea the cat").click()
        visitor.get_by_role("button", name="The Great Wave").click()
        visitor.wait_for_selector("#content img")
        visitor.wait_for_selector("#style-1 img")
        _fill(visitor, size=size, steps=steps)
        visitor.click("#start")
        if visitor is leaving:
            leaving.wait_for_selector("#stage [role=progressbar][aria-valuenow]")
            leaving.close()
    page.wait_for_selector("#result:visible", timeout=PAINTING_TIME)


def test_it_fits_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="More settings").click()
    page.get_by_role("button", name="Add a style").click()
    page.wait_for_selector("#weight-2:visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _fill(page: Page, **settings: str) -> None:
    for name, value in settings.items():
        page.fill(f"#field-{name} input", value)


def _percent(page: Page) -> float:
    return float(page.get_attribute("#stage [role=progressbar]", "aria-valuenow") or 0)


def _downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as expected:
        page.click("#download")
    name = expected.value.suggested_filename
    assert name.startswith("style-") and name.endswith(".png")
    expected.value.save_as(folder / name)
    return folder / name
