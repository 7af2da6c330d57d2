"""What is learned is the same each time, from a bounded sample; what cannot be is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import tokenizers
from charrnn_hf_tokenizers.bpe import BPETokenizer
from charrnn_hf_tokenizers.byte_bpe import ByteBPETokenizer
from charrnn_hf_tokenizers.sample import Sample
from charrnn_hf_tokenizers.word import WordTokenizer
from charrnn_hf_tokenizers.wordpiece import WordPieceTokenizer

from charrnn.errors import CharrnnError, CorpusError, RunError, UsageError
from charrnn.options import check_options
from charrnn.plugins import plugins

TRAINING = "the cat sat on the mat, and the dog sat on the log\n    indented\n" * 30 + "μῆνιν ἄειδε θεά\n" * 5
NAMES = {
    "hf-bpe": BPETokenizer,
    "hf-byte-bpe": ByteBPETokenizer,
    "hf-wordpiece": WordPieceTokenizer,
    "hf-word": WordTokenizer,
}
every_kind = pytest.mark.parametrize("kind", NAMES.values())


def python(program):
    """Run a program in a process of its own, in which nothing may be told on standard error."""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stderr == ""
    return found.stdout


@every_kind
def test_save_and_load(kind, tmp_path):
    tokenizer = kind.train([TRAINING], vocab_size=300)
    tokenizer.save(tmp_path)
    loaded = kind.load(tmp_path)
    assert loaded.vocab_size == tokenizer.vocab_size
    text = TRAINING + "unseen: ☃ \ud800"
    np.testing.assert_array_equal(loaded.encode(text), tokenizer.encode(text))
    assert loaded.unseen(text) == tokenizer.unseen(text)
    loaded.save(tmp_path / "..")
    assert (tmp_path / ".." / "tokenizer.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()


@every_kind
def test_the_library_opens_the_file_and_reads_the_same(kind, tmp_path):
    tokenizer = kind.train([TRAINING], vocab_size=300)
    tokenizer.save(tmp_path)
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    line = "    the cat sat on μῆνιν\n"
    assert library.encode(line).ids == tokenizer.encode(line).tolist()
    assert library.decode(tokenizer.encode(line).tolist(), skip_special_tokens=False) == line
    assert library.get_added_tokens_decoder() == {}


@every_kind
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1, 2", b"\xff", b'{"model": {"type": "Nope"}}'])
def test_a_damaged_file_is_told_in_one_line(kind, content, tmp_path):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(RunError, match=r"the tokenizer \S+tokenizer\.json cannot be read: ") as told:
        kind.load(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("saved", "opened", "reason"),
    [
        (BPETokenizer, WordPieceTokenizer, "it holds a BPE model, not WordPiece"),
        (WordPieceTokenizer, BPETokenizer, "it holds a WordPiece model, not BPE"),
        (BPETokenizer, ByteBPETokenizer, "it has not all 256 bytes"),
        (ByteBPETokenizer, BPETokenizer, r"it has no token for U\+FFFD"),
    ],
)
def test_another_kind_of_file_is_told(saved, opened, reason, tmp_path):
    saved.train([TRAINING], vocab_size=300).save(tmp_path)
    with pytest.raises(RunError, match=reason):
        opened.load(tmp_path)


def changed(**model):
    """Write a small tokenizer's file as a stranger may have changed it."""
    vocabulary = {"\ufffd": 0, "a": 1, "b": 2, "ab": 3}
    whole = {"type": "BPE", "vocab": vocabulary, "merges": [["a", "b"]], "unk_token": "\ufffd", **model}
    return json.dumps({"version": "1.0", "model": whole}).encode()


HOSTILE = {
    "an id that takes gigabytes": changed(vocab={"\ufffd": 0, "a": 2**32 - 1}),
    "an id twice": changed(vocab={"\ufffd": 0, "a": 1, "b": 1, "ab": 2}),
    "a negative id": changed(vocab={"\ufffd": 0, "a": -1}),
    "ids that are no numbers": changed(vocab={"\ufffd": False, "a": True}),
    "a vocabulary that is a list": changed(vocab=["\ufffd", "a"]),
    "a token twice": changed().replace(b'"a": 1', b'"b": 1'),
    "a token of a megabyte": changed(vocab={"\ufffd": 0, "a": 1, "b": 2, "ab": 3, "x" * 10**6: 4}),
    "half a character": changed(vocab={"\ufffd": 0, "a": 1, "b": 2, "ab": 3, chr(0xD800): 4}),
    "too many tokens": changed(vocab={f"{number:x}": number for number in range(10**5 + 1)}),
    "a merge of what is not there": changed(merges=[["a", "z"]]),
    "a merge of nothing": changed(merges=[[]]),
    "a kind that is a list": changed(type=["BPE"]),
    "10 MB of lists": b"[" + b"[]," * (10**7 // 3) + b"[]]",
    "nested JSON": b'{"model":' * 10**5,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_stranger_s_file_is_refused_before_room_is_made_for_it(content, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(content)
    told, megabytes = python(LOADING.format(directory=str(tmp_path))).splitlines()
    assert told.startswith("the tokenizer ")
    assert int(megabytes) < 200


#: Loads a tokenizer, and prints why that failed and how much memory it took.
LOADING = """if True:
    import os, resource
    from charrnn.errors import RunError
    from charrnn_hf_tokenizers.bpe import BPETokenizer
    from pathlib import Path

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    before = peak()
    try:
        BPETokenizer.load(Path({directory!r}))
    except RunError as error:
        print(error)
    print(peak() - before)
"""


def test_what_a_kind_of_model_should_not_have_does_not_reach_the_library(tmp_path):
    """A prefix in byte-pair encoding ends the process; dropout draws lots; rules rewrite the text."""
    content = json.loads(changed(continuing_subword_prefix="##", dropout=0.9, fuse_unk=True, end_of_word_suffix="a"))
    content |= {"normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "b" * 1000}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = BPETokenizer.load(tmp_path)
    assert tokenizer.encode("abba??").tolist() == [3, 2, 1, 0, 0]


def test_ids_with_a_gap_are_told(tmp_path):
    BPETokenizer.train(["ab"], min_frequency=5).save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"b":1', '"b":7'), encoding="utf-8")
    with pytest.raises(RunError, match="its ids should be 0, 1, 2 and so on"):
        BPETokenizer.load(tmp_path)


def test_the_same_corpus_gives_the_same_file_in_another_process():
    program = """if True:
        import hashlib, pathlib, tempfile
        from charrnn.plugins import plugins
        for name in ("hf-bpe", "hf-byte-bpe", "hf-wordpiece", "hf-word"):
            directory = pathlib.Path(tempfile.mkdtemp())
            text = pathlib.Path(tempfile.__file__).read_text(encoding="utf-8")
            plugins().tokenizers[name].load().train([text], vocab_size=500).save(directory)
            print(name, hashlib.sha256((directory / "tokenizer.json").read_bytes()).hexdigest())
    """
    first = python(program)
    assert len(first.splitlines()) == 4
    assert python(program) == first


def test_nothing_is_printed_where_a_process_forks_after_training():
    program = """if True:
        import os
        from charrnn_hf_tokenizers.bpe import BPETokenizer
        BPETokenizer.train(["the cat " * 100]).encode("the cat")
        child = os.fork()
        if child:
            os.waitpid(child, 0)
    """
    assert python(program) == ""


@every_kind
def test_pieces_of_a_corpus_are_learned_from_as_the_whole(kind, tmp_path):
    kind.train([TRAINING], vocab_size=300).save(tmp_path)
    whole = (tmp_path / "tokenizer.json").read_bytes()
    kind.train(iter(TRAINING), vocab_size=300).save(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == whole


def test_a_sample_is_bounded_and_drawn_evenly_and_its_alphabet_is_that_of_all():
    def texts():
        for number in range(5000):
            yield f"{number}\n"
        yield "é\ud800"

    sample = Sample.read(texts(), 100)
    assert len(sample.lines) == 100
    assert Sample.read(texts(), 100) == sample
    assert sample.alphabet == [*"\n0123456789é\ufffd"]
    assert 2000 < sum(int(line.strip("\né\ufffd") or 0) for line in sample.lines) / 100 < 3000


@every_kind
def test_a_character_that_the_sample_lacks_is_known(kind):
    text = "aaaa bbbb\n" * 50 + "z\n" + "aaaa bbbb\n" * 50
    tokenizer = kind.train([text], vocab_size=300, sample_lines=1)
    assert tokenizer.decode(tokenizer.encode("azaz zz\n")) == "azaz zz\n"
    assert not tokenizer.unseen("z")


@every_kind
def test_surrogates_in_a_corpus_are_replaced(kind):
    tokenizer = kind.train(["a \ud800 b\n" * 10], vocab_size=300)
    assert tokenizer.unseen("a\udfff\ud83d\ude00") == Counter("\udfff\ud83d\ude00")
    assert tokenizer.decode(tokenizer.encode("a\ud800")) == "a\ufffd"


@every_kind
def test_a_corpus_without_text_leaves_what_is_always_there(kind):
    assert kind.train([]).vocab_size == (256 if kind is ByteBPETokenizer else 1)


@every_kind
def test_vocab_size_is_a_bound(kind):
    assert kind.train([TRAINING], vocab_size=290).vocab_size <= 290
    assert kind.train(["ab ab ab"], vocab_size=100_000).vocab_size < 300


def test_min_frequency_is_how_often_a_token_occurs():
    words = {WordTokenizer.train(["once twice twice\n"], min_frequency=least).encode("once").size for least in (1, 2)}
    assert words == {1, 4}


@pytest.mark.parametrize(
    ("name", "text", "vocab_size", "told"),
    [
        ("hf-bpe", "abc", 3, "vocab_size=3 is too small: the characters of this corpus take 4 tokens by themselves"),
        ("hf-byte-bpe", "abc", 255, "vocab_size=255 is too small: the bytes take 256 tokens by themselves"),
        ("hf-wordpiece", "a .", 5, "give --tokenizer-option vocab_size=6 or more"),
        ("hf-word", "abc", 0, "give --tokenizer-option vocab_size=4 or more"),
        ("hf-word", "abc", -5, "vocab_size=-5 is too small"),
    ],
)
def test_too_small_a_vocabulary_is_told_with_what_is_possible(name, text, vocab_size, told):
    with pytest.raises(CorpusError, match=told) as error:
        NAMES[name].train([text], vocab_size=vocab_size)
    assert "\n" not in str(error.value)
    least = int(str(error.value).split("vocab_size=")[-1].split()[0])
    assert NAMES[name].train([text], vocab_size=least).vocab_size == least


@every_kind
@pytest.mark.parametrize(
    "option", [{"vocab_size": 10**30}, {"min_frequency": -1}, {"min_frequency": 2**64}, {"sample_lines": 0}]
)
def test_an_option_out_of_range_is_told_before_the_corpus_is_read(kind, option):
    def texts():
        raise AssertionError("read")
        yield

    ((name, value),) = option.items()
    with pytest.raises(UsageError, match=f"{name}={value}"):
        kind.train(texts(), **option)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_name_whose_options_the_command_line_can_give(name):
    entry = plugins().tokenizers[name]
    assert entry.load() is NAMES[name]
    options = {"vocab_size": "300", "min_frequency": "3", "sample_lines": "10"}
    assert check_options(entry, entry.load().train, options) == {name: int(value) for name, value in options.items()}
    with pytest.raises(CharrnnError, match="vocab_size"):
        check_options(entry, entry.load().train, {"vocabulary": "300"})


def test_registering_does_not_import_the_library():
    program = (
        "import sys, charrnn_hf_tokenizers\n"
        "names = []\n"
        "charrnn_hf_tokenizers.register_tokenizers(lambda name, target, summary: names.append(name))\n"
        "print(*names, 'tokenizers' in sys.modules, 'numpy' in sys.modules)"
    )
    assert python(program).split() == [*NAMES, "False", "False"]
