"""The main job, by the real command line: train, then sample, then evaluate."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.conftest import TINY


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_trains_samples_and_evaluates(cell, text_file, text, program):
    trained = program("train", text_file, "--cell", cell, "--steps", 80, *TINY, "--lr", "0.01", "--name", "first")
    assert trained.code == 0, trained.err
    run = Path("checkpoints/first")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    assert losses[-1] < losses[0] - 0.3
    for name in ("config.json", "model.safetensors", "README.md", "tokenizer/alphabet.json"):
        assert (run / name).exists(), name

    sampled = program("sample", "--temp", "0.8", "--length", 50, "--seed", 7, "--prompt", "def ")
    assert sampled.code == 0, sampled.err
    assert sampled.out.startswith("def ")
    assert len(sampled.out.rstrip("\n")) <= 54
    assert program("sample", "--temp", "0.8", "--length", 50, "--seed", 7, "--prompt", "def ").out == sampled.out

    scored = program("eval", "--json").json()
    cut = int(len(text) * 0.9)
    assert scored["tokens"] == scored["chars"] == len(text) - cut
    assert scored["bytes"] == len(text[cut:].encode())
    best = min(line["nats_per_token"] for line in lines if line["kind"] == "validation")
    assert scored["nats_per_token"] == pytest.approx(best, abs=0.05)
    assert scored["bits_per_char"] == pytest.approx(scored["nats_per_token"] / math.log(2))
    assert scored["perplexity"] == pytest.approx(math.exp(scored["nats_per_token"]))


@pytest.mark.parametrize("tokenizer", ["byte", "sentencepiece"])
def test_other_tokenizers_go_the_whole_way(tokenizer, tmp_path, cli):
    file = tmp_path / "greek.txt"
    file.write_text("μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος\nοὐλομένην, ἣ μυρί’ Ἀχαιοῖς ἄλγε’ ἔθηκε\n" * 60)
    options = ["--tokenizer-option", "vocab_size=320"] if tokenizer == "sentencepiece" else []
    assert cli("train", file, "--tokenizer", tokenizer, *options, "--steps", 20, *TINY).code == 0
    sampled = cli("sample", "--length", 30, "--seed", 1)
    assert sampled.code == 0
    scored = cli("eval", "--json").json()
    assert scored["bytes"] > scored["chars"] > 0
    # The cut lies between two characters, so that the text on either side is whole.
    config = cli("runs", "show", "greek-lstm", "--json").json()
    assert 0 < config["corpus"]["validation"]["start"] < config["corpus"]["validation"]["stop"]


def test_num_draws_different_texts_and_length_is_what_is_generated(trained, cli):
    texts = cli("sample", "--checkpoints", trained, "--num", 3, "--length", 40, "--seed", 5).out.split("---\n")
    assert len({*texts}) == 3
    alone = cli("sample", "--checkpoints", trained, "--length", 40, "--seed", 5).out
    assert texts[0] == alone
    assert cli("sample", "--checkpoints", trained, "--length", 0, "--prompt", "ab").out == "ab\n"


def test_greedy_is_the_same_whatever_the_seed(trained, cli):
    first, second = (cli("sample", "--checkpoints", trained, "--temp", 0, "--length", 60, "--seed", s) for s in (1, 2))
    assert first.out == second.out


def test_standard_input_is_a_corpus(program, text):
    trained = program("train", "-", "--steps", 5, *TINY, stdin=text.encode())
    assert trained.code == 0, trained.err
    assert program("eval", "--json").json()["corpus"] == "stdin"


def test_json_prints_one_object_an_event(text_file, program):
    trained = program("train", text_file, "--steps", 20, *TINY, "--json")
    events = [json.loads(line) for line in trained.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[-1] == "finished"
    assert {"started", "logged", "evaluated", "saved", "sampled"} <= {*kinds}
    assert trained.err == ""


def test_another_corpus_is_scored_whole_and_its_unseen_characters_are_told(trained, tmp_path, cli):
    other = tmp_path / "other.txt"
    other.write_text("plain words, and a ☃ or two ☃\n")
    scored = cli("eval", "--checkpoints", trained, "--corpus", other, "--json")
    assert scored.json()["tokens"] == scored.json()["chars"] == len(other.read_text())
    assert scored.json()["bytes"] == len(other.read_bytes())
    assert "2 characters ('☃')" in scored.told
    refused = cli("eval", "--checkpoints", trained, "--corpus", other, "--unseen", "error")
    assert refused.code == 2
    assert "'☃'" in refused.told


def test_another_corpus_is_read_as_it_asks_for(trained, tmp_path, cli):
    (tmp_path / "rows.csv").write_text("a,b\nx,some text\ny,more text\n")
    refused = cli("eval", "--checkpoints", trained, "--corpus", "rows.csv")
    assert "choose one by --column a|b" in refused.told
    scored = cli("eval", "--checkpoints", trained, "--corpus", "rows.csv", "--column", "b", "--json")
    assert scored.json()["chars"] == len("some text\nmore text")
    assert "name that by --corpus" in cli("eval", "--checkpoints", trained, "--column", "b").told
    # Nothing is cut off where nothing is trained.
    for command in (["eval", "--checkpoints", trained], ["corpora", "build", "rows.csv"]):
        assert "No such option: --val-fraction" in cli(*command, "--val-fraction", 0.5).told


def test_a_run_s_alphabet_that_is_not_the_corpus_s_is_refused(trained, tmp_path, cli):
    (tmp_path / "greek.txt").write_text("μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος\n" * 50)
    refused = cli("train", "greek.txt", "--init-from", trained / "words", "--steps", 1)
    assert refused.code == 1
    assert "that is another alphabet" in refused.told


def test_runs_are_listed_shown_and_removed(text_file, cli):
    for name in ("one", "two"):
        cli("train", text_file, "--steps", 2, *TINY, "--name", name)
    rows = cli("runs", "list", "--json").json()
    assert [row["name"] for row in rows] == ["two", "one"]
    assert "| corpus | words (files) |" in cli("runs", "show", "one").out
    assert cli("runs", "rm", "one", "--yes").code == 0
    assert [row["name"] for row in cli("runs", "list", "--json").json()] == ["two"]


def test_a_split_of_the_dataset_is_scored_by_name(trained, cli):
    training = cli("eval", "--checkpoints", trained, "--split", "train", "--json").json()
    validation = cli("eval", "--checkpoints", trained, "--split", "validation", "--json").json()
    assert training["tokens"] > 8 * validation["tokens"]
