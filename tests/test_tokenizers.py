"""Tokenizers lose nothing, and cut a stream as they cut the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CorpusError, RunError
from charrnn.tokenizers.byte import ByteTokenizer
from charrnn.tokenizers.char import CharTokenizer
from charrnn.tokenizers.sentencepiece import SentencePieceTokenizer

TRAINING = "the cat sat on the mat, and the dog sat on the log\n  indented\n" * 30 + "μῆνιν ἄειδε θεά\n" * 5

PIECES = SentencePieceTokenizer.train([TRAINING], vocab_size=330)

#: Any text that UTF-8 can hold, with more than its share of what tokenizers trip over.
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\n\r\0 \u2581\ufffd\ufeff<0x>")))
#: Lone surrogates too.
any_texts = st.text(st.characters())


@given(any_texts.filter(bool))
def test_char_round_trip(text):
    tokenizer = CharTokenizer.train([text])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.vocab_size == len(set(text))


@given(texts)
def test_byte_round_trip(text):
    assert ByteTokenizer().decode(ByteTokenizer().encode(text)) == text


@given(texts)
def test_sentencepiece_round_trip(text):
    ids = PIECES.encode(text)
    assert PIECES.decode(ids) == text
    assert ((ids >= 0) & (ids < PIECES.vocab_size)).all()


@pytest.mark.parametrize("text", ["z" * 9000 + "\n" + "y" * 5000, "a \u2581 b<0x0A><unk>", "é" * 4096 + "\n"])
def test_sentencepiece_round_trip_of_long_lines_and_its_own_signs(text):
    assert PIECES.decode(PIECES.encode(text)) == text


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), PIECES, CharTokenizer.train([TRAINING])], ids=repr)
@given(data=st.data())
def test_a_stream_is_cut_as_the_whole_is(tokenizer, data):
    text = data.draw(st.text("ab \n\u2581é", max_size=60)) + data.draw(st.sampled_from(["", "q" * 5000]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    streamed = np.concatenate([*tokenizer.encode_stream(pieces), np.empty(0, dtype=int)])
    np.testing.assert_array_equal(streamed, tokenizer.encode(text))


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), PIECES, CharTokenizer.train([TRAINING])], ids=repr)
@given(data=st.data())
def test_incremental_decoding_equals_whole_decoding(tokenizer, data):
    ids = np.array(data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=40)), dtype=np.int64)
    decoder = tokenizer.decoder()
    parts = [decoder.decode(ids[at : at + 1]) for at in range(len(ids))]
    assert "".join(parts) + decoder.flush() == tokenizer.decode(ids)
    assert decoder.flush() == ""


def test_half_a_character_waits_for_its_end():
    decoder = ByteTokenizer().decoder()
    first, second = "é".encode()
    assert decoder.decode(np.array([first])) == ""
    assert decoder.decode(np.array([second])) == "é"
    assert decoder.decode(np.array([first])) + decoder.flush() == "\ufffd"


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), PIECES, CharTokenizer.train([TRAINING])], ids=repr)
def test_save_and_load(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    loaded = type(tokenizer).load(tmp_path)
    assert loaded.vocab_size == tokenizer.vocab_size
    np.testing.assert_array_equal(loaded.encode(TRAINING), tokenizer.encode(TRAINING))


@pytest.mark.parametrize("content", ["", "{}", '"aa"', '""', "\xff"])
def test_a_damaged_alphabet_is_told(content, tmp_path):
    (tmp_path / "alphabet.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match="alphabet"):
        CharTokenizer.load(tmp_path)


def test_a_damaged_sentencepiece_model_is_told(tmp_path):
    (tmp_path / "sentencepiece.model").write_bytes(b"no model")
    with pytest.raises(RunError, match="is damaged: it is no model from byte 0 on"):
        SentencePieceTokenizer.load(tmp_path)


def test_a_sentencepiece_model_with_a_piece_that_is_no_text_is_told(tmp_path):
    SentencePieceTokenizer.train([TRAINING], vocab_size=300).save(tmp_path)
    path = tmp_path / "sentencepiece.model"
    model = path.read_bytes()
    path.write_bytes(model.replace(b"<0x41>", b"<0x\xff1>"))
    with pytest.raises(RunError, match="codec can't decode"):
        SentencePieceTokenizer.load(tmp_path)


def test_unseen_characters_are_counted_and_replaced():
    tokenizer = CharTokenizer("abc?")
    assert tokenizer.unseen("abxxy") == {"x": 2, "y": 1}
    assert tokenizer.decode(tokenizer.encode("abxxy")) == "ab???"
    assert CharTokenizer("a bc").decode(CharTokenizer("a bc").encode("ax")) == "a "
    assert CharTokenizer("abc").decode(CharTokenizer("abc").encode("bx")) == "ba"
    assert not ByteTokenizer().unseen("anything ☃")


def test_the_context_is_the_separator_else_newline_else_the_first_id():
    assert CharTokenizer("\n|a").context("|") == 1
    assert CharTokenizer("\n|a").context("§") == 0
    assert CharTokenizer("xyz").context("") == 0
    assert ByteTokenizer().context("") == 10


def test_too_large_a_vocabulary_is_told_with_what_is_possible():
    with pytest.raises(CorpusError, match="Please set it to a value <= 2"):
        SentencePieceTokenizer.train(["abc"], vocab_size=3000)
