"""Words as paths of tokens: only those whose sound is beyond doubt, encoded as the tokenizer itself would."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from studio.errors import ModelError
from studio.text.vocabulary import LOWER, Vocabulary
from studio.verse.lexicon import Lexicon, rhymes


def test_words_of_doubtful_length_stay_out(vocabulary: Vocabulary) -> None:
    assert {"love", "moon", "water", "delight", "a", "i"} <= set(vocabulary.words)
    assert not {"fire", "heaven", "every", "b", "xii"} & set(vocabulary.words)


def test_refused_words_stay_out(tokenizer: Tokenizer) -> None:
    fewer = Vocabulary(tokenizer, Lexicon.load(), refused=lambda word: "oo" in word)
    assert fewer.words and not [word for word in fewer.words if "oo" in word]


def test_a_path_is_the_tokenizer_s_own(vocabulary: Vocabulary, tokenizer: Tokenizer) -> None:
    for surfaces, written in ((vocabulary.inside, " love"), (vocabulary.begin, "Love")):
        node = 0
        for token in tokenizer.encode("\n" + written).ids[1:]:
            node = surfaces.trie.children[node][token]
        assert vocabulary.words[surfaces.word[surfaces.trie.end[node]]] == "love"


def test_a_word_leads_its_nodes(vocabulary: Vocabulary) -> None:
    trie = vocabulary.inside.trie
    wanted = np.zeros(len(vocabulary.inside.word), bool)
    assert not trie.reach(wanted).any()
    wanted[100] = True
    reached = trie.reach(wanted)
    node = 0
    while trie.end[node] != 100:
        (token,) = trie.tokens(node, reached)
        node = trie.children[node][token]
    assert reached.sum() >= 1


def test_i_is_always_large(vocabulary: Vocabulary) -> None:
    looks = vocabulary.inside.look[vocabulary.inside.word == vocabulary.number["i"]]
    assert len(looks) == 1


def test_rhymes_are_those_of_the_lexicon(vocabulary: Vocabulary) -> None:
    partners = [vocabulary.words[place] for place in np.flatnonzero(vocabulary.rhymes_with("night"))]
    assert "light" in partners and "night" not in partners and "knight" not in partners
    assert all(rhymes("night", word, Lexicon.load()) for word in partners)
    rich = [vocabulary.words[place] for place in np.flatnonzero(vocabulary.rich(2))]
    assert "night" in rich and "month" not in rich


def test_tokens_that_the_network_has_not_are_left_out(tokenizer: Tokenizer) -> None:
    size, more = tokenizer.get_vocab_size(), Tokenizer.from_str(tokenizer.to_str())
    more.add_special_tokens(["<|pad|>"])
    more.add_tokens(["moon"])
    vocabulary = Vocabulary(more, Lexicon.load(), size=size)
    assert len(vocabulary.within_line) == vocabulary.size == size
    for surfaces in (vocabulary.begin, vocabulary.inside):
        assert all(token < size for children in surfaces.trie.children for token in children)
        written = {vocabulary.words[word] for word in surfaces.word[surfaces.look == LOWER]}
        assert "love" in written and "moon" not in written
    more.add_tokens(["\n"])
    with pytest.raises(ModelError, match="new line"):
        Vocabulary(more, Lexicon.load(), size=size)


def test_building_is_quick(tokenizer: Tokenizer) -> None:
    Lexicon.load()
    start = time.process_time()
    Vocabulary(tokenizer, Lexicon.load())
    assert time.process_time() - start < 4  # 1 s on an idle core


def test_a_tokenizer_without_lines_is_refused() -> None:
    bare = Tokenizer(models.WordLevel({"[UNK]": 0, "love": 1}, unk_token="[UNK]"))
    with pytest.raises(ModelError, match="new line"):
        Vocabulary(bare, Lexicon.load())
