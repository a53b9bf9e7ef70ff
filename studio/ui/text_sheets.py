"""Sheets with texts on them, which fill while they are written; each can be copied, and says what it kept and copied.

    sheets = text_sheets("text-sheets")
    {sheets: laid([sheet("Seed 7", "The sea", going=True)])}

Its value is JSON; `text_sheets.js` lays it out. What others wrote is put there as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from studio.text.originality import Run
    from studio.verse.checker import Score

STYLESHEET = Path(__file__).with_suffix(".css")
UNKNOWN = "This model does not say what it learnt from."

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_SKELETON = '<div class="sheets" role="group" aria-label="Texts"></div>'


def text_sheets(name: str) -> gr.HTML:
    """A place for sheets, with none on it yet."""
    return gr.HTML({}, html_template=_SKELETON, js_on_load=_SCRIPT, elem_id=name, apply_default_css=False)


def laid(sheets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a place for sheets shows. Its value is this."""
    return {"sheets": list(sheets)}


def sheet(
    called: str,
    text: str,
    *,
    verse: bool = False,
    going: bool = False,
    note: str = "",
    form: Mapping[str, Any] | None = None,
    copied: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One text. verse: each line is one; going: more is to come; note: how it ended, in words.

    form: as `kept` gives it; copied: as `learnt` gives it; files: what it can be kept as → the file, in Gradio's cache.
    """
    links = [
        {"called": name, "name": Path(path).name, "file": {"path": path, "meta": {"_type": "gradio.FileData"}}}
        for name, path in (files or {}).items()
    ]
    return {"called": called, "text": text, "verse": verse, "going": going, "note": note,
            "form": form, "copied": copied, "files": links}  # fmt: skip


def kept(score: Score, missing: Sequence[str] = ()) -> dict[str, Any]:
    """How a text keeps its form, in words, and what is wrong with it."""
    words = "The form is kept." if score.passed else f"The form is kept to {min(99, int(score.share * 100))} %."
    guesses = f"By guess, as it is in no dictionary: {', '.join(score.guessed)}." if score.guessed else ""
    problems = [*score.problems, *(said for said in missing if said not in score.problems)]
    return {"kept": score.passed, "words": words, "problems": problems, "guesses": guesses}


def learnt(text: str, run: Run | None) -> dict[str, Any]:
    """The longest run of words that was learnt so: in words, and where it stands in the text, in UTF-16 as there."""
    if run is None:
        return {"words": UNKNOWN, "start": 0, "end": 0}
    if not run.words:
        return {"words": f"It shares {run.in_words()} in a row with what was learnt from.", "start": 0, "end": 0}
    start = _utf16(text[: run.start])
    return {
        "words": f"The longest run that also stands in what was learnt from: {run.words} words, marked.",
        "start": start,
        "end": start + _utf16(run.text),
    }


def _utf16(text: str) -> int:
    """The length of a text as browsers count it."""
    return len(text.encode("utf-16-le")) // 2
