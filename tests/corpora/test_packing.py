"""Token packs: the very text, at constant memory, by several processes, and taken up again where they were killed."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import filelock
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.corpora.base import Corpus
from charrnn.corpora.cache import cache_directory
from charrnn.corpora.cache_contents import cache_contents, clear_cache
from charrnn.corpora.fitting import fit_tokenizer
from charrnn.corpora.packs import encoder as encoding
from charrnn.corpora.packs import packing
from charrnn.corpora.packs.journal import Journal, PackedShard
from charrnn.corpora.packs.pack import Part, cut, find_pack, open_pack
from charrnn.corpora.pieces import blocks
from charrnn.corpora.prepare import prepare
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.worker import Worker
from charrnn.errors import CorpusError, InterruptedRunError
from charrnn.settings import CorpusSettings, PreparationSettings, TokenizerSettings
from charrnn.tokenizers.char import CharTokenizer

#: Scripts of one, two, three and four bytes a character, line ends of all kinds, marks, and no newline at the end.
ODD = "Übung macht 漢字 \u2581 🐍 e\u0301\r\nnext\rlast\n\u2028 <unk> <s> \x00\x7f" * 40 + "the end"


def packed(address, **settings):
    return prepare(str(address), PreparationSettings(**settings), lambda *_: None)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(packing, "blocks", lambda texts, size: blocks(texts, 100))


def texts():
    """Python's own text, of several scripts, and what trips tokenizers."""
    library = Path(sysconfig.get_path("stdlib"))
    yield "odd", ODD
    yield "english", (library / "textwrap.py").read_text(encoding="utf-8")
    yield "cjk", "".join(map(chr, range(0x4E00, 0x5200))) + "\n" + "".join(map(chr, range(0x1F300, 0x1F600)))


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("tokenizer", ["char", "byte", "sentencepiece"])
@pytest.mark.parametrize(("name", "text"), list(texts()))
def test_a_pack_decodes_to_the_text(tokenizer, name, text, tmp_path):
    (tmp_path / f"{name}.txt").write_bytes(text.encode())
    options = {"vocab_size": {"odd": 320, "english": 400, "cjk": 2500}[name]} if tokenizer == "sentencepiece" else {}
    prepared = packed(f"{name}.txt", tokenizer=tokenizer, tokenizer_options=options)
    ids = prepared.pack.tokens("train")
    assert isinstance(ids, np.memmap)
    vocabulary = prepared.fitted.tokenizer.vocab_size
    assert ids.dtype == (np.uint8 if vocabulary <= 256 else np.uint16)
    assert prepared.fitted.tokenizer.decode(ids) == text
    assert prepared.fitted.tokenizer.encode(text).tolist() == ids.tolist()
    counts = prepared.pack.splits["train"]
    assert (counts["tokens"], counts["chars"], counts["bytes"]) == (len(ids), len(text), len(text.encode()))
    assert counts["unseen"] == {}


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(1, 20))
def test_blocks_are_the_text_in_pieces_of_one_size(pieces, size):
    found = list(blocks(pieces, size))
    assert "".join(found) == "".join(pieces)
    assert all(len(each) == size for each in found[:-1])
    assert all(0 < len(each) <= size for each in found[-1:])


def test_a_pack_is_built_once_and_again_when_the_text_changes(own_cache, tmp_path):
    (tmp_path / "a.txt").write_text("one text")
    calls = []
    settings = PreparationSettings()
    first = prepare("a.txt", settings, lambda *at: calls.append(at))
    assert calls
    calls.clear()
    assert prepare("a.txt", settings, lambda *at: calls.append(at)).pack == first.pack
    assert not calls
    (tmp_path / "a.txt").write_text("another text")
    assert prepare("a.txt", settings, lambda *_: None).pack.key != first.pack.key


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda manifest: manifest.update(dtype="106"), "dtype '106': should be 'uint8', 'uint16' or 'uint32'"),
        (lambda manifest: manifest.update(splits=[]), "splits '[]': should be a valid dictionary"),
        (lambda manifest: manifest["splits"]["train"].pop("chars"), "splits.train.chars is missing"),
        (lambda manifest: manifest["splits"]["train"].update(tokens=-1), "should be greater than or equal to 0"),
        (lambda manifest: manifest.update(splits={"../train": manifest["splits"]["train"]}), "should match pattern"),
        (lambda manifest: manifest.update(provenance=json.loads("[" * 40 + "]" * 40)), "nested more than 32 deep"),
    ],
)
def test_a_damaged_manifest_is_told(change, problem, own_cache, tmp_path):
    (tmp_path / "words.txt").write_text("some words\n" * 20)
    pack = prepare("words.txt", PreparationSettings(), lambda *_: None).pack
    manifest = json.loads((pack.directory / "manifest.json").read_text())
    change(manifest)
    (pack.directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorpusError) as error:
        find_pack(pack.key)
    assert str(error.value).startswith(f"the token pack {pack.directory} is damaged (")
    assert problem in str(error.value)
    assert str(error.value).endswith("remove that folder")


def test_what_fails_leaves_no_half_pack(own_cache, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"good\n" * 1_000_000 + b"\xff")
    for tokenizer in ("char", "byte"):  # the one fails while it learns, the other while it packs
        with pytest.raises(CorpusError, match="offset 5000000"):
            packed("a.txt", tokenizer=tokenizer)
    left = [path for path in own_cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


@pytest.mark.usefixtures("own_cache", "small_shards")
def test_a_build_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    """Encoding starts again at the first shard that is not there, and the pack is that of an undisturbed build."""
    (tmp_path / "a.txt").write_text(ODD)
    encoded = []
    whole = encoding.encode

    def counting(fitted, text):
        if len(encoded) == stop:
            raise InterruptedRunError("interrupted", 130)
        encoded.append(text)
        return whole(fitted, text)

    monkeypatch.setattr(encoding, "encode", counting)
    stop = 7
    with pytest.raises(InterruptedRunError):
        packed("a.txt")
    assert len(encoded) == 7
    [unfinished] = [each for each in cache_contents() if not each.finished]
    assert (unfinished.kind, unfinished.corpus) == ("tokens", "a")
    stop = None
    with pytest.raises(CorpusError, match="the cache no longer has the tokens"):
        find_pack(
            unfinished.path.name.removeprefix(".").removesuffix(".unfinished")
        )  # and looking for it harms nothing
    pack = packed("a.txt").pack
    assert "".join(encoded) == ODD
    assert CharTokenizer.train([ODD]).encode(ODD).tolist() == pack.tokens("train").tolist()
    assert sorted(path.name for path in pack.directory.iterdir()) == ["manifest.json", "train.bin"]


def test_a_shard_counts_only_if_it_is_whole_and_of_this_text(tmp_path):
    shards = [PackedShard(f"text {n}", 0, 1, 1, 4, {}) for n in range(4)]
    ids = [np.arange(4, dtype=np.uint16).tobytes() for _ in shards]
    shards = [replace(each, ids_crc32=zlib.crc32(raw)) for each, raw in zip(shards, ids, strict=True)]

    def write():
        for path in tmp_path.glob("s.*"):
            path.unlink()
        with Journal(tmp_path / "s.bin", 2) as journal:
            for shard, raw in zip(shards, ids, strict=True):
                assert journal.resume(shard.text_sha256) is None
                journal.append(shard, raw)

    def resumed():
        with Journal(tmp_path / "s.bin", 2) as journal:
            return sum(journal.resume(shard.text_sha256) is not None for shard in shards)

    write()
    assert resumed() == 4
    write()
    with (tmp_path / "s.bin").open("r+b") as file:  # the third shard never reached the disk
        file.seek(2 * 8)
        file.write(b"\0" * 8)
    assert resumed() == 2
    write()
    lines = (tmp_path / "s.journal").read_text()
    (tmp_path / "s.journal").write_text(lines[:-20])  # killed within a line
    assert resumed() == 3
    write()
    shards[1] = replace(shards[1], text_sha256="another text")
    assert resumed() == 1  # and what follows is of another text as well, whatever its hash


def test_a_build_that_was_killed_goes_on(own_cache, tmp_path):
    """The real thing: SIGKILL while it packs."""
    (tmp_path / "a.txt").write_text(ODD * 200)
    build = [sys.executable, "-c", KILLED]
    killed = subprocess.run(build, capture_output=True, timeout=120)
    assert killed.returncode == -9, killed.stderr
    journals = list((own_cache / "packs").rglob("*.journal"))
    shards = len(journals[0].read_text().splitlines())
    assert shards == 3
    pack = packed("a.txt").pack
    assert CharTokenizer.train([ODD]).encode(ODD * 200).tolist() == pack.tokens("train").tolist()


KILLED = """
import os, signal
from charrnn.corpora.packs import packing, encoder
from charrnn.corpora.prepare import prepare
from charrnn.settings import PreparationSettings
small = packing.blocks
packing.blocks = lambda texts, size: small(texts, 50_000)
encode, done = encoder.encode, []
def killing(*arguments):
    done.append(1)
    if len(done) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(*arguments)
encoder.encode = killing
prepare("a.txt", PreparationSettings(), lambda *_: None)
"""


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("tokenizer", ["char", "sentencepiece"])
def test_several_processes_make_the_same_pack(tokenizer, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(ODD)
    options = {"vocab_size": 320} if tokenizer == "sentencepiece" else {}
    alone = packed("a.txt", tokenizer=tokenizer, tokenizer_options=options).pack
    ids = alone.tokens("train").tolist()
    clear_cache()
    asked = []
    ask = Worker.ask
    monkeypatch.setattr(packing, "blocks", lambda texts, size: blocks(texts, 100))
    monkeypatch.setattr(encoding, "_SLOW_SECONDS", -1.0)
    monkeypatch.setattr(encoding, "_SLOW_SHARE", -1.0)
    monkeypatch.setattr(Worker, "ask", lambda self, *what: (asked.append(self), ask(self, *what)))
    together = packed("a.txt", tokenizer=tokenizer, tokenizer_options=options).pack
    assert len(set(asked)) > 1
    assert together.tokens("train").tolist() == ids
    assert together.splits == alone.splits


@pytest.mark.usefixtures("own_cache")
def test_a_worker_that_fails_or_dies_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    fitted = fit_tokenizer(open_corpus("a.txt", CorpusSettings()), TokenizerSettings(), lambda *_: None)
    orders = {"tokenizer": "char", "directory": str(tmp_path / "none")}
    with Worker("charrnn.corpora.packs.encoder:answer", orders) as worker:
        worker.ask({}, b"text")
        with pytest.raises(Exception, match="alphabet"):
            worker.answer()
    with Worker("charrnn.corpora.packs.encoder:answer", {**orders, "directory": str(fitted.directory)}) as worker:
        worker.ask({}, b"text")
        assert np.frombuffer(worker.answer()[1], np.uint8).tolist() == fitted.tokenizer.encode("text").tolist()
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(CorpusError, match="by signal 9; is there enough memory"):
            worker.answer()


def test_the_cut_keeps_order_and_falls_between_characters(tmp_path):
    (tmp_path / "a.txt").write_text("é" * 50)
    prepared = packed("a.txt", tokenizer="byte")
    for percent in range(1, 100):
        training, validation = cut(prepared.pack, prepared.fitted.tokenizer, percent / 100)
        assert training.start == 0
        assert training.stop == validation.start
        assert validation == Part("train", training.stop, 100)
        assert training.stop % 2 == 0 or training.stop == 99


def test_memory_does_not_grow_with_the_corpus(tmp_path):
    """The long form, at 2 GB and in a process of its own, is ``make proof-packing``."""
    peaks = []
    for size in (16, 64):
        (tmp_path / "a.txt").write_text("abcdefgh" * (size * 131_072))
        tracemalloc.start()
        packed("a.txt")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2 + 1e6


@pytest.mark.usefixtures("own_cache")
def test_two_runs_share_one_build(tmp_path):
    """The second waits, says so, and packs nothing."""
    (tmp_path / "a.txt").write_text(ODD)
    corpus, settings = open_corpus("a.txt", CorpusSettings()), TokenizerSettings()
    fit_tokenizer(corpus, settings, lambda *_: None)
    [key] = [path.name for path in (cache_directory() / "tokenizers").iterdir() if path.is_dir()]
    clear_cache()
    told = []
    lock = filelock.FileLock(cache_directory() / "tokenizers" / f"{key}.lock")

    def progress(doing, done, total):
        told.append(doing)
        lock.release()

    with lock:
        fit_tokenizer(corpus, settings, progress)
    assert told[0] == "waiting for another process that reads it"


@pytest.mark.usefixtures("own_cache")
def test_the_cache_is_listed_and_cleared(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"text {name}")
        packed(f"{name}.txt")
    assert {(each.kind, each.corpus, each.finished) for each in cache_contents()} == {
        (kind, corpus, True) for kind in ("tokens", "tokenizer") for corpus in ("one", "two")
    }
    removed, left = clear_cache("one")
    assert (len(removed), left) == (2, [])
    assert {each.corpus for each in cache_contents()} == {"two"}
    clear_cache()
    assert cache_contents() == []
    assert not [path for path in cache_directory().rglob("*") if path.is_file()]
    assert json.loads((packed("two.txt").pack.directory / "manifest.json").read_text())["corpus"] == "two"


SLOW = """
import time
from charrnn import hookimpl
from charrnn.tokenizers.char import CharTokenizer

class Slow(CharTokenizer):
    def encode(self, text):
        if "bad" in text:
            raise ValueError("a text that it does not like")
        time.sleep(0.02)
        return super().encode(text)

@hookimpl
def register_tokenizers(register):
    register("slow", Slow)
"""
#: Builds with workers from the first shard on; what it prints says that they are at work.
WITH_WORKERS = """
import os, signal, sys
from charrnn.cli import main
from charrnn.corpora import worker
from charrnn.corpora.packs import encoder, packing
small = packing.blocks
packing.blocks = lambda texts, size: small(texts, 2000)
encoder._SLOW_SECONDS = encoder._SLOW_SHARE = -1.0
how, answered = sys.argv[1], []
def answer(self):
    answered.append(self)
    if len(answered) == 5 and how == "kill":
        os.kill(self._process.pid, signal.SIGKILL)
    if len(answered) == 5 and how == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
    return whole(self)
whole, worker.Worker.answer = worker.Worker.answer, answer
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("how", "text", "code", "told"),
    [
        ("kill", "good " * 20_000, 1, "a process that was at work on the corpus has ended by signal 9"),
        ("interrupt", "good " * 20_000, 130, "interrupted"),
        ("raise", "good " * 10_000 + "bad", 1, "tokenizer 'slow' of plugin 'slow' failed: ValueError: a text that it"),
    ],
)
def test_what_ends_one_of_several_processes_ends_the_build_in_a_line(how, text, code, told, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "a.txt").write_text(text)
    build = ["corpora", "build", "a.txt", "--tokenizer", "slow", "--plugin", "slow.py"]
    ended = subprocess.run(
        [sys.executable, "-c", WITH_WORKERS, how, *build], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == code, ended.stderr
    assert told in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert all(each.finished for each in cache_contents()) == (how != "interrupt")  # which can go on


@pytest.mark.usefixtures("own_cache", "small_shards")
def test_splits_that_were_finished_are_not_encoded_again(tmp_path, monkeypatch):
    class Splits(Corpus):
        name = "splits"
        separator = "\n"

        def splits(self):
            return ("train", "validation")

        def read(self, split):
            yield ODD if split == "train" else ODD[::-1]

        def provenance(self):
            return {"source": "splits"}

    encoded = []
    whole = encoding.encode
    fitted = fit_tokenizer(Splits(), TokenizerSettings(), lambda *_: None)

    shards = -(-len(ODD) // 100)
    for more in (shards + 3, 2):  # stopped in the second split, then once more
        monkeypatch.setattr(encoding, "encode", limited(whole, encoded, more))
        with pytest.raises(InterruptedRunError):
            open_pack(Splits(), fitted, lambda *_: None)
    monkeypatch.setattr(encoding, "encode", limited(whole, encoded, 10_000))
    done = []
    pack = open_pack(Splits(), fitted, lambda doing, at, total: done.append(at))
    assert "".join(encoded) == ODD + ODD[::-1]
    assert fitted.tokenizer.decode(pack.tokens("validation")) == ODD[::-1]
    assert done == sorted(done)  # the bar does not begin anew with each split
    assert sorted(path.suffix for path in pack.directory.iterdir()) == [".bin", ".bin", ".json"]


def limited(encode, encoded, most):
    """Encode so many texts, and stop as Ctrl-C does."""
    until = len(encoded) + most

    def limited_encode(fitted, text):
        if len(encoded) == until:
            raise InterruptedRunError("interrupted", 130)
        encoded.append(text)
        return encode(fitted, text)

    return limited_encode
