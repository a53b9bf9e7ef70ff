"""The front door: who may come in, and what it is made of."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import gradio as gr
import httpx
import pytest

from studio.errors import InputError
from studio.style.parameters import StyleTransferParameters
from studio.ui import samples, shell, style_transfer
from studio.ui.studio import _free_port, _is_this_machine, build_studio, launch


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "example.org", "", "127.0.0.1.example.org"])
def test_a_public_host_is_refused_without_a_login(host: str) -> None:
    with pytest.raises(InputError, match="without a login") as refused:
        launch(gr.Blocks(), host=host)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("auth", [("", ""), ("me", ""), ("", "secret")])
def test_an_empty_login_is_none(auth: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="name and a password"):
        launch(gr.Blocks(), host="0.0.0.0", auth=auth)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_this_machine_is_known(host: str) -> None:
    assert _is_this_machine(host)


def test_a_taken_port_is_said_and_the_default_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} is taken"):
            _free_port("127.0.0.1", port)
        monkeypatch.setattr("studio.ui.studio.PORT", port)
        assert _free_port("127.0.0.1", None) > port


def test_a_port_in_the_environment_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", "many")
    with pytest.raises(InputError, match="GRADIO_SERVER_PORT"):
        _free_port("127.0.0.1", None)


def test_a_login_is_asked_for(random_pipeline: object) -> None:
    with shell.Shell("Studio") as blocks:
        gr.Markdown("inside")
    try:
        address = launch(blocks, auth=("me", "secret"), block=False)
        assert httpx.get(f"{address}config").status_code == 401
    finally:
        blocks.close(verbose=False)


def test_all_pages_stand_behind_the_door_and_nothing_is_loaded_yet() -> None:
    config = build_studio().get_config_file()
    labels = [component["props"].get("label") for component in config["components"]]
    assert style_transfer.TITLE in labels and "Photograph" in labels


def test_every_field_has_its_widget_on_the_page() -> None:
    config = style_transfer.build().get_config_file()
    ids = {component["props"].get("elem_id") for component in config["components"]}
    fields = {f"field-{name}" for name, _ in StyleTransferParameters.fields()}
    assert fields - ids == {"field-style_weights"} and {"weight-1", "weight-4"} <= ids


def test_the_page_names_nothing_outside(address: str) -> None:
    theme = httpx.get(f"{address}theme.css").text
    assert not re.search(r"url\(.?(https?:|//)|@import", theme)
    page = httpx.get(address).text
    served = json.dumps(httpx.get(f"{address}config").json())
    assert "fonts.googleapis" not in page + served and "cdnjs" not in page + served


def test_files_outside_the_samples_are_not_served(address: str) -> None:
    sample = next(iter(samples.samples("content").values())).path
    assert httpx.get(f"{address}gradio_api/file={sample}").status_code == 200
    for path in (Path(__file__), Path("/etc/passwd"), samples.samples_folder().parent / "README.md"):
        assert httpx.get(f"{address}gradio_api/file={path}").status_code in (403, 404)


def test_samples_have_titles_and_files() -> None:
    paintings = samples.samples("style")
    assert "The Great Wave off Kanagawa, Katsushika Hokusai" in {sample.title for sample in paintings.values()}
    assert all(sample.path.is_file() for sample in paintings.values()) and samples.samples("content")


def test_only_uploaded_files_are_taken(tmp_path: Path) -> None:
    inside = tmp_path / "cache" / "a.png"
    assert shell.uploaded({"path": str(inside)}, str(tmp_path / "cache")) == inside
    assert shell.uploaded(None, str(tmp_path)) is None
    outside = {"path": str(tmp_path / "cache" / ".." / "b.png")}
    for value in ({"path": "/etc/passwd"}, outside, {"url": "data:,"}, "/etc/passwd", [1]):
        with pytest.raises(InputError, match="uploaded file"):
            shell.uploaded(value, str(tmp_path / "cache"))
