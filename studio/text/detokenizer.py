"""Tokens → text as they come, whole characters only, the same text as when all of them are decoded at once."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from tokenizers import Tokenizer

_BROKEN = "\N{REPLACEMENT CHARACTER}"
_LONGEST = 4  # bytes of a character in UTF-8


class Detokenizer:
    """The text of tokens that come one by one. Special tokens are not printed.

    What a token adds is given out with the token that completes its last character; half a character at the end, or
    bytes that are none, become U+FFFD. A tokenizer of bytes (GPT-2's kind) is read byte by byte; another one is asked
    for the text of the last tokens with and without the new one.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        """before: tokens that the text goes on from, which are not given out."""
        self._tokens = _Vocabulary(tokenizer)
        self._bytes = b""
        self._past, self._new = self._tokens.ending(before), list[int]()

    def begin(self, before: Sequence[int] = ()) -> Detokenizer:
        """Another of the same tokenizer, for another text."""
        begun = self.copy()
        begun._bytes, begun._past, begun._new = b"", self._tokens.ending(before), []
        return begun

    def copy(self) -> Detokenizer:
        """Another that goes on from here by itself."""
        copied = Detokenizer.__new__(Detokenizer)  # several times quicker than copy.copy, and made with every token
        copied._tokens, copied._bytes = self._tokens, self._bytes
        copied._past, copied._new = list(self._past), list(self._new)
        return copied

    def push(self, token: int) -> str:
        """The next token  →  the characters that are complete now."""
        if self._tokens.of_bytes:
            whole = None if self._bytes else self._tokens.whole(token)
            return self._of_bytes(self._bytes + self._tokens.bytes_of(token), last=False) if whole is None else whole
        if token in self._tokens.special:
            return ""
        self._new.append(token)
        text = self._difference()
        if not text or (text.endswith(_BROKEN) and len(self._new) < _LONGEST):
            return ""
        self._past, self._new = self._new, []
        return text

    def finish(self) -> str:
        """What is left at the end: a character that never became whole."""
        if self._tokens.of_bytes:
            return self._of_bytes(self._bytes, last=True)
        text = self._difference() if self._new else ""
        self._past, self._new = self._new or self._past, []
        return text

    def _of_bytes(self, found: bytes, *, last: bool) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(found, last)
        self._bytes = decoder.getstate()[0]
        return text

    def _difference(self) -> str:
        before = self._tokens.decode(self._past)
        return self._tokens.decode([*self._past, *self._new])[len(before) :]


class _Vocabulary:
    """What tokens are, looked up once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        added = tokenizer.get_added_tokens_decoder()
        self._tokenizer = tokenizer
        self._added = {token: b"" if one.special else one.content.encode() for token, one in added.items()}
        self.special = {token for token, one in added.items() if one.special}
        self.of_bytes = type(tokenizer.decoder).__name__ == "ByteLevel"
        self._letters = {letter: value for value, letter in _letters().items()}
        self._known: dict[int, bytes] = {}
        self._whole: dict[int, str | None] = {}

    def whole(self, token: int) -> str | None:
        """What a token of bytes stands for by itself, or None where that is not whole characters."""
        if token not in self._whole:
            try:
                self._whole[token] = self.bytes_of(token).decode()
            except UnicodeDecodeError:
                self._whole[token] = None
        return self._whole[token]

    def bytes_of(self, token: int) -> bytes:
        """What a token of bytes stands for; nothing for a special one."""
        if token not in self._known:
            if token in self._added:
                self._known[token] = self._added[token]
            else:
                self._known[token] = self._translated(self._tokenizer.id_to_token(token) or "")
        return self._known[token]

    def ending(self, tokens: Sequence[int]) -> list[int]:
        """The last few tokens, cut where a character begins."""
        for size in range(1, min(len(tokens), 2 * _LONGEST) + 1):
            text = "" if self.of_bytes else self.decode(tokens[-size:])
            if text and _BROKEN not in text:
                return list(tokens[-size:])
        return []

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _translated(self, letters: str) -> bytes:
        values = [self._letters.get(letter) for letter in letters]
        if None in values:  # as the tokenizers library does: a token with a letter of no byte is text
            return letters.encode()
        return bytes(value for value in values if value is not None)


def _letters() -> dict[int, str]:
    """GPT-2's letter for each byte: itself where it is printable, else one from 256 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [value for value in range(256) if value not in set(plain)]
    return {value: chr(value) for value in plain} | {value: chr(256 + place) for place, value in enumerate(others)}
