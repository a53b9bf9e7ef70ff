"""The pronouncing lexicon that Studio ships: studio/verse/lexicon.txt.gz, from the CMU Pronouncing Dictionary.

    python scripts/data/lexicon.py [--package FILE] [--texts FOLDER]

Reads npm cmu-pronouncing-dictionary and adds words of older verse that it lacks. --texts is a folder made by
scripts/data/texts.py: how often a word stands there gives its class from 0 to 9; without it the classes stay as they
are in the file that is replaced.
"""

from __future__ import annotations

import argparse
import gzip
import math
import re
import sys
from collections import Counter
from pathlib import Path

from packages import Package, members

ROOT = Path(__file__).parent.parent.parent
TARGET = ROOT / "studio" / "verse" / "lexicon.txt.gz"
PACKAGE = Package(
    registry="npm",
    name="cmu-pronouncing-dictionary",
    version="3.0.0",
    sha256="ca16ac157e95277ffe1ca105a5ca2c833a15626024f15711c2a425da367b68ce",
    address="https://www.npmjs.com/package/cmu-pronouncing-dictionary/v/3.0.0",
    licence="BSD 2-Clause for the dictionary (Carnegie Mellon University), ISC for the package",
)
ENTRY = re.compile(r'^  "?([^":]+?)(?:\((\d)\))?"?: "([A-Z0-9 ]+)"', re.MULTILINE)
WORD = re.compile(r"'?[a-z]+(?:'[a-z]+)*'?(?:-[a-z]+)*")

# Words of older verse, or older ways to say a word; "+" keeps the dictionary's readings and adds this one.
OLDER = """
    o'er AO1 R|OW1 ER0   e'er EH1 R   ne'er N EH1 R   whene'er W EH0 N EH1 R   where'er W EH0 R EH1 R
    howe'er HH AW0 EH1 R   whate'er W AH0 T EH1 R   whoe'er HH UW0 EH1 R   whatsoe'er W AH2 T S OW0 EH1 R
    so'er S OW0 EH1 R   soe'er S OW0 EH1 R   'twere T W ER1   'twill T W IH1 L   'twould T W UH1 D
    'tisn't T IH1 Z AH0 N T   'neath N IY1 TH   'gainst G EH1 N S T   'mid M IH1 D   'midst M IH1 D S T
    'mong M AH1 NG   'mongst M AH1 NG S T   'twixt T W IH1 K S T   'tween T W IY1 N   'gan G AE1 N   'gin G IH1 N
    'scape S K EY1 P   'pon P AA1 N   'ere EH1 R   ere EH1 R   oft AO1 F T   ofttimes AO1 F T AY2 M Z
    oft-times AO1 F T AY2 M Z   e'en IY1 N   even+ IY1 N   ta'en T EY1 N   betwixt B IH0 T W IH1 K S T
    amid AH0 M IH1 D   amidst AH0 M IH1 D S T   thou DH AW1   thee DH IY1   thy DH AY1   thine DH AY1 N
    thyself DH AY0 S EH1 L F   ye Y IY1   yon Y AA1 N   yonder Y AA1 N D ER0   hath HH AE1 TH   doth D AH1 TH
    dost D AH1 S T   hast HH AE1 S T   hadst HH AE1 D S T   didst D IH1 D S T   wast W AA1 S T   wert W ER1 T
    shalt SH AE1 L T   wilt W IH1 L T   canst K AE1 N S T   couldst K UH1 D S T   wouldst W UH1 D S T
    shouldst SH UH1 D S T   mayst M EY1 S T   may'st M EY1 S T   mightst M AY1 T S T   might'st M AY1 T S T
    must'st M AH1 S T   saith S EH1 TH   sayest S EY1 AH0 S T   say'st S EY1 S T   quoth K W OW1 TH   art+ AA1 R T
    spake S P EY1 K   bade B AE1 D   methinks M IY0 TH IH1 NG K S   methought M IY0 TH AO1 T   whence W EH1 N S
    hence HH EH1 N S   thence DH EH1 N S   whither W IH1 DH ER0   hither HH IH1 DH ER0   thither TH IH1 DH ER0
    wherefore W EH1 R F AO2 R   whilst W AY1 L S T   erst ER1 S T   erstwhile ER1 S T W AY2 L   anon AH0 N AA1 N
    alack AH0 L AE1 K   welladay W EH1 L AH0 D EY2   forsooth F ER0 S UW1 TH   morn M AO1 R N   eve IY1 V
    eventide IY1 V AH0 N T AY2 D   nought N AO1 T   aught AO1 T   naught N AO1 T   perchance P ER0 CH AE1 N S
    mayhap M EY1 HH AE2 P   haply HH AE1 P L IY0   prithee P R IH1 DH IY0   lea L IY1   mead M IY1 D   dell D EH1 L
    vale V EY1 L   rill R IH1 L   brake B R EY1 K   bower B AW1 ER0   bowers B AW1 ER0 Z   bosky B AA1 S K IY0
    boughs B AW1 Z   bough B AW1   wold W OW1 L D   weald W IY1 L D   zephyr Z EH1 F ER0   zephyrs Z EH1 F ER0 Z
    philomel F IH1 L AH0 M EH2 L   welkin W EH1 L K IH0 N   empyrean EH2 M P AY0 R IY1 AH0 N   ether IY1 TH ER0
    aether IY1 TH ER0   steed S T IY1 D   swain S W EY1 N   swains S W EY1 N Z   wight W AY1 T   lass L AE1 S
    lassie L AE1 S IY0   maiden M EY1 D AH0 N   damsel D AE1 M Z AH0 L   wraith R EY1 TH   weird W IH1 R D
    eyne AY1 N   een IY1 N   loth L OW1 TH   loath L OW1 TH   sooth S UW1 TH   troth T R OW1 TH   hied HH AY1 D
    hie HH AY1   wend W EH1 N D   wended W EH1 N D IH0 D   clomb K L OW1 M   holp HH OW1 L P   wot W AA1 T
    wist W IH1 S T   trow T R OW1   ween W IY1 N   deem D IY1 M   dight D AY1 T   bedight B IH0 D AY1 T
    yclept IH0 K L EH1 P T   bereft B IH0 R EH1 F T   forlorn F ER0 L AO1 R N   lorn L AO1 R N
    lovelorn L AH1 V L AO2 R N   wan W AA1 N   drear D R IH1 R   clime K L AY1 M   climes K L AY1 M Z   main+ M EY1 N
    sward S W AO1 R D   greensward G R IY1 N S W AO2 R D   gloaming G L OW1 M IH0 NG   bourn B AO1 R N
    bourne B AO1 R N   tarn T AA1 R N   burn+ B ER1 N   brae B R EY1   braes B R EY1 Z   bonnie B AA1 N IY0
    bonny B AA1 N IY0   auld AO1 L D   wee W IY1   ken K EH1 N   bairn B EH1 R N   nae N EY1   sae S EY1
    frae F R EY1   ae EY1   o' AH0   i' IH0   wi' W IH1   th' DH AH0   tho' DH OW1   altho' AO0 L DH OW1
    thro' TH R UW1   tho DH OW1   thro TH R UW1   ha' HH AE1   a' AH0   an' AE1 N   heaven+ HH EH1 V N
    heavens+ HH EH1 V N Z   heav'n HH EH1 V N   heav'ns HH EH1 V N Z   heav'nly HH EH1 V N L IY0   giv'n G IH1 V N
    driv'n D R IH1 V N   ev'n IY1 V N   ev'ry EH1 V R IY0   ev'ning IY1 V N IH0 NG   pow'r P AW1 R   pow'rs P AW1 R Z
    flow'r F L AW1 R   flow'rs F L AW1 R Z   flow'ry F L AW1 R IY0   show'r SH AW1 R   show'rs SH AW1 R Z
    tow'r T AW1 R   tow'rs T AW1 R Z   bow'r B AW1 R   bow'rs B AW1 R Z   hour+ AW1 R   power+ P AW1 R
    flower+ F L AW1 R   tower+ T AW1 R   shower+ SH AW1 R   flowers+ F L AW1 R Z   powers+ P AW1 R Z   hours+ AW1 R Z
    spirit+ S P IH1 R T   prayer+ P R EH1 R   again+ AH0 G EY1 N   against+ AH0 G EY1 N S T   wind+ W AY1 N D
    winds+ W AY1 N D Z   been+ B IY1 N   said+ S EH1 D   blessed+ B L EH1 S IH0 D   beloved+ B IH0 L AH1 V IH0 D
    winged+ W IH1 NG IH0 D   aged+ EY1 JH IH0 D   learned+ L ER1 N IH0 D   cursed+ K ER1 S IH0 D   naked N EY1 K IH0 D
    wicked W IH1 K IH0 D   ruin R UW1 AH0 N   fiery F AY1 ER0 IY0|F AY1 R IY0   murmuring+ M ER1 M R IH0 NG
    wandering+ W AA1 N D R IH0 NG   every+ EH1 V R IY0   evening+ IY1 V N IH0 NG   being+ B IY1 NG   lo L OW1
    hark HH AA1 R K   ah AA1   oh OW1   o OW1   ay AY1   aye AY1   nay N EY1   yea Y EY1   amen EY0 M EH1 N
    adown AH0 D AW1 N   athwart AH0 TH W AO1 R T   askance AH0 S K AE1 N S   agone AH0 G AO1 N   afar AH0 F AA1 R
    afeard AH0 F IH1 R D   unto AH1 N T UW0|AH0 N T UW1   upon AH0 P AA1 N   beneath B IH0 N IY1 TH
    o'erhead AO0 R HH EH1 D   o'erthrown AO0 R TH R OW1 N   enow IH0 N AW1   woful W OW1 F AH0 L   woe W OW1
    woes W OW1 Z   spright S P R AY1 T   sprite S P R AY1 T   ghaist G EY1 S T   pibroch P IY1 B R AA0 K
    plaid+ P L AE1 D   laird L EH1 R D   kirk K ER1 K   mony M AA1 N IY0   lyre L AY1 R   lyres L AY1 R Z
    lute L UW1 T   minstrel M IH1 N S T R AH0 L   ditty D IH1 T IY0   roundelay R AW1 N D AH0 L EY2   ope OW1 P
    oped OW1 P T   list+ L IH1 S T   plashing P L AE1 SH IH0 NG   plash P L AE1 SH   isle AY1 L   isles AY1 L Z
    aisle AY1 L   nymph N IH1 M F   nymphs N IH1 M F S   dryad D R AY1 AE0 D   naiad N AY1 AE0 D
    naiads N AY1 AE0 D Z   dryads D R AY1 AE0 D Z   faery F EH1 R IY0   faerie F EH1 R IY0   fays F EY1 Z   fay F EY1
    elfin EH1 L F IH0 N   elysian IH0 L IH1 ZH AH0 N   hesperus HH EH1 S P ER0 AH0 S   phoebus F IY1 B AH0 S
    cynthia S IH1 N TH IY0 AH0   amaranth AE1 M ER0 AE2 N TH   asphodel AE1 S F AH0 D EH2 L
    eglantine EH1 G L AH0 N T AY2 N   columbine K AA1 L AH0 M B AY2 N   linnet L IH1 N AH0 T
    throstle TH R AA1 S AH0 L   mavis M EY1 V IH0 S   merle M ER1 L   corse K AO1 R S   bier B IH1 R   knell N EH1 L
    shroud SH R AW1 D   cerements S IH1 R M AH0 N T S   charnel CH AA1 R N AH0 L   weeds W IY1 D Z
    vouchsafe V AW0 CH S EY1 F   beseech B IH0 S IY1 CH   hearken HH AA1 R K AH0 N   bespake B IH0 S P EY1 K
    o'erflow AO0 R F L OW1   goodly G UH1 D L IY0   comely K AH1 M L IY0   sere S IH1 R   sear S IH1 R   gyre JH AY1 R
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the lexicon of pronunciations that Studio ships.")
    parser.add_argument("--package", type=Path, metavar="FILE", help=f"{PACKAGE}, if it is here already")
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="texts to count words in")
    options = parser.parse_args()
    content = members(PACKAGE, options.package, ["package/index.js"])["package/index.js"].decode("utf-8")
    words = with_older(readings(content), OLDER)
    classes = counted(options.texts) if options.texts else standing()
    lines = [f"{word} {classes.get(word, 0)} {'|'.join(ways)}\n" for word, ways in sorted(words.items())]
    TARGET.write_bytes(gzip.compress("".join(lines).encode("ascii"), mtime=0))
    listed = sum(word in words for word in classes)
    print(
        f"{TARGET}: {len(words)} words, {listed} of them in the texts; {TARGET.stat().st_size} bytes", file=sys.stderr
    )


def readings(source: str) -> dict[str, list[str]]:
    """The dictionary's words of letters and apostrophes, with their readings in its order."""
    found: dict[str, list[str]] = {}
    for word, _, phones in ENTRY.findall(source):
        if WORD.fullmatch(word) and re.search(r"\d", phones) and phones not in found.setdefault(word, []):
            found[word].append(phones)
    return {word: ways for word, ways in found.items() if ways}


def with_older(words: dict[str, list[str]], older: str) -> dict[str, list[str]]:
    """The same with the supplement: its readings first for a word of its own, last for one marked with "+"."""
    found = dict(words)
    for entry in re.split(r"\s{3,}|\n\s*", older.strip()):
        name, _, ways = entry.partition(" ")
        word = name.removesuffix("+")
        new, old = ways.split("|"), found.get(word, [])
        order = [*old, *new] if name.endswith("+") else [*new, *old]
        found[word] = list(dict.fromkeys(order))
    return found


def counted(folder: Path) -> dict[str, int]:
    """Class by word: 1 for 3 times and more in the texts, one more for every factor of 4, 9 at most."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.txt")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                counts.update(WORD.findall(line.lower()))
    return {word: min(9, 1 + int(math.log(count / 3, 4))) for word, count in counts.items() if count >= 3}


def standing() -> dict[str, int]:
    if not TARGET.exists():
        return {}
    rows = (line.split(" ", 2) for line in gzip.decompress(TARGET.read_bytes()).decode("ascii").splitlines())
    return {word: int(grade) for word, grade, _ in rows if grade != "0"}


if __name__ == "__main__":
    main()
