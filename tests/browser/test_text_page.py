"""Texts in real Chromium: streamed side by side, kept in a form, written together by keyboard, stopped, and kept."""

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

from studio.data.tokens import train_tokenizer
from studio.recipe import recipe_of
from studio.text.originality import Index
from studio.verse import checker, forms
from studio.verse.lexicon import Lexicon
from studio.zoo import causal_lm as zoo
from tests.training.test_text import VERSE

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LONG = 120_000  # milliseconds
OFFER = "#text-offers button:not([disabled])"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
]

Browse = Callable[[str, str], AbstractContextManager["Page"]]


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page, with a small GPT of random weights in the folder of models."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = zoo.build(layers=1, width=32, heads=2, context=64, vocabulary=400, dropout=0.0)
    tokenizer = train_tokenizer([VERSE], len(VERSE), 400)
    zoo.save_model(folder / "tiny-gpt", network, tokenizer, Index.build([VERSE]), {}, "# tiny\n")
    return serve("-m", "studio", "app", "text", STUDIO_MODELS=str(folder), STUDIO_DEVICE="cpu")


def choose_tiny(page: Page) -> None:
    page.click("#text-model input")
    page.get_by_role("option", name="tiny-gpt").click()


def write(page: Page, **settings: str) -> None:
    for name, value in settings.items():
        page.fill(f"#text-{name} :is(input[type=number], input:not([type]), input[type=text], textarea)", value)
    page.click("#text-write")
    page.wait_for_selector("#text-stop:visible", timeout=LONG)


def until_written(page: Page) -> None:
    page.wait_for_selector("#text-write:visible", timeout=LONG)
    page.wait_for_selector("#text-sheets .links a", timeout=LONG)


def draft_says(page: Page, words: str) -> None:
    script = "words => document.querySelector('#text-draft').innerText.includes(words)"
    page.wait_for_function(script, arg=words, timeout=LONG)


def kept(page: Page, called: str, folder: Path) -> Path:
    with page.expect_download() as expected:
        page.click(f"#text-sheets .links a:text-is('{called}')")
    path = folder / expected.value.suggested_filename
    expected.value.save_as(path)
    return path


def test_stream_stop_keep_and_restore(address: str, browse: Browse, tmp_path: Path) -> None:
    with browse(address, "#text-write") as page:
        choose_tiny(page)
        write(page, prompt="The owl of Rome", max_tokens="5000", count="3", seed="7")
        page.wait_for_function("document.querySelectorAll('#text-sheets .going').length === 3", timeout=LONG)
        lengths = "[...document.querySelectorAll('#text-sheets .text')].map(one => one.innerText.length)"
        page.wait_for_function(f"{lengths}.some(length => length > 60)", timeout=LONG)  # others may end by themselves
        page.click("#text-stop")
        page.wait_for_selector("#text-write:visible", timeout=LONG)
        page.wait_for_function("!document.querySelector('#text-sheets .going')", timeout=LONG)

        page.get_by_label("Haiku").check()
        page.wait_for_selector("#text-max_tokens", state="hidden")
        assert not page.is_visible("#text-letters") and not page.is_visible("#text-scheme")
        write(page, count="1", seed="7")
        until_written(page)
        poem = page.inner_text("#text-sheets .text")
        assert checker.score(poem, forms.haiku(), Lexicon.load()).passed
        assert "The form is kept" in page.inner_text("#text-sheets footer")
        page.focus("#text-sheets .tools button:text-is('Originality')")
        page.keyboard.press("Enter")
        assert "learnt from" in page.inner_text("#text-sheets footer")
        path = kept(page, "Text", tmp_path)
        assert path.name == "text-7.txt" and path.read_text().split() == poem.split()
        kept(page, "Recipe", tmp_path)
        assert recipe_of(path).parameters["form"] == "haiku"
        assert recipe_of(kept(page, "Page with recipe", tmp_path)).parameters["seed"] == 7

        page.get_by_label("Acrostic").check()
        page.wait_for_selector("#text-letters:visible")
        page.click("#text-write")
        page.wait_for_function(
            "document.querySelector('#text-status').innerText.includes('needs a word')", timeout=LONG
        )
        page.get_by_role("button", name="Restore settings from a result").click()
        page.set_input_files("#text-dropped input[type=file]", tmp_path / "text-7.txt.json")
        page.wait_for_function("document.querySelector('#text-status').innerText.includes('Settings restored')")
        assert page.get_by_role("radio", name="Haiku").is_checked() and not page.is_visible("#text-letters")


def test_write_together_by_keyboard(address: str, browse: Browse) -> None:
    with browse(address, "#text-write") as page:
        choose_tiny(page)
        page.get_by_label("Haiku").check()
        page.get_by_role("tab", name="Write together").click()
        page.click("#text-offer")
        page.wait_for_selector(OFFER, timeout=LONG)
        offered = page.locator("#text-offers button span").all_inner_texts()
        page.focus(OFFER)
        page.keyboard.press("2")
        draft_says(page, "1 of 3 lines")
        assert page.inner_text("#text-draft .text").strip() == offered[1]
        page.wait_for_selector(OFFER, timeout=LONG)
        page.click("#text-undo")
        page.wait_for_function("!document.querySelector('#text-draft').innerText.includes('1 of 3')", timeout=LONG)
        page.click("#text-redo")
        draft_says(page, "1 of 3 lines")
        page.fill("#text-own :is(input, textarea)", "The owl and the cat went home")
        page.keyboard.press("Enter")
        draft_says(page, "2 of 3 lines")
        page.wait_for_selector("#text-go-on:visible", timeout=LONG)
        page.wait_for_selector(OFFER, timeout=LONG)
        page.click("#text-go-on")
        draft_says(page, "3 of 3 lines")
        draft_says(page, "The form is")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
