"""Streams: no pack, an order of their own, and any token found again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import charrnn
from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.fitting import fit_tokenizer
from charrnn.corpora.prepare import prepare_to_train
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.streaming.feed import Feed
from charrnn.corpora.streaming.held_back import HeldBack
from charrnn.corpora.streaming.position import Position
from charrnn.corpora.streaming.tokens import TokenStream
from charrnn.corpora.worker import Worker
from charrnn.errors import CorpusError, UsageError
from charrnn.launch import WHOLE, Share
from charrnn.runs.find import find_run
from charrnn.settings import CorpusSettings, TokenizerSettings, TrainSettings
from charrnn.training import stream_batches
from charrnn.training.events import Logged, Started
from tests.conftest import TINY

SMALL = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 4, "lr": 0.01}
PARTS = ["charrnn.corpora.streaming.tokens._PART", "charrnn.corpora.streaming.held_back._UNIT"]


class Rows(Corpus):
    """Documents in shards, as a dataset has them."""

    name = "rows"
    separator = "\n"

    def __init__(self, shards=6, documents=50, whole=True):
        self._shards, self._documents, self._whole = shards, documents, whole

    def splits(self):
        return ("train",)

    def read(self, split):
        for shard in self.shards(split):
            for document in shard.read():
                yield f"{document}\n"

    def shards(self, split):
        def documents(shard):
            return (f"document {number} of shard {shard}" for number in range(self._documents))

        return [Shard(lambda shard=shard: documents(shard), self._whole) for shard in range(self._shards)]

    def provenance(self):
        return {"rows": [self._shards, self._documents, self._whole]}


def stream(corpus, tokenizer="char", share=0.1, seed=0, buffer=10, part=WHOLE):
    fitted = fit_tokenizer(corpus, TokenizerSettings(tokenizer=tokenizer), lambda *_: None)
    return TokenStream(corpus, HeldBack(corpus, share), fitted, seed, buffer, part), fitted.tokenizer


def take(stream, start, size, count):
    windows = stream.windows(start, size)
    return [next(windows) for _ in range(count)]


@pytest.fixture
def small_parts(monkeypatch):
    for name in PARTS:
        monkeypatch.setattr(name, 64)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("tokenizer", ["char", "byte"])
@pytest.mark.parametrize("whole", [True, False])
def test_any_token_is_found_again(tokenizer, whole):
    rows, _ = stream(Rows(whole=whole), tokenizer)
    windows = take(rows, Position(), 300, 60)
    assert windows[-1].start.epoch > 1
    for one, other in pairwise(windows):
        assert one.stop == other.start
        again = take(rows, one.stop, 300, 2)
        assert again[0].ids.tolist() == other.ids.tolist()
        assert again[0].start == other.start
    # Windows of another length hold the same tokens.
    long = take(rows, windows[7].start, 900, 1)[0]
    assert long.ids.tolist() == np.concatenate([each.ids for each in windows[7:10]]).tolist()


@pytest.mark.usefixtures("small_parts")
def test_an_epoch_holds_every_document_once_in_a_new_order_and_none_that_is_held_back():
    corpus = Rows()
    held_back = "".join(HeldBack(corpus, 0.1).read("validation")).splitlines()
    every = set("".join(corpus.read("train")).splitlines())
    assert 0.02 < len(held_back) / len(every) < 0.25
    rows, tokenizer = stream(corpus)
    tokens = sum(len(each) + 1 for each in every - set(held_back))
    epochs = [tokenizer.decode(window.ids).splitlines() for window in take(rows, Position(), tokens, 3)]
    for epoch in epochs:
        assert Counter(epoch) == Counter(every - set(held_back))
    assert epochs[0] != epochs[1] != epochs[2]
    shards = [int(line.rsplit(" ", 1)[1]) for line in epochs[0]]
    assert sorted(set(shards), key=shards.index) != sorted(set(shards))  # shards are shuffled
    first = [line for line in epochs[0] if line.endswith(f"shard {shards[0]}")]
    assert first != sorted(first, key=lambda line: int(line.split()[1]))  # and documents within them
    assert tokenizer.decode(take(stream(corpus, seed=1)[0], Position(), tokens, 1)[0].ids).splitlines() != epochs[0]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("of", [1, 2, 3, 6])
def test_the_shares_of_an_epoch_are_all_of_it_and_any_token_of_one_is_found_again(of):
    corpus = Rows()
    every = set("".join(corpus.read("train")).splitlines()) - set(
        "".join(HeldBack(corpus, 0.1).read("validation")).splitlines()
    )
    read = Counter()
    for number in range(of):
        rows, tokenizer = stream(corpus, share=0.1, part=Share(number, of))
        windows = [window for window in take(rows, Position(), 100, 400) if window.stop.epoch == 0]
        read.update("".join(tokenizer.decode(window.ids) for window in windows).splitlines())
        for one, other in pairwise(windows):
            assert take(rows, one.stop, 100, 1)[0].ids.tolist() == other.ids.tolist()
    # The last window of each, which goes into the next epoch, was left out, and cuts a line.
    assert sum(read.values()) > len(every) - 4 * of
    assert len(set(read) - every) <= of
    assert all(count == 1 for line, count in read.items() if line in every)


def test_a_text_that_is_no_row_of_documents_keeps_its_order():
    rows, tokenizer = stream(Rows(whole=False, shards=1, documents=4000), share=1e-9)
    text = tokenizer.decode(take(rows, Position(), 20_000, 1)[0].ids)
    assert "".join(Rows(whole=False, shards=1, documents=4000).shards("train")[0].read()).startswith(text)


def test_a_large_text_file_is_cut_into_runs_of_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("charrnn.corpora.local.files.SHARD_BYTES", 1000)
    text = "".join(f"line {number} — ü漢\n" for number in range(400)) + "x" * 2500 + "\nthe end"
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    shards = open_corpus("a.txt", CorpusSettings()).shards("train")
    assert len(shards) > 8
    pieces = ["".join(each.read()) for each in shards]
    assert "".join(pieces) == text
    assert all(piece.endswith("\n") for piece in list(filter(None, pieces))[:-1])
    utf16 = open_corpus("a.txt", CorpusSettings(encoding="utf-16", errors="replace")).shards("train")
    assert len(utf16) == 1  # where a byte 0x0A is no newline, the file is read from its start


def test_a_stream_of_nothing_is_told(tmp_path):
    rows, _ = stream(Rows(), share=0.99999999)
    with pytest.raises(CorpusError, match="all of it is held back"):
        take(rows, Position(), 10, 1)
    (tmp_path / "a.txt").write_text("ab")
    with pytest.raises(CorpusError, match="too small to hold a part of it back; leave --stream out"):
        charrnn.train("a.txt", stream=True, steps=1, val_fraction=1e-9, **SMALL)


@pytest.fixture
def rows_file(tmp_path):
    documents = [
        f"this is document {number}, and it has words of its own: {number * 7919 % 1000}" for number in range(900)
    ]
    pyarrow.parquet.write_table(pyarrow.table({"text": documents}), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(stream_batches, "WINDOW_TOKENS", 1)  # sixteen chunks a window


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("stop", [7, 16, 40])
def test_a_stream_goes_on_at_the_very_next_token(stop, rows_file):
    """Stopped within a window, and at the end of one; every figure and tensor is that of an undisturbed run."""
    common = {"stream": True, "eval_every": 8, "shuffle_buffer": 50, "schedule": "constant", "warmup": 0.0, **SMALL}
    charrnn.train(rows_file, name="whole", steps=48, **common)
    charrnn.train(rows_file, name="parts", steps=stop, **common)
    charrnn.train(resume=True, name="parts", steps=48)
    whole, parts = run("whole"), run("parts")
    assert whole.config.corpus.streamed
    one, other = whole.load(), parts.load()
    assert one.state["position"] == other.state["position"]
    assert one.state["position"]["windows"] != [Position().to_json()]
    for name, tensor in one.weights.items():
        assert tensor.equal(other.weights[name]), name
    for name, tensor in one.training.items():
        assert tensor.equal(other.training[name]), name
    assert losses(whole)[-1] == losses(parts)[-1]


def run(name):
    return find_run(name, Path("checkpoints"))


def losses(run):
    lines = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    return [(each["step"], each["nats_per_token"]) for each in lines if each["kind"] == "validation"]


def test_a_killed_stream_goes_on(rows_file, program):
    common = ["--stream", "--steps", 30, "--eval-every", 5, *TINY, "--name"]
    assert program("train", rows_file, *common, "whole").code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", str(rows_file), *map(str, common), "killed", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if json.loads(line).get("event") == "saved":
            process.kill()
            break
    process.communicate()
    resumed = program("train", "--resume", "--name", "killed")
    assert resumed.code == 0, resumed.err
    one, other = run("whole").load(), run("killed").load()
    assert all(tensor.equal(other.weights[name]) for name, tensor in one.weights.items())


def test_the_loop_waits_only_for_what_is_not_ready(rows_file):
    events = []
    charrnn.train(rows_file, stream=True, steps=60, listen=events.append, name="waits", **SMALL)
    logged = [each for each in events if isinstance(each, Logged)]
    assert logged[-1].waited == 0  # the first window is made before the clock starts


def test_what_the_sample_lacked_is_counted_and_told(tmp_path):
    (tmp_path / "a.txt").write_text(
        "".join(f"plain words, {number}\n" for number in range(5000)) + "words too, and ünusual\n" * 3000
    )
    events = []
    charrnn.train("a.txt", stream=True, sample_bytes=10_000, steps=4, listen=events.append, name="lacks", **SMALL)
    told = [each.text for each in events if hasattr(each, "text")]
    assert any("of its characters" in each and "'ü'" in each for each in told), told


def test_what_cannot_be_streamed_is_told(rows_file, cli):
    assert "give --steps or --time" in cli("train", rows_file, "--stream", "--epochs", 1, *TINY).told
    with pytest.raises(UsageError, match="can be read only once"):
        prepare_to_train("-", TrainSettings(stream=True), lambda *_: None)


def test_no_stream_packs_what_would_be_streamed(rows_file):
    class Large(Rows):
        streamed = True

    assert Large().streamed
    assert prepare_to_train(str(rows_file), TrainSettings(), lambda *_: None).streamed is False
    assert prepare_to_train(str(rows_file), TrainSettings(stream=True), lambda *_: None).streamed is True


def test_a_corpus_that_changed_does_not_go_on(rows_file, tmp_path):
    common = {"stream": True, "steps": 4, "name": "changed", **SMALL}
    charrnn.train(rows_file, **common)
    pyarrow.parquet.write_table(pyarrow.table({"text": ["another text"] * 500}), rows_file)
    with pytest.raises(CorpusError, match="has changed since run 'changed' was trained"):
        charrnn.train(resume=True, name="changed", steps=8)


def test_a_corpus_that_was_copied_goes_on(rows_file, tmp_path):
    """Another time, and another folder: the text is the same."""
    charrnn.train(rows_file.name, stream=True, steps=4, name="copied", **SMALL)
    os.utime(rows_file)
    charrnn.train(resume=True, name="copied", steps=8)
    rows_file.write_bytes(rows_file.read_bytes()[::-1])  # as long, and damaged
    with pytest.raises(CorpusError, match="cannot be read as parquet"):
        charrnn.train(resume=True, name="copied", steps=12)


def test_what_needs_the_whole_training_text_is_told(rows_file, cli):
    charrnn.train(rows_file, stream=True, steps=4, name="streamed", **SMALL)
    assert cli("eval", "streamed").code == 0
    assert "of which only what was held back is kept" in cli("eval", "streamed", "--split", "train").told
    assert "of which only what was held back is kept" in cli("sample", "streamed", "--length", 5, "--novelty").err


def test_a_stream_that_breaks_loses_nothing(rows_file, tmp_path, monkeypatch):
    """What was learned until then is saved, and the error says how to go on."""
    answered = Feed.next

    def breaks(self):
        if getattr(self, "windows", 0) == 2:
            raise CorpusError("the hub cannot be reached")
        self.windows = getattr(self, "windows", 0) + 1
        return answered(self)

    monkeypatch.setattr(stream_batches, "WINDOW_TOKENS", 1)
    monkeypatch.setattr(Feed, "next", breaks)
    with pytest.raises(CorpusError, match=r"Everything up to step 32 is saved; go on with: charrnn train --resume"):
        charrnn.train(rows_file, stream=True, steps=60, name="breaks", **SMALL)
    monkeypatch.setattr(Feed, "next", answered)
    charrnn.train(resume=True, name="breaks")
    assert run("breaks").load().state["step"] == 60


def test_what_was_held_back_is_scored_though_the_corpus_is_gone(rows_file, cli):
    charrnn.train(rows_file, stream=True, steps=4, name="gone", **SMALL)
    rows_file.unlink()
    assert cli("eval", "gone").code == 0
    assert "there is no file" in cli("train", "--resume", "--name", "gone", "--steps", 8).told


BREAKS = """
from charrnn import Corpus, hookimpl

class Breaks(Corpus):
    name = "breaks"
    separator = "\\n"
    def __init__(self, settings):
        pass
    def splits(self):
        return ("train", "validation")
    def read(self, split):
        for number in range(20000):
            if split == "train" and number == 15000:
                raise ValueError("no more numbers")
            yield f"{number}\\n"
    def provenance(self):
        return {"source": "numbers"}

@hookimpl
def register_corpora(register):
    register("breaks", Breaks)
"""


def test_a_plugin_that_fails_in_the_other_process_is_named(tmp_path, program):
    (tmp_path / "breaks.py").write_text(BREAKS)
    result = program(
        "train", "breaks", "--plugin", "breaks.py", "--stream", "--sample-bytes", "10k", "--steps", 4, *TINY
    )
    assert result.code == 1
    assert len(result.err.strip().splitlines()) == 3, result.err  # what is noted as training begins, and the line
    assert "corpus 'breaks' of plugin 'breaks' failed: ValueError: no more numbers" in result.err


def test_nothing_is_imported_because_it_lies_beside_the_text(rows_file, tmp_path, program):
    (tmp_path / "json.py").write_text("raise RuntimeError('a stranger')")
    env = {"PYTHONSAFEPATH": "1"}  # as the charrnn script is started
    result = program("train", rows_file, "--stream", "--steps", 2, *TINY, env=env)
    assert result.code == 0, result.err


def test_the_other_process_reads_the_text_that_was_prepared(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"line {number}\n" for number in range(9000)))
    settings = TrainSettings(stream=True, val_fraction=0.1)
    prepared = prepare_to_train("a.txt", settings, lambda *_: None)
    (tmp_path / "a.txt").write_text("NEW LINE\n" * 9000)
    feed = Feed("a.txt", prepared.provenance, settings, prepared.fitted, Position(), 100)
    with pytest.raises(CorpusError, match=r"'a\.txt' was changed while it was read; try again"):
        feed.next()
    feed.close()


def test_no_process_is_left_when_training_fails_before_it_begins(rows_file, monkeypatch):
    workers = []
    start = Worker.__init__
    monkeypatch.setattr(Worker, "__init__", lambda self, *what: (workers.append(self), start(self, *what))[1])

    def listen(event):
        if isinstance(event, Started):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        charrnn.train(rows_file, stream=True, steps=4, name="fails", listen=listen, **SMALL)
    assert [worker._process.poll() for worker in workers] == [-9]


def test_columns_of_a_text_file_are_refused_streamed_as_well(tmp_path, cli):
    (tmp_path / "a.txt").write_text("text\n" * 30_000)
    assert "which has no columns" in cli("train", "a.txt", "--stream", "--column", "text", *TINY).told
