"""How a word sounds that no dictionary lists: from a known stem and an ending, else from its letters.

Guesses are good enough to count syllables and to compare the ends of words; they are not a pronunciation to teach.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

Phones = tuple[str, ...]
Known = Callable[[str], Phones | None]

VOWEL_SOUNDS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
VOICELESS = {"P", "T", "K", "F", "TH"}
HISSES = {"S", "Z", "SH", "ZH", "CH", "JH"}

# Ending: its sound after a stem. "" stands for those whose sound depends on the stem's last one.
ENDINGS: dict[str, Phones] = {
    "s": (), "es": (), "ed": (), "d": (), "est": ("AH0", "S", "T"), "st": ("S", "T"), "eth": ("AH0", "TH"),
    "ing": ("IH0", "NG"), "ings": ("IH0", "NG", "Z"), "er": ("ER0",), "ers": ("ER0", "Z"), "ly": ("L", "IY0"),
    "ness": ("N", "AH0", "S"), "less": ("L", "AH0", "S"), "ful": ("F", "AH0", "L"), "like": ("L", "AY2", "K"),
    "ward": ("W", "ER0", "D"), "wards": ("W", "ER0", "D", "Z"), "y": ("IY0",), "en": ("AH0", "N"),
    "ship": ("SH", "IH2", "P"), "hood": ("HH", "UH2", "D"), "some": ("S", "AH0", "M"), "dom": ("D", "AH0", "M"),
    "ment": ("M", "AH0", "N", "T"), "able": ("AH0", "B", "AH0", "L"), "ish": ("IH0", "SH"), "let": ("L", "AH0", "T"),
    "or": ("ER0",), "man": ("M", "AH0", "N"), "men": ("M", "IH0", "N"), "wise": ("W", "AY2", "Z"),
}  # fmt: skip
BEGINNINGS: dict[str, Phones] = {
    "un": ("AH0", "N"), "re": ("R", "IY0"), "fore": ("F", "AO0", "R"), "over": ("OW0", "V", "ER0"),
    "out": ("AW0", "T"), "mis": ("M", "IH0", "S"), "dis": ("D", "IH0", "S"), "be": ("B", "IH0"), "a": ("AH0",),
    "en": ("EH0", "N"), "in": ("IH0", "N"), "up": ("AH0", "P"), "under": ("AH0", "N", "D", "ER0"),
    "non": ("N", "AA0", "N"), "sub": ("S", "AH0", "B"), "inter": ("IH0", "N", "T", "ER0"),
}  # fmt: skip
# British and older spellings beside the dictionary's American ones.
RESPELLINGS = (
    (r"our", "or"), (r"re$", "er"), (r"is(e[ds]?|ing)$", r"iz\1"), (r"ll", "l"), (r"æ|ae", "e"), (r"œ|oe", "e"),
    (r"ence$", "ense"), (r"gue$", "g"), (r"ck$", "k"), (r"ph", "f"), (r"que$", "k"), (r"y", "i"), (r"ie$", "y"),
    (r"([a-z])e$", r"\1"), (r"([^aeiou])\1", r"\1"), (r"([^aeiou])$", r"\1\1"), (r"x", "ct"), (r"^e", "i"),
)  # fmt: skip

# Letters at a place of the word and their sounds; the first that fits is taken. "V" stands for a vowel letter.
LETTERS = [
    (re.compile(pattern.replace("V", "[aeiouy]")), tuple(phones.split()))
    for pattern, phones in (
        ("tion(?=s?$)", "SH AH N"), ("(?<=[aeiou])sion(?=s?$)", "ZH AH N"), ("s+ion(?=s?$)", "SH AH N"),
        ("[ct]ian(?=s?$)", "SH AH N"), ("[ctx]ious$", "SH AH S"), ("[ct]ial(?=ly$|$)", "SH AH L"),
        ("ture(?=s?$)", "CH ER"), ("sure(?=s?$)", "ZH ER"), ("ous(?=ly$|$)", "AH S"), ("eous$", "IY AH S"),
        ("(?<=[^aeiouy])le(?=s?$)", "AH L"), ("(?<=[^aeiouyr])re$", "ER"), ("dge?", "JH"), ("tch", "CH"),
        ("ch(?=[rl])|^ch(?=[ao]r)", "K"), ("ch", "CH"), ("ck", "K"), ("sch", "S K"), ("sh", "SH"), ("th", "TH"),
        ("ph", "F"), ("^who", "HH UW"), ("wh", "W"), ("^gh", "G"), ("^kn|^gn|^mn", "N"), ("^wr|^rh", "R"),
        ("^ps", "S"), ("^pt", "T"), ("(?<=m)[bn]$", ""), ("ng(?=$|[^aeiouyrlw])", "NG"), ("n(?=[kxq])", "NG"),
        ("que?$", "K"), ("qu", "K W"), ("^x", "Z"), ("x", "K S"), ("sc(?=[eiy])", "S"), ("c(?=[eiy])", "S"),
        ("(?<!^)gn(?=$)", "N"), ("g(?=[eiy])", "JH"), ("gu(?=[ei])", "G"), ("gg", "G"), ("cc", "K"),
        ("ought|aught", "AO T"), ("ould", "UH D"), ("eigh", "EY"), ("igh", "AY"), ("augh", "AO"), ("ough", "OW"),
        ("gh", ""), ("alk", "AO K"), ("all", "AO L"), ("old", "OW L D"), ("ind$", "AY N D"), ("ild$", "AY L D"),
        ("air|are$|ayer", "EH R"), ("ear|eer|ere$|ier$", "IH R"), ("ire|yre", "AY R"), ("oar|oor|ore|our", "AO R"),
        ("ure", "UH R"), ("(?<=w)or", "ER"), ("(?<=w)ar", "AO R"), ("ar", "AA R"), ("[eiuy]r(?!V)", "ER"),
        ("or", "AO R"), ("ai|ay|ei", "EY"), ("ee|ea(?!n?$)|ea(?=n$)", "IY"), ("ea$", "IY AH"), ("eye?", "IY"),
        ("ie(?=[^r]|$)", "IY"), ("oa|oe$", "OW"), ("oo", "UW"), ("ow$", "OW"), ("ou|ow", "AW"), ("oi|oy", "OY"),
        ("au|aw", "AO"), ("eu|ew|ue$|ui", "UW"), ("ae|oe", "IY"), ("ia", "IY AH"), ("io", "IY OW"),
        ("iu", "IY AH"), ("eo", "IY OW"), ("ua", "UW AH"), ("ye$", "AY"),
        ("a(?=[^aeiouyxr]es?$)", "EY"), ("e(?=[^aeiouyxr]es?$)", "IY"), ("[iy](?=[^aeiouyxr]es?$)", "AY"),
        ("o(?=[^aeiouyxr]es?$)", "OW"), ("u(?=[^aeiouyxr]es?$)", "UW"), ("(?<=[sxz])es$|(?<=[cg])es$", "AH Z"),
        ("(?<=[td])ed$", "AH D"), ("(?<=V.)ed$|(?<=[^td])ed$", "D"), ("(?<=V.)es$|(?<=V..)es$", "Z"),
        ("(?<=^[^aeiouy])[ie]$|(?<=^[^aeiouy][^aeiouy])[ie]$|(?<=^[^aeiouy])y$", "IY"), ("(?<=[a-z])e$", ""),
        ("a$", "AH"), ("i$|y$", "IY"), ("o$", "OW"), ("u$", "UW"), ("a", "AE"), ("e", "EH"), ("i", "IH"),
        ("o", "AA"), ("u", "AH"), ("(?<![a-z])y(?=V)", "Y"), ("y", "IH"),
        ("(?<=V)s(?=V)|(?<=[bdglmnrvw])s$", "Z"), ("ss", "S"), ("([bdfklmnprtvz])\\1", "="),
    )
]  # fmt: skip
SINGLE = dict(
    re.findall(r"(\w):(\w+)", "b:B c:K d:D f:F g:G h:HH j:JH k:K l:L m:M n:N p:P q:K r:R s:S t:T v:V w:W z:Z")
)
STRESSED_BEFORE = re.compile(r"(tion|sion|ic|ics|ical|ian|ious|eous|ity|ial)s?$")
NUMBERS = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
LONGEST_NUMBER = 5
"""Digits of one that is not read digit by digit; Python itself has a limit for what it turns into a number."""
LONGEST_WORD = 100
"""Letters of one in which stems and endings are looked for."""
TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def guess(word: str, known: Known) -> Phones:
    """Phones for a word that `known` has not. Any text goes; one without a letter or a digit is one short syllable."""
    word = word.lower()
    syllabic = re.sub(r"[èé]([dt]?h?)$", r"~e\1", word)  # blessèd has two syllables
    word = unicodedata.normalize("NFKD", syllabic.replace("æ", "ae").replace("œ", "oe"))
    word = re.sub(r"[^a-z0-9'~-]", "", word)
    parts = [part for part in re.split(r"-|(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", word) if part.strip("'~")]
    if len(parts) > 1:
        return sum((known(part) or guess(part, known) for part in parts), ())
    if not parts:
        return ("AH0",)
    word = parts[0]
    if word.isdigit():
        return sum((known(name) or ("AH1",) for name in spoken(word)), ())
    found = known(word) if word != syllabic else None
    if len(word) <= LONGEST_WORD:
        for way in (apostrophe, syllabic_ending, ending, respelled, beginning, compound):
            found = found or way(word, known)
    return found or letters(re.sub(r"[^a-z]", "", word))


def spoken(digits: str) -> Iterator[str]:
    """The words of a number as it is read aloud; long ones digit by digit, years in pairs."""
    if len(digits.lstrip("0")) > LONGEST_NUMBER:
        yield from (NUMBERS[int(digit)] for digit in digits)
        return
    number = int(digits.lstrip("0") or "0")
    if number < 20:
        yield NUMBERS[number]
    elif number < 100:
        yield TENS[number // 10]
        if number % 10:
            yield NUMBERS[number % 10]
    elif number < 1000 or (number % 1000 == 0 and number < 20_000):
        size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
        yield from spoken(str(number // size))
        yield name
        if number % size:
            yield from spoken(str(number % size))
    elif number < 10_000 and number % 100 > 9:
        yield from spoken(str(number // 100))
        yield from spoken(str(number % 100))
    else:
        yield from (NUMBERS[int(digit)] for digit in digits)


def is_vowel(phone: str) -> bool:
    return phone[:2] in VOWEL_SOUNDS


def apostrophe(word: str, known: Known) -> Phones | None:
    """wand'ring, heav'n, turn'd, know'st, love's, o' and th'."""
    if "'" not in word:
        return None
    if word in ("th'", "'th"):
        return ("DH", "AH0")
    if word.startswith("o'er") and len(word) > 6:
        return ("AO0", "R", *(known(word[4:]) or guess(word[4:], known)))
    bare = word.strip("'")
    if "'" not in bare:
        return known(bare) or (known(bare + "g") if bare.endswith("in") else None) or guess(bare, known)
    stem, _, end = bare.rpartition("'")
    base = known(stem)
    if end == "s" and stem:
        return joined(base or guess(stem, known), "s")
    if end == "d" and stem:
        return shortened(known(stem + "ed"), ("AH0", "IH0")) or joined(base or guess(stem, known), "d")
    if end in ("st", "t", "th") and stem:
        return (*(base or known(stem + "e") or guess(stem, known)), *{"st": ("S", "T"), "t": ("T",)}.get(end, ("TH",)))
    for letter in ("e", "o", "i", "a", "u", "v", "th"):
        if whole := known(bare.replace("'", letter)):
            return whole if letter in ("v", "th") else elided(whole)
    whole = guess(bare.replace("'", "e"), known)
    return elided(whole)


def shortened(phones: Phones | None, silent: tuple[str, ...]) -> Phones | None:
    """turned as it is; wanted without its last vowel has no other way to be said and stays."""
    if phones and len(phones) > 2 and phones[-1] == "D" and phones[-2] in silent and phones[-3] not in ("T", "D"):
        return (*phones[:-2], "T" if phones[-3] in VOICELESS | {"S", "SH", "CH"} else "D")
    return phones


def elided(phones: Phones) -> Phones:
    """One syllable less: wand'ring, heav'n. The last unstressed vowel that is not at the end of the word goes."""
    if sum(map(is_vowel, phones)) < 2:
        return phones
    places = [place for place, phone in enumerate(phones[:-1]) if is_vowel(phone) and phone.endswith("0")]
    inner = [place for place in places if place and any(is_vowel(phone) for phone in phones[place + 1 :])]
    for place in inner[-1:] or places[-1:]:
        return (*phones[:place], *(("R",) if phones[place] == "ER0" else ()), *phones[place + 1 :])
    return phones


def syllabic_ending(word: str, known: Known) -> Phones | None:
    if "~" not in word:
        return None
    stem, _, end = word.partition("~")
    if end == "e":
        return (*(known(stem) or guess(stem, known)), "EY0")
    bare = next((found for found in stems(stem) if known(found)), stem)
    return (*(known(bare) or letters(bare)), "IH0", *(("D",) if end == "ed" else ("TH",) if "h" in end else ("T",)))


def stems(word: str) -> Iterator[str]:
    """What an ending may have been put to: walk, lov(e), run(n), carr(y)."""
    yield word
    yield word + "e"
    if len(word) > 2 and word[-1] == word[-2]:
        yield word[:-1]
    if word.endswith("i"):
        yield word[:-1] + "y"
    if word.endswith("ck"):
        yield word[:-1]


def ending(word: str, known: Known) -> Phones | None:
    for end in sorted(ENDINGS, key=len, reverse=True):
        if word.endswith(end) and len(word) >= len(end) + 2:
            stem = word.removesuffix(end)
            silent = end in ("ed", "est", "eth", "es", "ing", "er", "ers", "y", "ish", "able", "or", "en", "ings")
            for base in stems(stem) if silent or stem.endswith("i") else (stem,):
                if len(base) > 2 and (phones := known(base)):
                    return joined(phones, end)
    return None


def joined(phones: Phones, end: str) -> Phones:
    """A stem's phones and an ending's, as English joins them."""
    last = phones[-1]
    if end in ("s", "es"):
        return (*phones, *(("IH0", "Z") if last in HISSES else ("S",) if last in VOICELESS else ("Z",)))
    if end in ("ed", "d"):
        sharp = last in VOICELESS | {"S", "SH", "CH"}
        return (*phones, *(("IH0", "D") if last in ("T", "D") else ("T",) if sharp else ("D",)))
    return (*phones, *ENDINGS[end])


def respelled(word: str, known: Known) -> Phones | None:
    bare = re.sub(r"[^a-z]", "", word)
    for pattern, instead in RESPELLINGS:
        other = re.sub(pattern, instead, bare)
        if other != bare and (found := known(other) or ending(other, known)):
            return found
    return None


def beginning(word: str, known: Known) -> Phones | None:
    for start in sorted(BEGINNINGS, key=len, reverse=True):
        rest = word.removeprefix(start)
        if len(rest) > 2 and rest != word and (phones := known(rest) or ending(rest, known)):
            return (*BEGINNINGS[start], *phones)
    return None


def compound(word: str, known: Known) -> Phones | None:
    """sea-weed written in one; of all places to cut, the one nearest to the middle."""
    for cut in sorted(range(3, len(word) - 2), key=lambda place: abs(2 * place - len(word))):
        first = known(word[:cut])
        second = first and (known(word[cut:]) or ending(word[cut:], known))
        if first and second:
            return (*first, *(phone.replace("1", "2") for phone in second))
    return None


def letters(word: str) -> Phones:
    """From the letters alone: their sounds, then a stress where English likes it."""
    found: list[str] = []
    place = 0
    while place < len(word):
        for pattern, phones in LETTERS:
            if (match := pattern.match(word, place)) and match.end() > place:
                found += [SINGLE[match[0][0]]] if phones == ("=",) else phones
                place = match.end()
                break
        else:
            found += [SINGLE[word[place]]] if word[place] in SINGLE else []
            place += 1
    return stressed(found or ["AH"], word)


def stressed(phones: list[str], word: str) -> Phones:
    """Stress 1 on one vowel: the first of two, the third from the end of more, the one before -tion and its like."""
    places = [place for place, phone in enumerate(phones) if phone in VOWEL_SOUNDS]
    if not places:
        return (*phones[:-1], "AH1", phones[-1]) if len(phones) > 1 else (*phones, "AH1")
    heavy = places[0] if len(places) < 3 else places[-3]
    if len(places) > 1 and (match := STRESSED_BEFORE.search(word)):
        heavy = places[-2] if match[1] not in ("ity", "ical") or len(places) < 3 else places[-3]
    return tuple(phone + "01"[place == heavy] if place in places else phone for place, phone in enumerate(phones))
