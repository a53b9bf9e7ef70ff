"""A prompt as it stands in the text that goes on from it. Spaces at its end belong to the word that comes."""

from __future__ import annotations

from studio.media import text


def begun(prompt: str) -> str:
    """The text as far as the prompt is it."""
    return text.clean(prompt).rstrip(" ")


def joined(prompt: str, new: str) -> str:
    """The whole text, of a prompt and what was written after it."""
    start = begun(prompt)
    return (start + new if start else new.lstrip()).rstrip()
