"""A run that diverges goes back to its last save, with a lower learning rate, as often as it may."""

from __future__ import annotations

import json
import math
import signal
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

import charrnn
from charrnn.errors import DivergedError, InterruptedRunError
from charrnn.observers.tensorboard import TensorBoard
from charrnn.training import stream_batches
from charrnn.training.events import Finished, Logged, Notice, Started
from tests.conftest import TINY
from tests.runs.test_same_bits import RUNS, SMALL, Die, Stop, assert_same
from tests.same_bits import figures, saved
from tests.test_observers import written

STEPS = {"steps": 40, "eval_every": 10}


class Spoil:
    """Makes the weights no numbers after a step, while the run has gone back less often than so many times."""

    def __init__(self, step, until=1):
        self.step, self.until = step, until

    @charrnn.hookimpl
    def step_finished(self, run, model, step):
        if step == self.step and ((run.state() or {}).get("rollbacks", 0)) < self.until:
            model.output.weight.data.fill_(math.nan)


class Listener:
    """Writes down what observers hear of the order of things."""

    def __init__(self):
        self.heard = []

    @charrnn.hookimpl
    def run_started(self, event):
        self.heard.append(("started", event.step))

    @charrnn.hookimpl
    def step_finished(self, step):
        self.heard.append(step)

    @charrnn.hookimpl
    def run_finished(self, event):
        self.heard.append("broken off" if event is None else "finished")


def notices(events):
    return [event.text for event in events if isinstance(event, Notice)]


def rates(run):
    return {each["step"]: each["lr"] for each in figures(RUNS / run) if each["kind"] == "train"}


def losses(run):
    return [each.get("loss", each.get("nats_per_token")) for each in figures(RUNS / run)]


def test_a_run_that_diverges_once_goes_back_and_on_to_its_end(text_file):
    events, observer = [], Listener()
    charrnn.train(text_file, name="undisturbed", **SMALL, **STEPS)
    watching = [Spoil(23), observer]
    charrnn.train(text_file, name="mine", max_rollbacks=2, listen=events.append, observers=watching, **SMALL, **STEPS)
    told = "the loss is nan; back to step 20, with 0.5 of the learning rate (rollback 1 of 2)"
    assert f"training diverged at step 30: {told}" in notices(events)
    assert [each.step for each in events if isinstance(each, Started)] == [0, 20]
    assert isinstance(events[-1], Finished)
    # No step is logged twice, and from step 20 on the learning rate is half of what it would have been.
    before, after = rates("undisturbed"), rates("mine")
    assert [each["step"] for each in figures(RUNS / "mine")] == [each["step"] for each in figures(RUNS / "undisturbed")]
    assert after == {step: lr if step <= 20 else lr / 2 for step, lr in before.items()}
    assert figures(RUNS / "mine")[:4] == figures(RUNS / "undisturbed")[:4]
    # Who observes hears of an end, of another beginning, and of the steps that are taken again.
    steps = [*range(1, 31), "broken off", ("started", 20), *range(21, 41)]
    assert observer.heard == [("started", 0), *steps, "finished"]


@pytest.mark.parametrize("end", [Die(26), Stop(21), Stop(37), Die(37)])
def test_a_run_that_went_back_dies_and_goes_on_to_the_same_bits(end, text_file):
    settings = {**SMALL, **STEPS, "max_rollbacks": 1, "ema": 0.9, "variational": True}
    charrnn.train(text_file, name="whole", observers=[Spoil(23)], **settings)

    class Afterwards(type(end)):
        @charrnn.hookimpl
        def step_finished(self, run, step):
            if run.state() and run.state()["rollbacks"]:
                super().step_finished(step)

    with pytest.raises((InterruptedRunError, KeyboardInterrupt)):
        charrnn.train(text_file, name="parts", observers=[Spoil(23), Afterwards(end.step)], **settings)
    assert json.loads(next(Path("checkpoints/parts/saves").glob("*/state.json")).read_text())["rollbacks"] == 1
    charrnn.train(resume=True, name="parts", observers=[Spoil(23)])
    assert_same("parts", "whole")
    assert saved(RUNS / "parts")["rollbacks"] == 1


def test_going_back_is_what_dying_and_going_on_is_but_for_the_learning_rate(text_file):
    """At a learning rate of next to nothing, half of it is as good: all the rest comes back."""
    settings = {**SMALL, **STEPS, "lr": 1e-30, "weight_decay": 0.0, "optimizer": "sgd", "max_rollbacks": 1}
    charrnn.train(text_file, name="whole", **settings)
    charrnn.train(text_file, name="parts", observers=[Spoil(23)], **settings)
    losses = [
        [each.get("loss", each.get("nats_per_token")) for each in figures(RUNS / run)] for run in ("whole", "parts")
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("steps", [1, 4])
def test_what_diverges_before_its_first_evaluation_goes_back_to_its_start(steps, text_file):
    events = []
    settings = {**SMALL, **STEPS, "max_rollbacks": 1}
    charrnn.train(text_file, name="mine", listen=events.append, observers=[Spoil(steps)], **settings)
    assert any("back to step 0, with 0.5 of the learning rate" in each for each in notices(events))
    charrnn.train(text_file, name="half", **settings | {"lr": SMALL["lr"] / 2})
    assert rates("mine") == rates("half")
    tensors, others = saved(RUNS / "mine"), saved(RUNS / "half")
    assert {**tensors, "rollbacks": 0} == others


def test_in_a_stream(tmp_path, text, monkeypatch):
    """Back within a window, and back over the end of one: the text that was read since is read again."""
    monkeypatch.setattr(stream_batches, "WINDOW_TOKENS", 1)
    corpus = tmp_path / "short.txt"
    corpus.write_text(text[:4200])
    settings = {**SMALL, **STEPS, "stream": True, "val_fraction": 0.2, "max_rollbacks": 2, "lr": 1e-30}
    settings |= {"weight_decay": 0.0, "optimizer": "sgd"}
    charrnn.train(corpus, name="whole", **settings)
    charrnn.train(corpus, name="parts", observers=[Spoil(15), Spoil(33, until=2)], **settings)
    one, other = saved(RUNS / "whole"), saved(RUNS / "parts")
    assert other["rollbacks"] == 2
    assert one["position"] == other["position"]
    losses = [
        [each.get("loss", each.get("nats_per_token")) for each in figures(RUNS / run)] for run in ("whole", "parts")
    ]
    assert losses[0] == losses[1]


def test_after_so_many_times_it_stops_with_advice_and_more_may_be_given(text_file):
    events = []
    settings = {**SMALL, **STEPS, "max_rollbacks": 2}
    with pytest.raises(DivergedError) as stopped:
        charrnn.train(text_file, name="mine", listen=events.append, observers=[Spoil(23, until=3)], **settings)
    assert [each.partition(" with ")[2] for each in notices(events) if "diverged" in each] == [
        "0.5 of the learning rate (rollback 1 of 2)",
        "0.25 of the learning rate (rollback 2 of 2)",
    ]
    assert str(stopped.value) == (
        "training diverged at step 30: the loss is nan; it went back as often as --max-rollbacks lets it; the best "
        "weights, of step 20, are kept. Try again with a lower --lr, or --clip 0.25, or go back and on with: "
        "charrnn train --resume --name mine --max-rollbacks 5"
    )
    charrnn.train(resume=True, name="mine", max_rollbacks=5, observers=[Spoil(23, until=3)])
    assert saved(RUNS / "mine")["step"] == 40
    assert saved(RUNS / "mine")["rollbacks"] == 3
    charrnn.train(text_file, name="undisturbed", **SMALL, **STEPS)
    assert rates("mine")[30] == rates("undisturbed")[30] / 8


def test_by_default_it_stops_and_a_resumed_run_may_go_back(text_file):
    with pytest.raises(DivergedError, match=r"are kept\. Try again with a lower --lr") as stopped:
        charrnn.train(text_file, name="mine", observers=[Spoil(23)], **SMALL, **STEPS)
    assert "went back" not in str(stopped.value)
    assert saved(RUNS / "mine")["step"] == 20
    with pytest.raises(DivergedError):
        charrnn.train(resume=True, name="mine", observers=[Spoil(23)])
    charrnn.train(resume=True, name="mine", max_rollbacks=3, observers=[Spoil(23)])
    assert saved(RUNS / "mine")["step"] == 40


def test_weights_that_are_no_numbers_are_never_saved(text_file):
    """The loss of the step is sound, what comes of it is not, and a signal asks for a save just then."""
    with pytest.raises(DivergedError):
        charrnn.train(text_file, name="mine", observers=[Spoil(23), Stop(23)], **SMALL, **STEPS)
    assert saved(RUNS / "mine")["step"] == 20


def test_a_signal_while_it_diverges_stops_it_after_it_went_back(text_file):
    settings = {**SMALL, **STEPS, "max_rollbacks": 1}
    with pytest.raises(InterruptedRunError, match="interrupted before another step was done"):
        charrnn.train(text_file, name="mine", observers=[Spoil(23), Stop(23)], **settings)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert (saved(RUNS / "mine")["step"], saved(RUNS / "mine")["rollbacks"]) == (20, 1)


def test_under_a_budget_of_time_what_was_lost_is_spent(text_file, monkeypatch):
    ticks = count()
    monkeypatch.setattr("charrnn.training.budget.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    events = []
    settings = {**SMALL, "time": 1200, "eval_every": 20, "max_rollbacks": 1}
    charrnn.train(text_file, name="mine", listen=events.append, observers=[Spoil(57)], **settings)
    seconds = [each.seconds for each in events if isinstance(each, Logged)]
    assert seconds == sorted(seconds)
    assert [each.step for each in events if isinstance(each, Started)] == [0, 40]
    assert 1180 < events[-1].seconds < 1220


def test_a_learning_rate_that_is_far_too_high_is_halved_until_it_is_bearable(text_file, cli):
    wild = [*TINY, "--optimizer", "sgd", "--lr", 64, "--schedule", "constant", "--warmup", 0, "--clip", 0]
    budget = ["--steps", 60, "--eval-every", 20]
    assert cli("train", text_file, *wild, *budget, "--name", "lost").code == 1
    result = cli("train", text_file, *wild, *budget, "--max-rollbacks", 9, "--name", "mine")
    assert result.code == 0, result.err
    told = [line for line in result.err.splitlines() if line.startswith("training diverged at step ")]
    assert len(told) == saved(RUNS / "mine")["rollbacks"] > 1
    assert figures(RUNS / "mine")[-1]["nats_per_token"] < figures(RUNS / "mine")[0]["loss"]


def test_tensorboard_draws_what_was_learned_in_the_end(text_file):
    # 25 steps are saved by an evaluation, 30 were drawn when it diverges.
    settings = {**SMALL, "steps": 50, "eval_every": 25, "max_rollbacks": 1}
    charrnn.train(text_file, name="mine", observers=[TensorBoard(), Spoil(37)], **settings)
    assert rates("mine").keys() == {10, 20, 30, 40, 50}
    drawn = {each.step: each.value for each in written("mine").Scalars("train/learning_rate")}
    assert drawn == {step: pytest.approx(lr) for step, lr in rates("mine").items()}
