"""Stanzas found again in verse that lost its blank lines: from rhymes, lengths of lines and ends of sentences.

Every place and every scheme has a score: how far the lines from there on are a stanza of that scheme. The best way to
cut a passage is found by dynamic programming, where going on with the same scheme is free and another one costs.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np

# "x" rhymes with nothing. Two-line and one-line ones are not set off: couplets and blank verse go on.
SCHEMES = re.findall(
    r"\w+",
    "x aa abab abcb aabb abba aaaa aaba aab aaa ababcc aabccb ababab aabbcc ababb abaab abbab aabba aaabab aaabcccb "
    "abccb xaxabb aabcb ababbcc abababcc ababbcbcc ababbccdcd abbacc aabab ababa aaab aabaab abcabc aabbb aaabb "
    "ababbab ababcbc ababccdd ababcdecde abcbb ababcdcdefefgg abbaabbacdecde abbaabbacdcdcd abbaabbacddcee "
    "abbaabbacdcdee abbaabbacdedce abbaabbacdceed abbaabbaccdeed abbaabbacdeedc abbaabbacdeced ababbcbccdcdee "
    "abbacddceffegg abbacddcefefgg ababcdcdeffegg",
)
REACH = 6  # lines: how far apart two rhyming lines may be
PERFECT, LOOSE = 1.0, 0.6
MISSING, FALSE = -1.5, -0.35
SWITCH, SWITCH_LONG = 2.2, 1.2
STOPPED, PAUSED, RUN_ON = 0.5, 0.1, -1.0
ALIKE = 0.12  # for every line as long as its fellow in the stanza before
# Stanzas of couplets, told from couplets that go on: by where their sentences do not end, and seldom in long lines.
COUPLETS, INNER, IN_COUPLETS, HEROIC = {"aabb", "aabbcc"}, 0.7, 0.1, 0.3
HARDLY = -1e9


@dataclass(frozen=True)
class Lines:
    """A passage: per line syllables, rows of rhyme numbers (perfect, perfect, loose, eye, loose), and its end:
    2 where a sentence ends, 1 where it pauses, 0 else."""

    syllables: np.ndarray
    rhymes: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.syllables)


def strengths(lines: Lines) -> np.ndarray:
    """(REACH + 1, N): how far line i rhymes with line i + d."""
    count = len(lines)
    found = np.zeros((REACH + 1, count), np.float32)
    rhymes = lines.rhymes
    for distance in range(1, min(REACH + 1, count)):
        one, other = rhymes[:-distance], rhymes[distance:]
        perfect = (one[:, :1] == other[:, :2]).any(1) | (one[:, 1:2] == other[:, :2]).any(1)
        loose = (one[:, 2:] == other[:, 2:]).any(1)
        found[distance, : count - distance] = np.where(perfect, PERFECT, np.where(loose, LOOSE, 0))
    return found


def fits(lines: Lines, rhyming: np.ndarray) -> np.ndarray:
    """(N, schemes): the score of a stanza of each scheme that begins at each line."""
    count = len(lines)
    scores = np.full((count, len(SCHEMES)), HARDLY, np.float32)
    end = np.array([RUN_ON, PAUSED, STOPPED], np.float32)[lines.ends]
    alike = {}
    for index, scheme in enumerate(SCHEMES):
        size = len(scheme)
        places = count - size + 1
        if places < 1:
            continue
        score = np.zeros(places, np.float32)
        partners = set()
        for letter in set(scheme) - {"x"}:
            members = [place for place, other in enumerate(scheme) if other == letter]
            partners.update(itertools.pairwise(members))
        for first, second in partners:
            rhyme = rhyming[second - first, first : first + places] if second - first <= REACH else np.zeros(places)
            score += np.where(rhyme > 0, 2 * rhyme, MISSING)
        for place in range(size - 1):
            if scheme[place] != scheme[place + 1]:
                score += FALSE * (rhyming[1, place : place + places] >= PERFECT)
            if size > 3 and place + 2 < size and scheme[place] != scheme[place + 2]:
                score += FALSE * (rhyming[2, place : place + places] >= PERFECT)
        if size > 2 and scheme in COUPLETS:
            inner = [end[place : place + places] for place in range(1, size - 1, 2)]
            score += end[size - 1 : size - 1 + places] - np.mean(inner, axis=0) * INNER - IN_COUPLETS
            score -= HEROIC * (lines.syllables[:places] + lines.syllables[1 : places + 1] >= 19)
        elif size > 2:
            score += end[size - 1 : size - 1 + places]
            if size not in alike:
                same = np.zeros(count, np.float32)
                same[size:] = np.abs(lines.syllables[size:] - lines.syllables[:-size]) <= 1
                alike[size] = np.concatenate([np.zeros(1), np.cumsum(same)])
            score += ALIKE * (alike[size][size : size + places] - alike[size][:places])
        scores[:places, index] = score
    return scores


def cut(scores: np.ndarray) -> list[tuple[int, str]]:
    """(first line, scheme) of each piece of a passage, in order; "x" and "aa" pieces are lines and couplets.

    `scores` are those of `fits` for its lines.
    """
    count = len(scores)
    if not count:
        return []
    sizes = np.array([len(scheme) for scheme in SCHEMES])
    change = np.where(sizes >= 14, SWITCH_LONG, np.where(sizes <= 2, SWITCH / 2, SWITCH)).astype(np.float32)
    longest = int(sizes.max())
    best = np.full(
        (count + 1 + longest, len(SCHEMES)), HARDLY, np.float32
    )  # row longest + i: the first i lines are cut
    went = np.full((count + 1, len(SCHEMES)), -1, np.int16)  # the scheme of the piece before this one
    top = np.full(count + 1 + longest, HARDLY, np.float32)
    top_of = np.zeros(count + 1 + longest, np.int16)
    best[longest], top[longest] = 0, 0
    columns = np.arange(len(SCHEMES))
    for place in range(1, count + 1):
        before = longest + place - sizes
        same = best[before, columns]
        other = top[before] - change
        stay = same >= other
        starts = place - sizes
        row = np.where(stay, same, other) + np.where(starts >= 0, scores[np.maximum(starts, 0), columns], HARDLY)
        best[longest + place] = row
        went[place] = np.where(stay, columns, top_of[before])
        winner = int(row.argmax())
        top[longest + place], top_of[longest + place] = row[winner], winner
    pieces = []
    place, scheme = count, int(top_of[longest + count])
    while place > 0:
        pieces.append((place - int(sizes[scheme]), SCHEMES[scheme]))
        place, scheme = place - int(sizes[scheme]), int(went[place, scheme])
    return pieces[::-1]


def breaks(lines: Lines, scores: np.ndarray) -> tuple[set[int], set[int]]:
    """Lines before which a blank one belongs, and those of them where another poem seems to begin.

    A single stanza among other verse is an accident of rhyme and is not set off, unless it is a sonnet.
    """
    blank, poem = set(), set()
    runs: list[list[tuple[int, str]]] = []
    for piece in cut(scores):
        if runs and runs[-1][-1][1] == piece[1]:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    before = None
    for run in runs:
        scheme = run[0][1]
        stanzaic = len(scheme) >= 14 or (len(scheme) > 2 and (len(run) > 1 or len(scheme) > 6))
        start = run[0][0]
        if stanzaic:
            blank.update(place for place, _ in run)
        if len(scheme) >= 14:
            poem.update(place for place, _ in run)
        if before is not None and (stanzaic or before[1]):
            blank.add(start)
            ended = start > 0 and lines.ends[start - 1] == 2
            both = stanzaic and before[1]
            if ended and (both or before[2] >= 14 or unlike(lines, start)):
                poem.add(start)
        before = (scheme, stanzaic, len(scheme))
    blank.discard(0)
    poem.discard(0)
    return blank | poem, poem


def unlike(lines: Lines, place: int) -> bool:
    """Lines on both sides of a place are of other lengths."""
    one, other = lines.syllables[max(0, place - 6) : place], lines.syllables[place : place + 6]
    return abs(float(np.median(one)) - float(np.median(other))) >= 2
