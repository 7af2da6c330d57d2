"""The tokenizers lose nothing, tell what they replace, and cut a stream as they cut the whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from charrnn_hf_tokenizers.bpe import BPETokenizer
from charrnn_hf_tokenizers.byte_bpe import ByteBPETokenizer
from charrnn_hf_tokenizers.segments import LONGEST, segments
from charrnn_hf_tokenizers.word import WordTokenizer
from charrnn_hf_tokenizers.wordpiece import WordPieceTokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

#: With what tokenizers trip over: BERT's sign and ours, GPT-2's and SentencePiece's spaces, marks, special tokens.
TRAINING = (
    "the cat sat by the mat, and the dog sat on the log\r\n\tindented  twice\n    ## a ### heading_1 #\n" * 30
    + "μῆνιν ἄειδε θεά, 今日は世界 नमस्ते e\u0301 \U0001f600\u200d\U0001f525\n" * 5
    + "[UNK] <s> <|endoftext|> \ufdd0 \u2581 \u0120 \0 \u3000 \xa0 \u2028\n"
)
KINDS = [BPETokenizer, ByteBPETokenizer, WordPieceTokenizer, WordTokenizer]
TRAINED = {kind: kind.train([TRAINING], vocab_size=400) for kind in KINDS}

every_kind = pytest.mark.parametrize("kind", KINDS)
quick = settings(deadline=None)

known_texts = st.text(
    st.one_of(st.sampled_from(sorted(set(TRAINING))), st.sampled_from("#ab _\t\n\r\ufdd0")), max_size=80
)
#: Lone surrogates too.
any_texts = st.text(st.one_of(st.characters(), st.sampled_from("thecat #\n\t\ufffd\ufdd1\ud800")))


@st.composite
def cut_texts(draw):
    """A text, now and then with lines longer than a segment, and the pieces that it comes in."""
    parts = draw(st.lists(st.one_of(any_texts, known_texts, st.sampled_from(["q" * 2500, "a " * LONGEST])), max_size=4))
    text = "".join(parts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return text, [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@every_kind
@quick
@given(text=known_texts)
def test_text_of_the_trained_characters_comes_back(kind, text):
    tokenizer = TRAINED[kind]
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not tokenizer.unseen(text)
    assert ((ids >= 0) & (ids < tokenizer.vocab_size)).all()


@every_kind
@settings(deadline=None, max_examples=30)
@given(text=st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ab# \n"))))
def test_a_text_comes_back_from_what_was_trained_on_it(kind, text):
    tokenizer = kind.train([text], vocab_size=1000, min_frequency=0)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert not tokenizer.unseen(text)


@every_kind
@quick
@given(text=any_texts)
def test_exactly_the_unseen_characters_are_replaced(kind, text):
    tokenizer = TRAINED[kind]
    unseen = tokenizer.unseen(text)
    expected = "".join("\ufffd" if each in unseen else each for each in text)
    assert tokenizer.decode(tokenizer.encode(text)) == expected
    assert unseen == Counter(was for was, now in zip(text, expected, strict=True) if was != now)


@every_kind
@quick
@given(cut=cut_texts())
def test_a_stream_is_cut_as_the_whole_is(kind, cut):
    text, pieces = cut
    streamed = np.concatenate([*TRAINED[kind].encode_stream(pieces), np.empty(0, dtype=int)])
    np.testing.assert_array_equal(streamed, TRAINED[kind].encode(text))


def test_a_stream_is_cut_as_the_whole_is_where_a_newline_is_unseen():
    tokenizer = BPETokenizer.train(["ab " * 50], vocab_size=20)
    text = "ab ab\nab" + "ab " * LONGEST + "\nab"
    streamed = np.concatenate([*tokenizer.encode_stream(text)])
    np.testing.assert_array_equal(streamed, tokenizer.encode(text))
    assert tokenizer.decode(streamed) == text.replace("\n", "\ufffd")


@quick
@given(cut=cut_texts())
def test_segments_are_the_text(cut):
    found = segments(cut[0])
    assert "".join(found) == cut[0]
    assert all(1 <= len(each) <= LONGEST and "\n" not in each[:-1] for each in found)


@every_kind
@quick
@given(data=st.data())
def test_incremental_decoding_equals_whole_decoding(kind, data):
    tokenizer = TRAINED[kind]
    ids = np.array(data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=40)), dtype=np.int64)
    decoder = tokenizer.decoder()
    parts = [decoder.decode(ids[at : at + 1]) for at in range(len(ids))]
    assert "".join(parts) + decoder.flush() == tokenizer.decode(ids)
    assert decoder.flush() == ""


def test_half_a_character_waits_for_its_end():
    tokenizer = ByteBPETokenizer.train([""])
    decoder = tokenizer.decoder()
    assert [decoder.decode(tokenizer.encode("é")[at : at + 1]) for at in range(2)] == ["", "é"]


@every_kind
def test_no_text_is_no_ids(kind):
    ids = TRAINED[kind].encode("")
    assert ids.shape == (0,)
    assert np.issubdtype(ids.dtype, np.integer)
    assert TRAINED[kind].decode(ids) == ""


@every_kind
def test_a_newline_is_the_context(kind):
    tokenizer = TRAINED[kind]
    assert tokenizer.decode(np.array([tokenizer.context("")])) == "\n"


def test_a_word_is_a_token_and_an_unknown_one_its_characters():
    tokenizer = TRAINED[WordTokenizer]

    def tokens(text):
        return [tokenizer.decode(np.array([token])) for token in tokenizer.encode(text)]

    assert tokens("    the cat, tame\n") == ["    ", "the", " ", "cat", ",", " ", "t", "a", "m", "e", "\n"]


def test_a_start_and_a_continuation_are_two_tokens():
    tokenizer = WordPieceTokenizer.train(["ab"], vocab_size=20)
    first, second = tokenizer.encode("aa")
    assert first != second
    assert tokenizer.decode(np.array([first])) == tokenizer.decode(np.array([second])) == "a"


@pytest.mark.parametrize("text", ["w" * 5000, " " * 5000, "\t" * 101 + "_" * 101])
def test_very_long_words_come_back(text):
    tokenizer = WordPieceTokenizer.train([text], vocab_size=100)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) < len(text) / 5


@every_kind
def test_keeps_the_contract(kind, tokenizer_check):
    tokenizer_check(kind, vocab_size=300)
