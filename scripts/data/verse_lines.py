"""Lines of verse made plain, and what a line shows of its verse: syllables, rhyme, words of another language."""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from studio.verse import spelling
from studio.verse.lexicon import CLIPPED, Lexicon, Reading, normal

PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "—": "--",
     "–": "-", "―": "--", "‒": "-", "…": "...", "\u00a0": " ", "\t": " ", "\ufeff": "", "\u00ad": "", "æ": "ae",
     "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ﬁ": "fi", "ﬂ": "fl"}
)  # fmt: skip
MARKS = re.compile(r"\[\w{1,4}\]|\(\d+\)|\{\w{1,4}\}|[*†‡§¶|~^=_\\<>{}#]|\[|\]|(?<=[a-z.,;:!?])\d{1,3}(?=\W|$)")
LINE_NUMBER = re.compile(r"^\(?\d{1,4}[.)]?\s+(?=\S)|\s{2,}\(?\d{1,4}\)?\.?$|\s+\d+$")
SIMPLE = re.compile(r"[A-Za-z ,.;:!?'\"()-]*")  # without marks to take away
ODD = re.compile(r"\d|\(\w+\)$|^[^a-zA-Z]*$|\.\s?\.\s?\.\s?\.\s?\.")
CAPITALS = re.compile(r"[A-Z]{2}")
SPACED = re.compile(r"\s[,;:.!?-]|---|--\s")
NUMERAL = re.compile(r"^[IVXLC]{1,7}\.?(?:$|\s+(?=[A-Z\"']))(?<!I )")
SPEAKER = re.compile(r"^(?:[A-Z]{2,}[A-Z' ]*[.:]|[A-Z][a-z]{1,10}\.(?=\s+'?[A-Z]))\s*(?=\S)")
CLUTTER = (
    "gutenberg", "http", "www.", "@", "copyright", "e-text", " etext", "transcribe", "footnote", "foot-note",
    "illustrat", "chapter", "canto i.", "canto v", "canto x", "vol. ", "ibid.", " op. cit", " ms. ", " mss",
    " cf. ", " viz.", " i.e.", " e.g.", "appendix", "see note", "anthology", "the author of", " editor",
    "&c", "chorus:", "published",
)  # fmt: skip
TOKEN = re.compile(r"'?[^\W\d_]+(?:'[^\W\d_]+)*'?")
SHOUTED = re.compile(r"\b[A-Z](?:[A-Z']*[A-Z])(?![\w'])|\b[A-Z]{2,}\b")
COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")

# Words that verse in today's spelling hardly has: Middle English and old spellings, other languages, thick dialects.
FOREIGN = frozenset(
    re.findall(
        r"\S+",
        """
    und der das ist nicht ein eine ich mich dich sich auf mit dem den von zu wie er sie wir doch noch les des une est
    dans que qui pour pas sur mais vous nous il et je ce du au aux che di del della per con mia el los las por una como
    ad cum quod sed nec atque esse ac ut quae quam wol schal shal sholde wolde whan thanne thei hir hire ek eek nat
    noght quam
    vnto vp vpon vs haue loue giue ouer euer neuer liue hym hys hir thise swich ther seyde seid wyth yow youre ryght
    myght nyght gret bene hem mony bot scho sche hom thai thair til sall suld quhat quhen quha hes ane fra yit kyng gud
    hadde weren ben sone wel noon oon selfe doe goe beene shee hee mee wee bee selfe owne onely soule heauen heau'n
    euery euill euen vse vpright vnder vertue hart thinke fer git jest jes jis ef thet hez wuz sez dat dis dey dem
    de dar den wid yer yo ob massa gwine ter ez ole chile feller ain't warn't wunt kin critter 'em's wot vos ven vas
    ov sich o'nights ther's th'owd owd mun nobbut summat aw tha' o'th tae gie gae hae gaun wad frae nae sae auld ilka
    ance amang weel syne mair puir baith whase twa braw gude guid bonie muckle unco gin gar wha wi'
    faire poore olde worlde neare deare yeare yeares heere beautie iustice councell straunge wilde kinde mynde lyke lyfe
    tyme wyse sayd sayde againe paine raine chaunge chaunce daies eies ioy ioyes iudge iust maie moste onelie manie anie
    verie everie sunne starre warre farre bee mee wee shee doo ye'd thorow lorde kynde goode greate grete blynde
    nothink furrin nuffin nothin' an' wi' th'owd
    kuin oli jo ja ett och som att det jag hoc illa qui quis non
    """,
    )
)
MILD = frozenset(
    re.findall(
        r"\S+",
        "an' nothin' den hem bene hire ben sone wee bee ad per con kin mun dem hart bonie wi' frae nae sae auld hae",
    )
)
BRITISH = spelling.RESPELLINGS[:7]
OLD_SPELLING, CLIPPED_WORD = 0.7, 0.25  # neerest; 'ouse: how far such a word speaks against a line, 1 for a foreign one


class Sound(NamedTuple):
    """What a word adds to a line."""

    syllables: int
    known: bool
    foreign: float
    refused: bool


def plain(line: str) -> tuple[str, bool]:
    """(the line without marks, whether a poem begins with it); "" for one that is no verse: heads, notes, numbers."""
    line = line.translate(PLAIN).strip()
    if not SIMPLE.fullmatch(line):
        line = unicodedata.normalize("NFC", MARKS.sub("", LINE_NUMBER.sub("", line)))
    line = SPEAKER.sub("", " ".join(line.split()))
    numeral = NUMERAL.match(line)
    line = line[numeral.end() :] if numeral else line
    low = line.lower()
    if len(line) < 5 or any(part in low for part in CLUTTER) or ODD.search(line):
        return "", False
    if not numeral and not CAPITALS.search(line):
        return tidy(line), False
    letters = [letter for letter in line if letter.isalpha()]
    if len(letters) < 4 or sum(map(str.isupper, letters)) > 0.5 * len(letters):
        return "", False
    first = SHOUTED.match(line.lstrip("\"'( "))
    return tidy(line), bool(numeral or (first and len(first[0]) > 1))


def tidy(line: str) -> str:
    """Marks after words, dashes without blanks, no bracket without its partner."""
    if " " in line and SPACED.search(line):
        line = re.sub(r"\s*--+\s*", "--", re.sub(r"\s+([,;:.!?])", r"\1", line))
    if line.count("(") != line.count(")"):
        line = line.replace("(", "").replace(")", "")
    return line


class Voices:
    """The words of the lines seen so far, each with its sound, and the rhymes of those at line ends."""

    def __init__(self, lexicon: Lexicon, refused: re.Pattern[str], cases: Counter[str]) -> None:
        self.lexicon, self.refused, self.cases = lexicon, refused, cases
        self.sounds: dict[str, Sound] = {}
        self.ends: dict[str, int] = {}
        self.numbers: dict[object, int] = {}
        self.rows = array("i")

    def sound(self, word: str) -> Sound:
        found = self.sounds.get(word)
        if found is None:
            low = normal(word)
            bare = low.strip("'")
            listed = self.lexicon.readings(low) or self.lexicon.readings(bare)
            known = bool(listed) or bare.endswith(("'d", "'st", "'s", "'ring", "'n", "'r", "'ry", "'ning"))
            known = known or spelling.ending(bare, self._phones) is not None or self.british(bare)
            foreign = 0.4 if bare in MILD or low in MILD else 1.0 if bare in FOREIGN or low in FOREIGN else 0.0
            if not known and word[0].islower() and spelling.respelled(bare, self._phones):
                foreign = OLD_SPELLING
            elif not foreign and low[0] == "'" and low not in CLIPPED:
                foreign = CLIPPED_WORD
            syllables = listed[0].syllables if listed else self.lexicon.guess(low).syllables
            found = self.sounds[word] = Sound(syllables, known, foreign, self.refused.fullmatch(bare) is not None)
        return found

    def end(self, word: str) -> int:
        """The row of `rhymes` of a word at the end of a line: 2 perfect rhymes, a loose, an eye, another loose one."""
        word = normal(word).strip("'")
        row = self.ends.get(word)
        if row is None:
            readings = self.lexicon.read(word)
            perfect = [self.number(reading.rhyme) for reading in readings[:2]] * 2
            last = last_syllable(readings[0])
            loose = self.number(("loose", *last))
            high = readings[0].phones[-1] == "IY0"  # melody, which also rhymes with sky
            other = self.number(("loose", "AY")) if high else loose
            eye = self.number(("eye", re.sub(r"^.*?([aeiouy]+[^aeiouy]*e?(?:'?[sd])?)$", r"\1", word[-6:])[-4:]))
            row = self.ends[word] = len(self.ends)
            self.rows.extend([*perfect[:2], loose, eye if len(word) > 2 else self.number(word), other])
        return row

    def british(self, word: str) -> bool:
        """Known in American spelling."""
        return any(
            other != word and (self.lexicon.readings(other) or spelling.ending(other, self._phones))
            for other in (re.sub(pattern, instead, word) for pattern, instead in BRITISH)
        )

    def number(self, key: object) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def rhymes(self) -> np.ndarray:
        """(words at line ends, 5) int32."""
        return np.array(self.rows, np.int32).reshape(-1, 5)

    def calm(self, line: str) -> str:
        """WORDS IN CAPITALS in the case that they usually have in the corpus."""
        return SHOUTED.sub(self._calm, line) if SHOUTED.search(line) else line

    def _calm(self, match: re.Match[str]) -> str:
        word, start = match[0], match.start() == 0 or not re.search(r"[a-zA-Z]", match.string[: match.start()])
        if word in ("I'LL", "I'M", "I'D", "I'VE"):
            return "I" + word[1:].lower()
        if re.fullmatch(r"[IVXLC]+", word):
            return word
        title, low = word.capitalize(), word.lower()
        return title if start or self.cases[title] > self.cases[low] else low

    def _phones(self, word: str) -> tuple[str, ...] | None:
        found = self.lexicon.readings(word)
        return found[0].phones if found else None


def last_syllable(reading: Reading) -> tuple[str, ...]:
    """The last vowel and what follows, near sounds made one: what poets let pass (love, move; free, liberty)."""
    place = max((index for index, phone in enumerate(reading.phones) if phone[-1].isdigit()), default=0)
    vowel, rest = reading.phones[place].rstrip("012"), reading.phones[place + 1 :]
    same = {"AO": "AA", "AH": "UH", "UW": "UH"}
    return (same.get(vowel, vowel), *({"Z": "S", "DH": "TH"}.get(phone, phone) for phone in rest))


def cases_in(lines: Iterable[str]) -> Counter[str]:
    """How often each word stands in which case."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(TOKEN.findall(line)[1:])
    return counts
