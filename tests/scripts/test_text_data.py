"""scripts/data/texts.py without a network: lines made plain, stanzas found again, words refused, packages read."""

from __future__ import annotations

import gzip
import importlib
import pickle
import re
import struct
import zlib
from collections import Counter
from pathlib import Path

import pytest

from studio.verse.lexicon import Lexicon

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(Path(__file__).parent.parent.parent / "scripts" / "data")
    readers, verse_lines, verse_pages, texts = map(
        importlib.import_module, ["readers", "verse_lines", "verse_pages", "texts"]
    )

DAFFODILS = """
I wandered lonely as a cloud
That floats on high o'er vales and hills,
When all at once I saw a crowd,
A host, of golden daffodils;
Beside the lake, beneath the trees,
Fluttering and dancing in the breeze.

Continuous as the stars that shine
And twinkle on the milky way,
They stretched in never-ending line
Along the margin of a bay:
Ten thousand saw I at a glance,
Tossing their heads in sprightly dance.

The waves beside them danced; but they
Out-did the sparkling waves in glee:
A poet could not but be gay,
In such a jocund company:
I gazed--and gazed--but little thought
What wealth the show to me had brought:
"""
MEMORIAM = """
I sometimes hold it half a sin
To put in words the grief I feel;
For words, like Nature, half reveal
And half conceal the Soul within.

But, for the unquiet heart and brain,
A use in measured language lies;
The sad mechanic exercise,
Like dull narcotics, numbing pain.

In words, like weeds, I'll wrap me o'er,
Like coarsest clothes against the cold:
But that large grief which these enfold
Is given in outline and no more.
"""
MARINER = """
It is an ancient Mariner,
And he stoppeth one of three.
"By thy long beard and glittering eye,
Now wherefore stopp'st thou me?

The Bridegroom's doors are opened wide,
And I am next of kin;
The guests are met, the feast is set:
May'st hear the merry din."

He holds him with his skinny hand,
"There was a ship," quoth he.
"Hold off! unhand me, grey-beard loon!"
Eftsoons his hand dropt he.
"""
LIMERICKS = """
There was an Old Man with a beard,
Who said, "It is just as I feared!
Two Owls and a Hen,
Four Larks and a Wren,
Have all built their nests in my beard!"

There was a Young Lady whose chin
Resembled the point of a pin;
So she had it made sharp,
And purchased a harp,
And played several tunes with her chin.

There was an Old Man in a tree,
Who was horribly bored by a Bee;
When they said, "Does it buzz?"
He replied, "Yes, it does!
It's a regular brute of a Bee!"
"""
COUPLETS = """
Know then thyself, presume not God to scan;
The proper study of mankind is man.
Placed on this isthmus of a middle state,
A being darkly wise, and rudely great:
With too much knowledge for the sceptic side,
With too much weakness for the stoic's pride,
He hangs between; in doubt to act, or rest;
In doubt to deem himself a god, or beast;
In doubt his mind or body to prefer;
Born but to die, and reasoning but to err;
"""
BLANK = """
Of Man's first disobedience, and the fruit
Of that forbidden tree whose mortal taste
Brought death into the World, and all our woe,
With loss of Eden, till one greater Man
Restore us, and regain the blissful Seat,
Sing, Heavenly Muse, that, on the secret top
Of Oreb, or of Sinai, didst inspire
That Shepherd who first taught the chosen seed
In the beginning how the heavens and earth
Rose out of Chaos: or, if Sion hill
"""


@pytest.fixture
def pages() -> verse_pages.Pages:  # type: ignore[name-defined]
    refused = texts.pattern_of(texts.REFUSED.read_text(encoding="utf-8"))
    return verse_pages.Pages(verse_lines.Voices(Lexicon.load(), refused, Counter({"God": 3, "great": 3})))


def lines_of(poem: str) -> list[str]:
    return [line for line in poem.splitlines() if line]


@pytest.mark.parametrize("poem", [DAFFODILS, MEMORIAM, MARINER, LIMERICKS, COUPLETS, BLANK])
def test_stanzas_are_found_again(pages, poem: str) -> None:
    (found,) = pages.take(lines_of(poem))
    assert "\n".join(found) == poem.strip()


def test_heads_and_prose_are_left_out(pages) -> None:
    prose = [
        "The author of these verses was born at Cockermouth, where his",
        "father was agent to Sir James Lowther, and was sent to school at",
        "Hawkshead, of which he has left so full an account in the poem on",
        "the growth of his own mind that little need be said of it in this",
        "place; he afterwards went to Cambridge, and from there to France.",
    ] * 3
    found = list(
        pages.take([*prose, "THE DAFFODILS", "1804", *lines_of(DAFFODILS), "[Footnote 1: See page 12.]", *prose])
    )
    assert len(found) == 1 and set(lines_of(DAFFODILS)[6:12]) <= set(found[0])
    assert not set(prose) & set(found[0])


def test_a_poem_comes_once(pages) -> None:
    assert len(list(pages.take(lines_of(MEMORIAM)))) == 1
    again = [line.replace(",", "").upper().capitalize() for line in lines_of(MEMORIAM)]
    assert not list(pages.take(again)) and pages.left_out["there before"] >= 10


def test_a_refused_word_takes_its_poem_with_it(pages) -> None:
    bad = DAFFODILS.replace("jocund", "bitchy")
    assert not list(pages.take(lines_of(bad))) and pages.left_out["refused words"] == 18


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("  “Stay,”  said   _he_—‘’tis late[12] ;", "\"Stay,\" said he--''tis late;"),
        ("ONCE upon a midnight dreary", "ONCE upon a midnight dreary"),
        ("25   The curfew tolls the knell of parting day", "The curfew tolls the knell of parting day"),
        ("The curfew tolls the knell of parting day     4", "The curfew tolls the knell of parting day"),
        ("To divide the sedition to the end of time", "To divide the sedition to the end of time"),
        ("THE END", ""), ("Page 12", ""), ("XIV.", ""), ("Produced for Project Gutenberg", ""), ("", ""), ("---", ""),
    ],
)  # fmt: skip
def test_plain_lines(raw: str, line: str) -> None:
    assert verse_lines.plain(raw)[0] == line


def test_shouted_words_are_calmed(pages) -> None:
    assert pages.voices.calm("ONCE upon a GREAT midnight, GOD") == "Once upon a great midnight, God"
    assert pages.voices.calm("And I'll sing, and I'M here") == "And I'll sing, and I'm here"


def test_refused_words() -> None:
    refused = texts.pattern_of("# a list\nfoe\nbar*\nhalf-day\nspic\n")
    assert all(refused.fullmatch(word) for word in ["foe", "Foes", "foe's", "barren", "BAR", "half-days", "half day"])
    assert not any(refused.fullmatch(word) for word in ["foetid", "a bar", "embar", "spices", "half"])


def test_a_compound_is_refused(pages) -> None:
    assert pages.refuses("A half-breed stood there.") and not pages.refuses("Half a breed of spices")


def test_the_list_has_no_false_friends() -> None:
    refused = texts.pattern_of(texts.REFUSED.read_text(encoding="utf-8"))
    harmless = re.findall(
        r"\w+",
        "cockle assume cock ass pussy niggard farther farthing shittah squawk injunction pimpernel raccoon chink grape "
        "scrape drape arsenal snigger class bass title titmouse analyse dyke queer gay spice spices spicy japan japes "
        "peacock hancock sextant buggy retarding crippling rapture rapid hoarse "
        "whoreson",
    )
    assert [word for word in harmless if refused.fullmatch(word)] == ["whoreson"]


def test_a_pickle_is_read_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    lines = [f"line {number}" for number in range(1200)]
    packed = gzip.compress(pickle.dumps({"trap": Trap(), "frame": [lines + ["iambic"] * 1200]}))
    assert readers.frame_column(packed) == lines
    assert not (tmp_path / "sprung").exists()


def serialised(body: bytes) -> bytes:
    return b"X\n" + struct.pack(">3i", 2, 0x030600, 0x020300) + body


def r_text(text: str) -> bytes:
    return struct.pack(">2i", 9, len(text.encode())) + text.encode()


def r_texts(*items: str) -> bytes:
    return struct.pack(">2i", 16, len(items)) + b"".join(map(r_text, items))


def r_named(items: dict[str, bytes]) -> bytes:
    """A list with names: type 19 with attributes, then a pairlist of one tag."""
    head = struct.pack(">2i", 19 | 0x200, len(items)) + b"".join(items.values())
    tag = struct.pack(">i", 1) + r_text("names")
    return head + struct.pack(">i", 2 | 0x400) + tag + r_texts(*items) + struct.pack(">i", 254)


def test_an_r_database_is_read() -> None:
    content = serialised(r_texts("Call me Ishmael.", "", "é"))
    record = struct.pack(">i", len(content)) + zlib.compress(content)
    place = struct.pack(">4i", 13, 2, 0, len(record))
    index = serialised(r_named({"variables": r_named({"whale": place}), "compressed": struct.pack(">3i", 10, 1, 1)}))
    assert readers.r_database(zlib.compress(index), record) == {"whale": ["Call me Ishmael.", "", "é"]}


def test_the_scenes_of_a_play() -> None:
    play = (
        "# Hamlet\n\n## ACT I\n\n### SCENE I. Elsinore.\n\n_Enter GHOST_\n\n**BERNARDO**  \nWho's there?\n\n_Exit_\n\n"
    )
    play += "**FRANCISCO**  \nNay, answer me: [Aside] stand,  \nand unfold yourself.\n\n### SCENE II. A room.\n\n"
    assert list(readers.scenes_of(play)) == [[["Who's there?"], ["Nay, answer me:  stand,", "and unfold yourself."]]]
