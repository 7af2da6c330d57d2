"""Tokens as text: whatever the tokenizer cuts, each is seen, and lies where its last character does."""

from __future__ import annotations

import numpy as np
import pytest
from charrnn_inspect.spelling import spell
from hypothesis import given
from hypothesis import strategies as st

from charrnn.tokenizers.byte import ByteTokenizer
from charrnn.tokenizers.char import CharTokenizer
from charrnn.tokenizers.sentencepiece import SentencePieceTokenizer

TRAINING = "the cat sat on the mat\nμῆνιν ἄειδε θεά \U0001f600\n" * 40


@given(text=st.text(st.one_of(st.characters(), st.sampled_from("\ud800aé\U0001f600")), min_size=1))
def test_characters_are_themselves(text):
    tokenizer = CharTokenizer("".join(sorted(set(text))))
    found = spell(tokenizer, tokenizer.encode(text))
    assert "".join(found.shown) == text
    if text.isascii():
        assert found.text == text
        assert found.last.tolist() == list(range(len(text)))


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_bytes_lie_in_their_characters(text):
    found = spell(ByteTokenizer(), ByteTokenizer().encode(text))
    assert found.text == text
    assert found.last.tolist() == [place for place, each in enumerate(text) for _ in each.encode()]


def test_bytes_that_are_no_characters_are_written_out():
    found = spell(ByteTokenizer(), np.array([0x61, 0xCE, 0xBC, 0xFF, 0x80, 0x0A]))
    assert list(found.shown) == ["a", "\\xce", "\\xbc", "\\xff", "\\x80", "\n"]
    assert found.text == "aμ\udcff\udc80\n"
    assert found.last.tolist() == [0, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("unknown", ["", " ☃ и"])
def test_pieces_lie_where_they_end(unknown):
    tokenizer = SentencePieceTokenizer.train([TRAINING], vocab_size=320)
    text = "the mat sat\nθεὰ \U0001f600" + unknown
    ids = tokenizer.encode(text)
    found = spell(tokenizer, ids)
    assert found.text == text
    if not unknown:
        assert len(ids) < len(text)
    for count, last in enumerate(found.last, 1):
        read = tokenizer.decode(ids[:count]).rstrip("\ufffd")
        assert last in (len(read) - 1, len(read))  # the second within a character


def test_no_tokens_are_no_text():
    found = spell(ByteTokenizer(), np.empty(0, np.int64))
    assert (list(found.shown), found.text, len(found.last)) == ([], "", 0)
