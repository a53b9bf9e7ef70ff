"""Names, and words that a lexicon takes for English: what is written with a capital, and what new verse goes without.

Names were found by how often a word has a capital inside a line of the texts that `scripts/data/texts.py` makes
(7 times in 10), then sorted by hand.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


NAMES = _words(
    "adam adam's america apollo april arab arthur athens atlantic august aurora babel babylon bacchus bethlehem bible "
    "britain caesar calvary camelot christ christ's christian christians christmas cupid december diana easter eden "
    "egypt elysium england england's english eros europe february flora florence france french friday german germany "
    "god god's greece greek greeks hades heav'n hebrew hector helen homer i i'd i'll i'm i've india ireland israel "
    "italian italy james january jerusalem jesus john july june juno jupiter latin london lucifer mars mary merlin "
    "milton monday moses naples neptune nile november o october olympus orion orpheus pacific pan paradise paris "
    "persian phoebus pluto psyche rhine roman romans rome russian sabbath satan saturday saturn scotland september "
    "shakespeare sicily solomon spain spanish sparta styx sunday thames thebes thursday titan titans trojan troy "
    "tuesday turk venice venus vulcan wales wednesday zeus zion"
)
"""Always written with a capital."""
STRANGERS = _words(
    "abraham achilles achilles' adonis aegean aeneas africa agamemnon agamemnon's agnes ahab aix ajax alexander "
    "alfred alice allah allen alpine alps american andrew angelica angelo ann anna anne anne's annie anthony antonio "
    "antony aphrodite apollo's april's arabian araby arcadia arcadian archbishop arctic arden ariel arthur's asia "
    "asia's asian athenian atlas australia austria austrian ave b balder barton bates bath beatrice ben bennet "
    "bertram bess betty billy bingley bob boston brahm brandon britain's britannia british briton britons brutus "
    "buckingham burgundian burgundians burgundy c caesar's cain calais calypso cambridge camilla campbell canada "
    "canadian capitol captain carthage catherine catherine's cato celia centaur ceres charlemagne charles charles's "
    "charley charlie charlotte charon chinese chloe christendom christine churchill clare clarence claus cleopatra "
    "clifford cole collins colonel columbia columbus constance countess crawford crawford's creator crete croft "
    "cromwell cupids cyclops cynthia cyprian cyprus dan dane danes daniel danish dante danube daphne daphnis darcy "
    "dashwood david david's dean denmark devon dian diana's dick dido dietrich dis dolly douglas dover dr drake druid "
    "duchess duke's dutch e earl edmund edward edward's eleanor elinor eliza elizabeth elizabeth's ellen elliot elton "
    "elysian emily emir emma emma's englishman enid enoch erin etzel etzel's eugene europe's exeter f fairfax fanny "
    "faust fiddler flanders flask francis frank franks fred frederick frenchman frenchmen g gabriel galilee gallic "
    "ganges gardiner gareth gaul george george's geraldine germans gilbert gloucester godfrey gothic grail grecian "
    "gregory guido gunther guy h hagen han harold harriet harry hartfield harville hastings hebe hector's hecuba "
    "helen's helicon henrietta henry henry's hercules hermes herod hiawatha highland highness hildebrand holland "
    "homer's horace hubert hugh hun hungary hymen iago ida india's indian indians indies ireland's iris irish isabel "
    "isabella isis israel's italia ithaca j jack jacob james's jamie jane jane's jean jehovah jehovah's jennings "
    "jenny jesus' jill jim jimmy joan joe john's johnnie johnny johnson jonah jones joseph juan judas julia julia's "
    "juliet julius juno's k kaiser karl kate kent kentucky kitty ku l lancaster lancelot lapland latins latona "
    "launcelot laura lavinia lazarus leo lewis li liberty's libyan lilith lincoln lizzy loch lorraine louis louisa "
    "lucas lucile lucius lucy lydia lyme m mabel macbeth madame magnus major maker maker's mana mansfield marcus "
    "margaret margery maria marianne marie marmion martha martin mary's matilda maud maurice max melissa memnon "
    "mercury michael michael's middleton milan minerva miss mister moby molly monsieur moorish morgan morland moslem "
    "mr mrs murphy murray muses musgrove myrmidons n nancy nantucket napoleon narcissus nazareth ned nell nelson nero "
    "nestor nicholas nick norfolk norland norman norris northland norway odin odysseus ogier olaf oliver olivier "
    "olympian olympus' orestes orlando oxford pa paddy palestine pallas palmer parnassus parsonage paul paul's "
    "pegasus peggy penelope percy perry perseus peru peter peter's peterkin philip phillis philomel phoebe phoenix "
    "phrygian phyllis pip plato pluto's plymouth po polly pompey pope portsmouth president priam priam's prometheus "
    "provence prussian puck pygmalion q quaker r rabbi raphael raymond regent republic rhineland rhone richard "
    "richmond rinaldo robert roderick roger roland rome's romeo rosalind roy ruediger rupert russell russia sal "
    "salisbury sam samuel san santa saracens satan's saturn's saul savior saxon saxons scot scotch scotland's scots "
    "scott scottish scripture scylla scythian seine shakespeare's sibyl sicilian siegfried siegmund silvia simon "
    "smith socrates sol soldan somerset spaniard spartan sphinx st starbuck steele stephen stig stygian suffolk "
    "sultan sundays susan sylvia syrian t tartar taylor teague telamon theseus thetis thomas thomas's thor thorpe "
    "tiber tilney tim timon titus tom tommy tories tory tristram trojans troll turkish turks turpin tuscan tweed tyre "
    "u ulysses v vi virgil virginia vivian vivien volker vulcan's w wakefield walter warr warwick washington "
    "wentworth werner weston whig whigs wickham william william's willie willoughby woodhouse x yankee yates york"
)
"""People and places of single books, titles, and what reads oddly where nobody asked for it."""
ODD = _words(
    "'em 'm 's a' a's ae al aly arline auld bharat bonnie brownies claudio co con da dauphin de dee den dis dora dr "
    "een eh et etc folker frae gama gan gang goin' ha ha' hagan hap hi i' ish janak kau ken krishna ku la le li li's "
    "lorenzo ma mair mak marko maurine mr mrs na nae nars ne o' p per po re s sae sic sigurd st sym tak talbot te th' "
    "tho wenner wi' wis wo wor x y"
)
"""Dialect, other languages and pieces of words."""
