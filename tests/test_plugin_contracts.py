"""Tokenizers and corpora of plugins that return what they should not: one line says which, and what of it."""

from __future__ import annotations

import pytest

from tests.conftest import TINY

PLUGIN = """
import numpy as np

from charrnn import Corpus, hookimpl
from charrnn.corpora.base import Shard
from tests.broken_corpora import Numbers
from tests.broken_tokenizers import Characters

TOKENIZERS = {
    "fine": {},
    "listed": {"encode": lambda self, text: Characters.encode(self, text).tolist()},
    "floating": {"encode": lambda self, text: Characters.encode(self, text) / 1},
    "square": {"encode": lambda self, text: Characters.encode(self, text)[None]},
    "negative": {"encode": lambda self, text: Characters.encode(self, text) - 2 * (text != "\\ufffd")},
    "beyond": {"encode": lambda self, text: Characters.encode(self, text) + 2 * (text != "\\ufffd")},
    "bytes": {"decode": lambda self, ids: Characters.decode(self, ids).encode()},
    "loads": {"load": classmethod(lambda cls, directory: None)},
    "counts": {"__init__": lambda self, text: (Characters.__init__(self, text), setattr(self, "vocab_size", "9"))[0]},
}
CORPORA = {
    "numbers": {},
    "nameless": {"name": None},
    "apart": {"separator": None},
    "undivided": {"splits": lambda self: "train"},
    "untaught": {"splits": lambda self: ("test",)},
    "raw": {"read": lambda self, split: iter([b"raw"])},
    "nowhere": {"provenance": lambda self: None},
    "set": {"provenance": lambda self: {"of": {1}}},
    "unmarked": {"fingerprint": lambda self: 7},
    "vast": {"size": lambda self: "vast"},
    "whole": {"shards": lambda self, split: ["text"]},
    "torn": {"shards": lambda self, split: [Shard(lambda: iter([b"raw"]))] * 2},
}


@hookimpl
def register_tokenizers(register):
    for name, changed in TOKENIZERS.items():
        register(name, type(name, (Characters,), changed))


@hookimpl
def register_corpora(register):
    for name, changed in CORPORA.items():
        register(name, type(name, (Numbers,), changed))
    register("nothing", lambda settings: None)
"""

WRONG_TOKENIZERS = {
    "listed": "its encode() should return a one-dimensional array of whole numbers, not [",
    "floating": "its encode() should return a one-dimensional array of whole numbers, not array([",
    "square": "its encode() should return a one-dimensional array of whole numbers, not array([[",
    "negative": "its encode() returns the id -1, and ids are 0 to ",
    "beyond": "its encode() returns the id ",
    "bytes": "its decode() should return text, not b'",
    "loads": "its load() should return a charrnn.Tokenizer, not None",
    "counts": "its vocab_size should be a whole number, not '9'",
}
WRONG_CORPORA = {
    "nameless": "its name should be fit for a file, not None",
    "apart": "its separator should be text, not None",
    "undivided": "splits() should return names, 'train' among them, not 'train'",
    "untaught": "splits() should return names, 'train' among them, not ('test',)",
    "raw": "read() should yield text, not b'raw'",
    "nowhere": "provenance() should return a dictionary, not None",
    "set": "Object of type set is not JSON serializable",
    "unmarked": "fingerprint() should return text, not 7",
    "vast": "size() should return bytes or None, not 'vast'",
    "nothing": "it should be a charrnn.Corpus, not None",
}


@pytest.fixture
def train(cli, tmp_path):
    plugin = tmp_path / "wrong.py"
    plugin.write_text(PLUGIN)
    return lambda *arguments: cli("--plugin", plugin, "train", *arguments, *TINY, "--steps", 2)


def assert_told(result, kind, name, told):
    assert result.code == 1
    assert result.told.startswith(f"charrnn: {kind} '{name}' of plugin 'wrong' failed: ")
    assert told in result.told


@pytest.mark.parametrize(("name", "told"), WRONG_TOKENIZERS.items())
def test_a_tokenizer_is_told_what_it_should_return(name, told, train, text_file):
    assert_told(train(text_file, "--tokenizer", name), "tokenizer", name, told)


@pytest.mark.parametrize("name", ["negative", "beyond"])
def test_so_it_is_where_text_is_streamed(name, train):
    assert_told(train("numbers", "--stream", "--tokenizer", name), "tokenizer", name, WRONG_TOKENIZERS[name])


@pytest.mark.parametrize(("name", "told"), WRONG_CORPORA.items())
def test_a_corpus_is_told_what_it_should_return(name, told, train):
    assert_told(train(name), "corpus", name, told)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("whole", "shards() should return a list of charrnn.Shard, not ['text']"),
        ("torn", "a shard's read() should yield text, not b'raw'"),
    ],
)
def test_so_it_is_of_shards(name, told, train):
    assert_told(train(name, "--stream"), "corpus", name, told)


def test_those_that_keep_their_contract_are_trained_on(train):
    for more in ([], ["--stream"]):
        result = train("numbers", "--tokenizer", "fine", *more)
        assert result.code == 0, result.err
