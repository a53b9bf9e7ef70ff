"""The app as anyone starts it, and Chromium to look at it with."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

Serve = Callable[..., str]
Browse = Callable[[str, str], "contextlib.AbstractContextManager[Page]"]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start `python …` and give the address of the page that it serves; `settings` go into its environment."""
    with contextlib.ExitStack() as apps:

        def start(*command: str, **settings: str) -> str:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            log = tmp_path_factory.mktemp("app") / "log.txt"
            environment = {
                **os.environ,
                "GRADIO_SERVER_PORT": str(port),
                "GRADIO_TEMP_DIR": str(tmp_path_factory.mktemp("uploads")),
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                **settings,
            }
            lines = apps.enter_context(log.open("w"))
            app = subprocess.Popen(
                [sys.executable, *command], stdout=lines, stderr=subprocess.STDOUT, env=environment, cwd=ROOT
            )
            apps.callback(app.wait, 20)
            apps.callback(app.terminate)
            url = f"http://127.0.0.1:{port}/"
            _wait_for(url, app, log)
            return url

        yield start


@pytest.fixture
def browse() -> Browse:
    """A page in a fresh browser; it may ask no other host for anything, and leave no errors in its console."""

    @contextlib.contextmanager
    def opened(address: str, ready: str) -> Iterator[Page]:
        from playwright.sync_api import sync_playwright

        hosts: set[str | None] = set()
        complaints: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(20_000)
            page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
            page.on("websocket", lambda channel: hosts.add(urlsplit(channel.url).hostname))
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
            page.wait_for_selector(ready)
            yield page
            browser.close()
        assert hosts - {None} == {"127.0.0.1"}  # data: and blob: have no host
        assert not complaints

    return opened


def _wait_for(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and app.poll() is None:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            time.sleep(0.3)
    raise AssertionError(f"The app did not start:\n{log.read_text()}")
