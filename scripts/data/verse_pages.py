"""From a stream of lines to documents of verse: what is kept of it, joined, parted into stanzas and poems."""

from __future__ import annotations

import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from stanzas import Lines, breaks, fits, strengths
from verse_lines import COMPOUND, TOKEN, Voices, plain

WINDOW = 4  # lines before and after one that help to judge it
CAPITALS, KNOWN, FOREIGN_WORDS, RHYMED, REGULAR, STEADY = 0.7, 0.9, 0.22, 0.4, 0.7, 0.75
LEAST = 6  # lines of a document
LARGEST = 60  # lines of a document that one refused word takes with it; of a longer one it takes this many around it
GAP = 4  # lines between kept ones that are kept with them
STOPS = (".", "!", "?", '"', "'", ")")
TWINS = 400  # lines: the same two lines so near are a refrain, farther apart the same poem twice

Document = list[str]  # lines; "" parts stanzas


class Pages:
    """Takes lines source by source, keeps those that are verse and new, counts what it leaves out and why."""

    def __init__(self, voices: Voices) -> None:
        self.voices = voices
        self.left_out: Counter[str] = Counter()
        self.kept = 0
        self.seen: dict[int, int] = {}
        self.read = 0

    def take(self, lines: Iterable[str]) -> Iterator[Document]:
        """Documents of verse of one source. A form feed in the lines parts what does not belong together."""
        lines, begins = self.cleaned(lines)
        lines, begins = joined(lines, begins)
        if not lines:
            return
        marks = self.measured(lines)
        whole = Lines(marks["syllables"], marks["rhymes"], marks["ends"])
        rhyming = strengths(whole)
        keep = self.judged(marks, rhyming)
        scores = fits(whole, rhyming)
        for start, stop in runs(keep & ~self.twice(lines, keep), begins):
            if stop - start < LEAST:
                self.left_out["lines alone"] += stop - start
                continue
            page = Lines(*(part[start:stop] for part in (marks["syllables"], marks["rhymes"], marks["ends"])))
            blank, poem = breaks(page, scores[start:stop])
            refused = marks["refused"][start:stop]
            for first, last in parts(poem, stop - start):
                for one, other in self.decent(refused, first, last):
                    if other - one < LEAST:
                        self.left_out["lines alone"] += other - one
                        continue
                    self.kept += other - one
                    document: Document = []
                    for place in range(one, other):
                        if place in blank and place > one:
                            document.append("")
                        document.append(lines[start + place])
                    yield document

    def know(self, lines: list[str]) -> None:
        """Remember lines that another source has given, so that they do not come twice."""
        bare = [fingerprint(line) for line in lines]
        for one, other in itertools.pairwise(bare):
            self.seen.setdefault(one << 32 | other, self.read - TWINS)

    def refuses(self, line: str) -> bool:
        words = TOKEN.findall(line) + COMPOUND.findall(line)
        return any(self.voices.sound(word).refused for word in words)

    def cleaned(self, raw: Iterable[str]) -> tuple[list[str], list[bool]]:
        """Plain lines, "" where something was left out, and whether a poem begins with each."""
        lines, begins = [], []
        for text in raw:
            line, first = plain(text)
            if not line:
                self.left_out["heads, notes and numbers"] += 1
                if lines and lines[-1] and not lines[-1].endswith(STOPS):
                    continue  # the head of a page: the sentence goes on after it
            lines.append(self.voices.calm(line))
            begins.append(first)
        return lines, begins

    def measured(self, lines: list[str]) -> dict[str, np.ndarray]:
        """Per line: syllables, rhyme row, end, share of words known, foreign words, words, capital, refused."""
        names = ("syllables", "known", "foreign", "refused", "words", "capital", "ends", "row")
        kinds = (np.int16, np.int16, np.float32, bool, np.int16, bool, np.int8, np.int32)
        columns: tuple[list[float], ...] = tuple([] for _ in names)
        sounds, sound = self.voices.sounds, self.voices.sound
        for line in lines:
            words = TOKEN.findall(line)
            syllables, known, foreign, refused = 0, 0, 0.0, False
            for word in words:
                one = sounds.get(word) or sound(word)
                syllables += one[0]
                known += one[1]
                foreign += one[2]
                refused |= one[3]
            if "-" in line:
                refused = refused or self.refuses(line)
            tail = line.rstrip("\"') ")[-1:]
            capital = line[:1].isupper() or line.lstrip("'\"(-. ")[:1].isupper() or line[:1] == "'"
            end = 2 if tail in (".", "!", "?") else 1 if tail in (";", ":", "-") else 0
            row = self.voices.end(words[-1] if words else "")
            values = (syllables, known, foreign, refused, len(words), capital, end if tail else 0, row)
            for column, value in zip(columns, values, strict=True):
                column.append(value)
        found = {name: np.array(part, kind) for name, kind, part in zip(names, kinds, columns, strict=True)}
        found["rhymes"] = self.voices.rhymes()[found["row"]]
        return found

    def judged(self, marks: dict[str, np.ndarray], rhyming: np.ndarray) -> np.ndarray:
        """Which lines are English verse, judged with their neighbours."""
        there = marks["words"] > 0
        words = np.maximum(around(marks["words"]), 1)
        weight = np.maximum(around(there), 1)
        verse_like = around(marks["capital"]) / weight >= CAPITALS
        english = (around(marks["known"]) / words >= KNOWN) & (around(marks["foreign"]) / weight <= FOREIGN_WORDS)
        rhymed = np.zeros(len(there), bool)
        for distance, row in enumerate(rhyming[1:5] > 0, 1):
            rhymed |= row
            rhymed[distance:] |= row[:-distance]
        syllables = marks["syllables"].astype(np.int32)
        metrical = np.zeros(len(there), bool)
        for distance in range(1, 7):
            close = np.abs(syllables[distance:] - syllables[:-distance]) <= (1 if distance < 3 else 0)
            metrical[distance:] |= close
            metrical[:-distance] |= close
        steady = np.zeros(len(there), bool)
        for distance in (1, 2):
            close = np.ones(len(there), bool)
            close[distance:] = np.abs(syllables[distance:] - syllables[:-distance]) <= 1
            steady |= around(close & there) / weight >= STEADY
        short = (syllables >= 2) & (syllables <= 18)
        rhymes_enough = around(rhymed & there) / weight >= RHYMED
        rhymes_enough &= around(metrical & there) / weight >= REGULAR
        form = rhymes_enough | (steady & (around(syllables * there) / weight >= 5))
        good = filled(there & verse_like & english & form & short, there & verse_like & short)
        reasons = {
            "prose": there & ~(verse_like & form) & ~verse_like,
            "not in today's English": there & verse_like & ~english,
            "without metre or rhyme": there & verse_like & english & ~form,
            "too short or long a line": there & verse_like & english & form & ~short,
        }
        for reason, lost in reasons.items():
            self.left_out[reason] += int((lost & ~good).sum())
        return good

    def twice(self, lines: list[str], keep: np.ndarray) -> np.ndarray:
        """Lines of a passage that came before: of two lines running both are known, and so are most around them."""
        same = np.zeros(len(lines), bool)
        bare = [fingerprint(line) for line in lines]
        for index in range(len(lines) - 1):
            if not (keep[index] and keep[index + 1]):
                continue
            pair = bare[index] << 32 | bare[index + 1]
            before = self.seen.get(pair)
            place = self.read + index
            if before is None or place - before < TWINS:
                self.seen[pair] = place
            else:
                same[index : index + 2] = True
        self.read += len(lines) + TWINS
        wide = around(same & keep) >= 4
        lost = keep & wide & (same | (around(same) >= 5))
        self.left_out["there before"] += int(lost.sum())
        return lost

    def decent(self, refused: np.ndarray, first: int, last: int) -> list[tuple[int, int]]:
        """What remains of a document's lines when those around refused words go."""
        hits = np.flatnonzero(refused[first:last])
        if not len(hits):
            return [(first, last)]
        if last - first <= LARGEST:
            self.left_out["refused words"] += last - first
            return []
        keep = np.ones(last - first, bool)
        for hit in hits:
            keep[max(0, hit - LARGEST // 2) : hit + LARGEST // 2] = False
        self.left_out["refused words"] += int((~keep).sum())
        return [(first + one, first + other) for one, other in runs(keep, [False] * len(keep))]


def fingerprint(line: str) -> int:
    """32 bits of a line's letters."""
    return zlib.crc32(re.sub(r"[^a-z]", "", line.lower()).encode())


def joined(lines: list[str], begins: list[bool]) -> tuple[list[str], list[bool]]:
    """Ends of lines that did not fit the page put back: a short line in lower case among lines with capitals."""
    lower = np.array([bool(line) and line[0].islower() for line in lines])
    among = around(~lower) >= 2 * WINDOW - 1
    found: list[str] = []
    starts: list[bool] = []
    for index, line in enumerate(lines):
        broken = lower[index] and among[index] and len(line) < 26 and found and found[-1] and len(found[-1]) > 30
        if broken and not found[-1].endswith((".", "!", "?", ";", ":", ",")):
            found[-1] += " " + line
        else:
            found.append(line)
            starts.append(begins[index])
    return found, starts


def around(values: np.ndarray) -> np.ndarray:
    """Sums over each line and its neighbours within WINDOW."""
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    places = np.arange(len(values))
    return sums[np.minimum(places + WINDOW + 1, len(values))] - sums[np.maximum(places - WINDOW, 0)]


def filled(keep: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """The same with gaps of at most GAP lines closed, where those are possible as verse."""
    found = keep.copy()
    places = np.flatnonzero(keep)
    for one, other in itertools.pairwise(places[np.r_[True, np.diff(places) > 1] | np.r_[np.diff(places) > 1, True]]):
        if 1 < other - one <= GAP + 1 and not keep[one + 1] and possible[one + 1 : other].all():
            found[one:other] = True
    return found


def runs(keep: np.ndarray, begins: list[bool]) -> Iterator[tuple[int, int]]:
    """(first, after the last) of lines kept without a gap; a line that begins a poem begins a run."""
    start = None
    for index, kept in enumerate(keep):
        if start is not None and (not kept or begins[index]):
            yield start, index
            start = None
        if kept and start is None:
            start = index
    if start is not None:
        yield start, len(keep)


def parts(cuts: set[int], count: int) -> Iterator[tuple[int, int]]:
    edges = [0, *sorted(cuts), count]
    yield from itertools.pairwise(edges)
