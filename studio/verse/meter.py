"""How words sit in a metre of weak (w) and strong (S) places, and which words lean on others.

Words of several syllables decide a metre: their main stress goes to strong places, the syllables beside it do not.
Words of one syllable bend to it, the leaning ones (of, and, the) less to strong places, the others less to weak ones
(Kiparsky, The Rhythmic Structure of English Verse, 1977; "monosyllables anywhere" is Halle and Keyser's rule).
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ARTICLES = frozenset(["the", "a", "an", "th'"])
LEANING = ARTICLES | _words(
    "and or nor but yet if as than lest so of to in on at by for from with into unto upon onto within without amid "
    "among amongst between beneath beside behind before after against toward towards till until through throughout "
    "above below about around across along over under ere per via like near since while whilst when whene'er where "
    "whence whither wherein whereon whose which who whom what that because though although unless whether "
    "my thy his her its our your their mine thine no every each this these those such some any many o oh"
)
"""Words that wait for another: no line ends with one and no comma follows one."""
NEUTRAL = _words(
    "i me thou thee he him she it we us you ye they them am is are was were be been art wast wert has have had hath "
    "hast do does did doth dost didst can could may might must shall should will would shalt wilt let not all one now "
    "then there here how why too up down out off once i'm i'll i've i'd he's she's it's we're we'll you're you'll "
    "they're they'll 'tis 'twas that's there's what's who's can't don't won't isn't so yet both more most o'er"
)
"""Words of one syllable that stand as well on a strong place as on a weak one."""
HANGING = _words(
    "am are was were be been is has have had do does did can could may might must shall should will would shalt wilt "
    "let i he she we they thou ye i'm i'll i've i'd he's she's we're we'll you're you'll they're they'll 'tis 'twas "
    "that's there's what's who's very quite too more most the' doth hath hast dost didst art wert wast"
)
"""Words that a line rarely ends with: they wait for a verb or belong to one."""


def fits(stresses: str, places: str, at: int) -> bool:
    """Whether a word of these stresses (a digit a syllable, as in a Reading) may begin at place `at` of a metre.

    Words of one syllable fit anywhere. A main stress on a weak place is right only where a line begins with it and
    the next place takes the unstressed syllable: a first foot turned round.
    """
    under = places[at : at + len(stresses)]
    if len(under) < len(stresses):
        return False
    if len(stresses) == 1 or "." in under:
        return True
    if at == 0 and under.startswith("wSw") and stresses.startswith("100"):
        return fits(stresses[2:], places, 2) if len(stresses) > 3 else True
    if at == 0 and under.startswith("wS") and stresses == "10":
        return True
    for number, (stress, place) in enumerate(zip(stresses, under, strict=True)):
        if stress == "1" and place == "w":
            return False
        beside = stresses[max(0, number - 1) : number] + stresses[number + 1 : number + 2]
        if stress == "0" and place == "S" and beside.strip("0"):
            return False
    return True


def is_rough(word: str, stresses: str, places: str, at: int) -> bool:
    """Whether a word that fits there is a small bump: an `and` on a strong place, a moon on a weak one.

    One bump gives a line life; two in a row break it.
    """
    place = places[at]
    if len(stresses) > 1:
        return place == "w" and stresses.startswith("10")
    if place == "S":
        return word in LEANING
    return place == "w" and word not in LEANING and word not in NEUTRAL


def scans(words: list[list[str]], places: str) -> bool:
    """Whether words, each with the stresses of its readings, fill a metre exactly, every one where it fits."""
    reached = {0}
    for ways in words:
        reached = {at + len(way) for at in reached for way in ways if fits(way, places, at)}
    return len(places) in reached
