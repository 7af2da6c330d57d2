"""A text on its way in: decoded, folded, normalised and limited, wherever it is cut; and what cannot be read."""

from __future__ import annotations

import json
import os
import unicodedata

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.corpora.pieces import first_bytes
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.rewritten import folded, normalized
from charrnn.errors import CorpusError, CorpusWarning
from charrnn.settings import CorpusSettings
from tests.conftest import TINY

#: What can be joined, taken apart or moved: marks, Hangul, and letters that are made of others.
COMPOSING = [
    *"aeA \n\r",
    *(chr(code) for code in range(0x110000) if unicodedata.combining(chr(code)) and code % 7 == 0),
    *"\u1100\u1161\u11a8\uac00\uac01\u09c7\u09be\u0cc6\u0cc2\u0cd5\uff76\uff9e\ufb01\u212b\u1e9b\u0323\u0344\u3060\u305f\u3099",
]
PIECES = st.lists(st.text(st.sampled_from(COMPOSING), max_size=6), max_size=6)


def read(address, **settings):
    return "".join(open_corpus(str(address), CorpusSettings(**settings)).read("train"))


@given(PIECES, st.sampled_from(["nfc", "nfkc"]))
def test_a_text_in_pieces_is_normalized_as_the_whole(pieces, form):
    assert "".join(normalized(pieces, form)) == unicodedata.normalize(form.upper(), "".join(pieces))


@given(st.lists(st.text("a\r\n", max_size=4), max_size=8))
def test_line_ends_are_folded_wherever_the_text_is_cut(pieces):
    assert "".join(folded(pieces)) == "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(st.text("aü漢🐍", max_size=4), max_size=6), st.integers(1, 40))
def test_the_first_bytes_end_between_characters(pieces, size):
    found = "".join(first_bytes(pieces, size))
    assert "".join(pieces).encode()[:size].decode(errors="ignore") == found


def test_text_is_changed_as_asked_whatever_the_corpus(tmp_path):
    text = "one\r\ntwo e\u0301 \ufb01\r"
    (tmp_path / "a.txt").write_bytes(text.encode())
    pyarrow.parquet.write_table(pyarrow.table({"text": [text]}), tmp_path / "a.parquet")
    for name in ("a.txt", "a.parquet"):
        assert read(name) == text
        assert read(name, newlines="fold") == "one\ntwo e\u0301 \ufb01\n"
        assert read(name, newlines="fold", normalize="nfc") == "one\ntwo é \ufb01\n"
        assert read(name, newlines="fold", normalize="nfkc") == "one\ntwo é fi\n"
        assert read(name, max_bytes=5) == "one\r\n"
    read_so = open_corpus("a.txt", CorpusSettings(normalize="nfc")).provenance()
    assert read_so["rewritten"]["unicode"] == unicodedata.unidata_version
    prints = {open_corpus("a.txt", CorpusSettings(**{key: value})).fingerprint() for key, value in CHANGES}
    assert len(prints) == len(CHANGES)


CHANGES = [("newlines", "keep"), ("newlines", "fold"), ("normalize", "nfc"), ("normalize", "nfkc"), ("max_bytes", 5)]


def test_flags_say_sizes_and_line_ends_as_people_do(text_file, cli):
    built = cli("corpora", "build", text_file, "--max-bytes", "1.5k", "--json").json()
    assert built["splits"]["train"]["bytes"] == 1500
    rows = [json.dumps({"text": each}) for each in ("one", "two")]
    (text_file.parent / "rows.jsonl").write_text("\n".join(rows))
    built = cli("corpora", "build", "rows.jsonl", "--separator", r"\n\t\\", "--json").json()
    assert built["splits"]["train"]["chars"] == len("one\n\t\\two")
    assert "--max-bytes 'ten'" in cli("corpora", "build", text_file, "--max-bytes", "ten").told


def test_a_run_reads_another_text_as_its_own(tmp_path, cli):
    """What a model was trained on was normalised, so what it is measured by is as well, unless told otherwise."""
    (tmp_path / "a.txt").write_text("caf\u00e9 au lait\n" * 300)
    (tmp_path / "b.txt").write_text("cafe\u0301 au lait\n" * 30)
    charrnn.train("a.txt", normalize="nfc", steps=2, name="nfc", layers=1, hidden=8, embed=4)
    assert cli("eval", "nfc", "--corpus", "b.txt", "--json").json()["chars"] == len("café au lait\n") * 30
    kept = cli("eval", "nfc", "--corpus", "b.txt", "--normalize", "none", "--json").json()
    assert kept["chars"] == len("cafe\u0301 au lait\n") * 30


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"plain \xfc and utf-8 \xc3\xbc",
            r"utf-8: byte 0xfc at offset 6; give its --encoding \(such as latin-1\)",
        ),
        ("wide".encode("utf-16"), r"byte 0xff at offset 0; give its --encoding \(such as utf-16\)"),
        ("wide".encode("utf-32"), r"byte 0xff at offset 0; give its --encoding \(such as utf-32\)"),
        (b"cut \xe6\xbc", "byte 0xe6 at offset 4"),
        (b"surrogate \xed\xa0\x80", "byte 0xed at offset 10"),
    ],
)
def test_bytes_of_another_encoding_are_told_with_their_place(content, told, tmp_path):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=told):
        read("a.txt")


def test_what_is_odd_and_yet_text_is_read(tmp_path, cli):
    (tmp_path / "nul.txt").write_bytes(b"a\0b" * 200)
    assert read("nul.txt") == "a\0b" * 200
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfabc")
    assert read("bom.txt") == "abc"
    (tmp_path / "wide.txt").write_bytes("漢字 wide".encode("utf-16"))
    assert read("wide.txt", encoding="utf-16") == "漢字 wide"
    (tmp_path / "one.txt").write_bytes(b"a")
    assert read("one.txt") == "a"
    told = cli("train", "one.txt", "--steps", 1, *TINY).told
    assert "holds 1 tokens" in told
    assert "it takes one to learn from and one to check with" in told
    assert cli("train", "nul.txt", "--steps", 2, *TINY).code == 0


def test_a_lone_surrogate_of_a_row_is_told(tmp_path, cli):
    """JSON can write one, and no UTF-8 can."""
    (tmp_path / "rows.jsonl").write_text('{"text": "good"}\n{"text": "bad \\ud800"}\n')
    told = cli("corpora", "build", "rows.jsonl").told
    assert "'rows.jsonl' cannot be read as json" in told


@pytest.mark.parametrize("tokenizer", ["byte", "sentencepiece"])
def test_a_lone_surrogate_of_a_plugin_is_counted_where_it_cannot_be_kept(tokenizer):
    from charrnn.tokenizers.byte import ByteTokenizer
    from charrnn.tokenizers.sentencepiece import SentencePieceTokenizer

    texts = ["words and words again\n" * 50]
    trained = ByteTokenizer() if tokenizer == "byte" else SentencePieceTokenizer.train(texts, vocab_size=270)
    assert trained.unseen("good") == {}
    assert trained.unseen("bad \ud800\ud800") == {"\ud800": 2}


def test_a_file_that_grows_is_read_to_where_it_ended(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("before\n")
    corpus = open_corpus("log.txt", CorpusSettings())
    with path.open("a") as file:
        file.write("after\n")
    with pytest.warns(CorpusWarning, match="has grown while it was read; its first 7 bytes are the corpus"):
        assert "".join(corpus.read("train")) == "before\n"


def test_a_file_that_is_changed_while_it_is_read_is_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before\n")
    corpus = open_corpus("a.txt", CorpusSettings())
    path.write_text("less\n")
    with pytest.raises(CorpusError, match="was changed while it was read; try again"):
        "".join(corpus.read("train"))


def test_a_pipe_is_told_since_it_can_be_read_only_once(tmp_path, cli):
    os.mkfifo(tmp_path / "pipe")
    told = cli("train", "./pipe", *TINY).told
    assert "is no file that can be read twice; pipe it in: charrnn train - < ./pipe" in told


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"n": [1, 2]}, "no column of text, only: n (int64)"),
        ({"l": [["a"], ["b"]]}, "no column of text, only: l (List)"),
        ({"text": [None, None]}, "no column of text, only: text (null)"),
    ],
)
def test_columns_without_text_are_told(columns, told, tmp_path, cli):
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert told in cli("train", "a.parquet", *TINY).told


def test_nulls_among_texts_are_passed_over(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one", None, "", "two"]}), tmp_path / "a.parquet")
    assert read("a.parquet") == "one\ntwo"
