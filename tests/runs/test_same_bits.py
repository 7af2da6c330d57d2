"""A run that dies and goes on is the run that nothing happened to: every tensor and every figure, to the bit."""

from __future__ import annotations

import json
import shutil
import signal
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

import charrnn
from charrnn.errors import ExitCode, InterruptedRunError
from charrnn.training import stream_batches
from charrnn.training.events import Logged
from tests.same_bits import figures, saved

SMALL = {"layers": 2, "hidden": 12, "embed": 8, "seq_len": 16, "batch_size": 8, "dropout": 0.2, "lr": 0.01}
#: An epoch of characters has 30 chunks, so that these steps cross the ends of two.
STEPS = {"steps": 70, "eval_every": 20}
TECHNIQUES = {"variational": True, "weight_drop": 0.3, "ema": 0.9, "random_offset": True}
TOKENIZERS = {
    "char": {},
    "byte": {"tokenizer": "byte"},
    "sentencepiece": {"tokenizer": "sentencepiece", "tokenizer_options": {"vocab_size": 400}},
}


RUNS = Path("checkpoints")


class Stop:
    """Asks for an end by a signal, once a step is done."""

    def __init__(self, step):
        self.step = step

    @charrnn.hookimpl
    def step_finished(self, step):
        if step == self.step:
            signal.raise_signal(signal.SIGTERM)


class Die:
    """Ends training where it is, with nothing saved."""

    def __init__(self, step):
        self.step = step

    @charrnn.hookimpl
    def step_finished(self, step):
        if step == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def short_text(tmp_path, text):
    path = tmp_path / "short.txt"
    path.write_text(text[:4200])
    return path


def assert_same(run, other):
    assert figures(RUNS / run) == figures(RUNS / other)
    assert saved(RUNS / run) == saved(RUNS / other)


def train_in_parts(corpus, ends, **settings):
    """Train a run ``parts`` that ends before its time again and again."""
    for number, end in enumerate(ends):
        how = {"resume": True} if number else {"corpus": corpus, **settings}
        with pytest.raises((InterruptedRunError, KeyboardInterrupt)):
            charrnn.train(name="parts", observers=[end], **how)
    charrnn.train(resume=True, name="parts")


@pytest.mark.parametrize(
    ("optimizer", "cell", "tokenizer"),
    [
        ("adamw", "lstm", "char"),
        ("adamw", "gru", "byte"),
        ("adamw", "rnn", "sentencepiece"),
        ("rmsprop", "lstm", "byte"),
        ("rmsprop", "gru", "sentencepiece"),
        ("rmsprop", "rnn", "char"),
        ("sgd", "lstm", "sentencepiece"),
        ("sgd", "gru", "char"),
        ("sgd", "rnn", "byte"),
    ],
)
def test_stopped_between_two_logged_lines(optimizer, cell, tokenizer, short_text):
    """Each of the three with each of the others."""
    settings = {**SMALL, **STEPS, **TOKENIZERS[tokenizer], "optimizer": optimizer, "cell": cell}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Stop(17), Stop(33)], **settings)
    assert_same("parts", "whole")


@pytest.mark.parametrize("step", [1, 9, 10, 20, 29, 30, 60, 69])
def test_stopped_at_any_step(step, short_text):
    """The first, the last but one, beside and at a logged line, an evaluation, an epoch's end."""
    settings = {**SMALL, **STEPS, **TECHNIQUES}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Stop(step)], **settings)
    assert_same("parts", "whole")


def test_stopped_after_every_step(short_text):
    settings = {**SMALL, **TECHNIQUES, "zoneout": 0.1, "steps": 8, "eval_every": 3}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Stop(step) for step in range(1, 8)], **settings)
    assert_same("parts", "whole")


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "sgd"])
def test_dying_since_the_last_save(optimizer, short_text):
    """The steps since then are taken again, and what was logged of them is not logged twice."""
    settings = {**SMALL, **STEPS, **TECHNIQUES, "optimizer": optimizer}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Die(33), Die(59), Die(59)], **settings)
    assert_same("parts", "whole")


def test_dying_before_anything_was_saved(short_text):
    settings = {**SMALL, **STEPS, **TECHNIQUES}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Die(13)], **settings)
    assert_same("parts", "whole")


def test_dying_at_once_where_it_starts_from_another_s_weights(short_text, monkeypatch):
    """What chance does not make again is saved before the first step; a run that dies even before says so."""
    charrnn.train(short_text, name="first", **SMALL, steps=9)
    settings = {"batch_size": 8, "seq_len": 16, "lr": 0.01, **STEPS, "init_from": "first"}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Die(1)], **settings)
    assert_same("parts", "whole")
    shutil.rmtree("checkpoints/parts")
    with monkeypatch.context() as patch:
        patch.setattr("charrnn.runs.saves.write_directory", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            charrnn.train(short_text, name="parts", **settings)
    with pytest.raises(charrnn.CharrnnError, match="ended before it had saved what it starts from"):
        charrnn.train(resume=True, name="parts")


@pytest.mark.parametrize("schedule", ["linear", "step", "constant"])
def test_under_each_schedule(schedule, short_text):
    settings = {**SMALL, **STEPS, "schedule": schedule, "clip_value": 0.01}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Stop(17)], **settings)
    assert_same("parts", "whole")


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_in_a_stream(tokenizer, short_text, monkeypatch):
    """A window has sixteen chunks: the ends fall within one and, at step 48, between two."""
    monkeypatch.setattr(stream_batches, "WINDOW_TOKENS", 1)
    settings = {**SMALL, **STEPS, **TOKENIZERS[tokenizer], "stream": True, "val_fraction": 0.2}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [Stop(17), Stop(48), Die(65)], **settings)
    assert_same("parts", "whole")


@pytest.mark.parametrize("end", [Stop(11), Stop(15), Die(14)])
def test_patience_counts_on(end, short_text):
    """At a learning rate of next to nothing the first evaluation stays the best; the sixth after it is the last."""
    settings = {**SMALL, "lr": 1e-12, "weight_decay": 0.0, "steps": 500, "eval_every": 3, "patience": 6}
    charrnn.train(short_text, name="whole", **settings)
    train_in_parts(short_text, [end], **settings)
    assert_same("parts", "whole")
    state = saved(RUNS / "parts")
    assert (state["step"], state["best"]["step"], state["stale"]) == (21, 3, 6)


def test_the_best_so_far_is_kept_by_a_run_that_gets_no_better(tmp_path, text):
    """What is held back is another language than what is learned: the best is soon past."""
    corpus = tmp_path / "strange.txt"
    corpus.write_text(text[:3800] + text[:400][::-1].swapcase())
    settings = {**SMALL, "steps": 60, "eval_every": 10, "lr": 0.05}
    charrnn.train(corpus, name="whole", **settings)
    assert saved(RUNS / "whole")["best"]["step"] < 40, "what this test is about has not happened"
    train_in_parts(corpus, [Stop(43), Die(57)], **settings)
    assert_same("parts", "whole")


def test_under_a_budget_of_time_the_clock_goes_on(short_text, monkeypatch):
    """By a clock on which a second passes whenever it is read, a run has one budget, not one each time."""
    ticks = count()
    monkeypatch.setattr("charrnn.training.budget.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    events = []
    with pytest.raises(InterruptedRunError) as stopped:
        charrnn.train(short_text, name="timed", time=600, observers=[Stop(57)], **SMALL)
    assert stopped.value.exit_code == ExitCode.TERMINATED
    before, seconds = (
        figures(RUNS / "timed"),
        json.loads(next(Path("checkpoints/timed/saves").glob("*/state.json")).read_text())["seconds"],
    )
    charrnn.train(resume=True, name="timed", listen=events.append)
    first = next(event for event in events if isinstance(event, Logged))
    assert first.seconds > seconds > 57
    assert first.progress > before[-1]["progress"]
    assert 580 < events[-1].seconds < 620
    assert [each["step"] for each in figures(RUNS / "timed") if each["kind"] == "train"] == [
        *range(10, events[-1].step + 1, 10)
    ]


def test_mixed_precision_goes_on_with_the_states_that_it_made_narrow(text_file):
    settings = {**SMALL, "cell": "lstm", "precision": "bfloat16"}
    charrnn.train(text_file, name="mine", steps=6, **settings)
    assert charrnn.train(resume=True, name="mine", steps=12).run.state()["step"] == 12
