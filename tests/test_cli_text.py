"""`studio text` as it is typed."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli import main
from studio.recipe import recipe_of
from tests.pipelines.test_text import model  # noqa: F401 (a fixture)

Said = pytest.CaptureFixture[str]


def test_a_text_is_printed_as_it_comes(model: Path, capsys: Said) -> None:  # noqa: F811
    typed = ["text", "--model", str(model), "--prompt", "The owl", "--max-tokens", "20", "--seed", "3"]
    assert main(typed) == 0
    first = capsys.readouterr()
    assert first.out.startswith("The owl") and len(first.out) > 12 and not first.err
    assert main([*typed, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["texts"] == [first.out.rstrip()] and facts["seeds"] == [3] and facts["finished"]
    assert facts["copied"][0]["words"] >= 0


def test_ctrl_c_leaves_what_was_printed(model: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def stream(*_: object, **__: object) -> Iterator[str]:
        yield "The owl"
        raise KeyboardInterrupt

    monkeypatch.setattr("studio.pipelines.text.TextPipeline.stream", stream)
    assert main(["text", "--model", str(model)]) == 130
    said = capsys.readouterr()
    assert said.out == "The owl" and said.err.strip() == "studio: stopped before it was finished."


def test_a_text_goes_into_a_file_with_its_recipe(model: Path, tmp_path: Path, capsys: Said) -> None:  # noqa: F811
    out, again = tmp_path / "haiku.txt", tmp_path / "again.txt"
    assert main(["text", "--model", str(model), "--form", "haiku", "--candidates", "4", "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}  ")
    assert len(out.read_text().splitlines()) == 3
    assert recipe_of(out).parameters["form"] == "haiku"
    assert main(["remake", str(out), "-o", str(again), "--model", str(model), "-q"]) == 0
    assert again.read_bytes() == out.read_bytes()
    assert main(["recipe", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pipeline"] == "text"


def test_a_file_of_prompts_becomes_a_folder_of_texts(model: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "prompts.txt").write_text("The owl\n\nThe cat\n")
    typed = ["text", "--model", str(model), "--prompts", str(tmp_path / "prompts.txt"), "--max-tokens", "5", "-q"]
    assert main([*typed, "-o", str(tmp_path / "poems")]) == 0
    texts = sorted((tmp_path / "poems").glob("*.txt"))
    assert [path.read_text()[:7] for path in texts] == ["The owl", "The cat"]


def test_prompts_that_are_no_utf8_are_counted(model: Path, tmp_path: Path, capsys: Said) -> None:  # noqa: F811
    place = tmp_path / "prompts.txt"
    place.write_bytes(b"The \xe9t\xe9\nThe cat\n")
    typed = ["text", "--model", str(model), "--prompts", str(place), "--max-tokens", "3"]
    assert main([*typed, "-o", str(tmp_path / "poems")]) == 0
    said = capsys.readouterr()
    texts = sorted((tmp_path / "poems").glob("*.txt"))
    assert [path.read_text()[:7] for path in texts] == ["The \ufffdt\ufffd", "The cat"]
    assert f"note: {place}: 2 characters were no UTF-8 and became \ufffd." in said.err


def test_prompts_that_are_no_text_are_refused(model: Path, tmp_path: Path, capsys: Said) -> None:  # noqa: F811
    for name, content, words in (
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text but a binary file"),
        ("b.txt", "The owl".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("c.txt", b" \n", "is empty"),
    ):
        (tmp_path / name).write_bytes(content)
        assert main(["text", "--model", str(model), "--prompts", str(tmp_path / name)]) == 2
        said = capsys.readouterr()
        assert words in said.err and said.err.count("\n") == 1 and not said.out


def test_prompts_may_come_from_a_pipe(model: Path, tmp_path: Path, capsys: Said) -> None:  # noqa: F811
    os.mkfifo(pipe := tmp_path / "pipe")
    threading.Thread(target=pipe.write_text, args=("The owl\nThe cat\n",)).start()
    assert main(["text", "--model", str(model), "--prompts", str(pipe), "--max-tokens", "3", "--json"]) == 0
    assert [text[:7] for text in json.loads(capsys.readouterr().out)["texts"]] == ["The owl", "The cat"]


def test_a_list_from_a_pipe_holds_for_every_text(model: Path, tmp_path: Path, capsys: Said) -> None:  # noqa: F811
    typed = ["text", "--model", str(model), "--max-tokens", "60", "--seed", "5", "--count", "2"]
    assert main(typed) == 0
    plain = capsys.readouterr().out.split("--------")
    word = max(re.findall(r"(?<![\w'-])[a-z]{3,}(?![\w'-])", plain[1]), key=len)
    os.mkfifo(pipe := tmp_path / "pipe")
    threading.Thread(target=pipe.write_text, args=(word,)).start()
    assert main([*typed, "--refused", str(pipe)]) == 0
    assert word not in re.findall(r"[a-z]+", capsys.readouterr().out.lower())


def test_stop_strings_may_hold_a_new_line(model: Path, capsys: Said) -> None:  # noqa: F811
    typed = ["text", "--model", str(model), "--prompt", "The owl", "--max-tokens", "200", "--seed", "1", "--json"]
    assert main([*typed, "--stop", "\\n", "--stop", "e"]) == 0
    text = json.loads(capsys.readouterr().out)["texts"][0].removeprefix("The owl")
    assert "\n" not in text and "e" not in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--temperature", "-1"], "temperature"),
        (["--temperature", "nan"], "temperature"),
        (["--stop", ""], "stop"),
        (["--prompt", "x" * 100_000], "prompt: String should have at most 50000 characters"),
        (["--form", "ode"], "form"),
        (["--form", "rhyme", "--scheme", "A1"], "scheme"),
        (["--form", "haiku", "--letters", "SEA"], "--letters is for --form acrostic, not haiku"),
        (["--original", "2"], "Expected 5 or more words"),
        (["--prompts", "none.txt"], "There is no file none.txt"),
        (["--refused", "none.txt"], "There is no file none.txt"),
        (["-o", "poem.mid"], "Cannot write poem.mid: expected a name that ends in .txt, .png"),
        (["--model", "nobody/nothing"], "it is not there and"),
    ],
)
def test_refusals_are_one_line(
    model: Path, options: list[str], words: str, capsys: Said, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["text", "--model", str(model), *options]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and not said.out
