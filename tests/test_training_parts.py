"""Batches, budget, schedule, optimizer: the mathematics of the loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn.cores import usable_cores
from charrnn.device import processor_tuned, suitable_threads
from charrnn.errors import CorpusError
from charrnn.presets import PRESETS, complete
from charrnn.settings import OptimizerSettings, TrainSettings
from charrnn.training.batches import LaneBatches
from charrnn.training.budget import Budget
from charrnn.training.optimizer import clip_gradient, make_optimizer, step
from charrnn.training.schedule import learning_rate

CONTEXT = 255


@given(tokens=st.integers(1, 300), seq_len=st.integers(1, 40), batch_size=st.integers(1, 9))
def test_every_token_of_every_lane_is_predicted_once_an_epoch_from_the_one_before_it(tokens, seq_len, batch_size):
    batch_size = min(batch_size, tokens)
    ids = np.arange(tokens, dtype=np.uint16) % 250
    batches = LaneBatches(ids, seq_len, batch_size, CONTEXT, torch.device("cpu"))
    lane = tokens // batch_size
    for epoch in range(2):
        assert batches.at_start
        assert batches.epoch == epoch
        chunks = [batches.next() for _ in range(batches.per_epoch)]
        lengths = {len(inputs) for inputs, _ in chunks}
        assert max(lengths) <= seq_len
        assert max(lengths) - min(lengths) <= 1
        targets = torch.cat([each for _, each in chunks])
        inputs = torch.cat([each for each, _ in chunks])
        expected = ids[: lane * batch_size].reshape(batch_size, lane).T
        np.testing.assert_array_equal(targets.numpy(), expected)
        assert (inputs[0] == CONTEXT).all()
        np.testing.assert_array_equal(inputs[1:].numpy(), expected[:-1])


def test_budgets():
    steps = TrainSettings(steps=10)
    assert [Budget.of(steps, 7).progress(done, 99, 1) for done in (0, 5, 10)] == [0, 0.5, 1]
    assert Budget.of(TrainSettings(epochs=1.5), 7).steps == 11
    timed = Budget.of(TrainSettings(time="3m"), 7)
    assert timed.seconds == 180
    assert timed.progress(99, 85, reserve=10) == 0.5
    assert timed.progress(0, 170, reserve=10) == 1


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90), ("90s", 90), ("3m", 180), ("1.5h", 5400), ("1h30m", 5400), ("2M", 120)]
)
def test_times(written, seconds):
    assert TrainSettings(time=written).time == seconds


@pytest.mark.parametrize(
    ("schedule", "at_half", "at_end"),
    [("cosine", 0.5, 0.0), ("linear", 0.5, 0.0), ("constant", 1.0, 1.0), ("step", 1.0, 0.01)],
)
def test_schedules(schedule, at_half, at_end):
    settings = OptimizerSettings(lr=2.0, schedule=schedule, warmup=0.1)
    assert learning_rate(settings, 0.05) == pytest.approx(1.0)
    assert learning_rate(settings, 0.1) == pytest.approx(2.0)
    assert learning_rate(settings, 0.55) == pytest.approx(2 * at_half)
    assert learning_rate(settings, 1.0) == pytest.approx(2 * at_end)
    assert learning_rate(settings, 0.0) > 0


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "step"])
def test_a_schedule_counts_from_the_end_of_the_warm_up(schedule):
    late, whole = (OptimizerSettings(lr=1.0, schedule=schedule, warmup=share) for share in (0.9, 0.0))
    for share in np.linspace(0.01, 0.99, 9):
        assert learning_rate(late, 0.9 + 0.1 * share) == pytest.approx(learning_rate(whole, share))


def test_the_cosine_schedule_is_the_paper_s():
    settings = OptimizerSettings(lr=1.0, warmup=0.0)
    for progress in np.linspace(0, 1, 9):
        assert learning_rate(settings, progress) == pytest.approx(0.5 * (1 + math.cos(math.pi * progress)))


@given(st.floats(0.01, 10), st.integers(0, 2**31))
def test_clipping_bounds_the_norm_of_the_whole_gradient(largest, seed):
    torch.manual_seed(seed)
    model = torch.nn.Linear(3, 2).double()
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    norm, cut = clip_gradient(model, OptimizerSettings(clip=largest))
    assert norm.item() == pytest.approx(before.norm().item())
    assert bool(cut) == (norm.item() > largest)
    after = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    expected = before * min(1.0, largest / before.norm().item())
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-6)


def test_without_a_clip_the_gradient_is_left_alone():
    model = torch.nn.Linear(3, 2)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    _, cut = clip_gradient(model, OptimizerSettings(clip=0))
    assert not cut
    assert all((parameter.grad == 1e3).all() for parameter in model.parameters())


@pytest.mark.parametrize("name", ["adamw", "rmsprop", "sgd"])
def test_optimizers_go_downhill(name):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 4)
    optimizer = make_optimizer(model, OptimizerSettings(optimizer=name, lr=0.01, weight_decay=0.5))
    losses = []
    for _ in range(30):
        loss = (model(torch.ones(1, 4)) - 3).square().sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        step(optimizer, 0.01)
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("name", ["adamw", "rmsprop", "sgd"])
def test_weight_decay_is_apart_from_the_gradient_and_acts_on_matrices_only(name):
    model = torch.nn.Linear(4, 4).double()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = make_optimizer(model, OptimizerSettings(optimizer=name, lr=1.0, weight_decay=0.5))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    step(optimizer, 0.1)
    torch.testing.assert_close(model.weight.detach(), before[0] * (1 - 0.1 * 0.5))
    torch.testing.assert_close(model.bias.detach(), before[1])


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_leaves_nothing_open_and_nothing_given_is_changed(name):
    settings, _ = complete(TrainSettings(hidden=77, steps=5), name, tokens=10**6, device="cpu")
    assert settings.hidden == 77
    for key in (
        "layers",
        "embed",
        "dropout",
        "lr",
        "seq_len",
        "batch_size",
        "cell",
        "layer_norm",
        "ema",
        "random_offset",
    ):
        assert getattr(settings, key) is not None, key


def test_auto_takes_a_smaller_model_for_a_shorter_budget_and_says_what_it_chose():
    sizes = []
    for time in (2, 180, 1200, 5400):
        settings, notes = complete(TrainSettings(time=time), "auto", tokens=10**6, device="cpu")
        sizes.append(settings.layers * settings.hidden**2)
        assert any("hidden" in note for note in notes)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@given(st.integers(1, 5000))
def test_chunks_are_shrunk_to_the_corpus(tokens):
    settings, notes = complete(TrainSettings(seq_len=100, batch_size=32), "auto", tokens, "cpu")
    assert settings.seq_len * settings.batch_size <= tokens
    assert (settings.seq_len, settings.batch_size) == (100, 32) or any("holds only" in note for note in notes)


@given(st.integers(1, 5000), st.integers(1, 32))
def test_lanes_that_are_cut_are_as_many_for_each_rank(tokens, ranks):
    asked = TrainSettings(seq_len=100, batch_size=32 * ranks)
    if tokens < ranks:
        with pytest.raises(CorpusError, match="need one each"):
            complete(asked, "auto", tokens, "cpu", ranks)
        return
    settings, _ = complete(asked, "auto", tokens, "cpu", ranks)
    assert settings.batch_size % ranks == 0
    assert ranks <= settings.batch_size <= 32 * ranks
    assert settings.seq_len * settings.batch_size <= tokens


def test_there_are_cores_for_so_many_threads(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(6), raising=False)
    assert [usable_cores(processes) for processes in (1, 2, 3, 9)] == [6, 3, 2, 1]
    monkeypatch.delattr("os.sched_getaffinity")
    assert usable_cores() == 8


def test_threads_are_as_many_as_the_model_keeps_busy(monkeypatch):
    monkeypatch.setattr("charrnn.device._CORES", 8)
    assert suitable_threads(hidden=16, batch_size=8) == 1
    assert suitable_threads(hidden=128, batch_size=16) == 4
    assert suitable_threads(hidden=1024, batch_size=64) == 8


def test_what_is_set_for_training_is_put_back():
    threads = torch.get_num_threads()
    with processor_tuned():
        torch.set_num_threads(threads + 1)
    assert torch.get_num_threads() == threads
