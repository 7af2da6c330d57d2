"""A model steps alike in NumPy and in torch, and a prompt in one pass is the same as step after step."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import zip_longest

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController

import charrnn
from charrnn.errors import RunError
from charrnn.generation.network import map_leaves
from charrnn.generation.numpy_network import NumpyNetwork
from charrnn.generation.threads import limit_threads, suitable_threads
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings

V = 11
CELLS = [("lstm", {}), ("gru", {}), *(("rnn", {"activation": each}) for each in ("tanh", "relu", "sigmoid"))]


def make_model(cell="lstm", layers=1, hidden=24, embed=10, dtype=torch.float32, vocab_size=V, **options):
    torch.manual_seed(layers)
    shape = ModelSettings(cell=cell, layers=layers, hidden=hidden, embed=embed, cell_options=options, dropout=0.3)
    return LanguageModel(shape, vocab_size).to(dtype), shape


def in_numpy(model, shape, vocab_size=V):
    return NumpyNetwork(shape, vocab_size, {name: each.numpy() for name, each in model.state_dict().items()})


@pytest.fixture(params=["numpy", "torch"])
def network(request):
    model, shape = make_model(layers=2)
    return in_numpy(model, shape) if request.param == "numpy" else TorchNetwork(model)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cell", "options"), CELLS, ids=str)
def test_numpy_steps_as_the_cells_do(cell, options, layers, lanes):
    model, shape = make_model(cell, layers, **options)
    network = in_numpy(model, shape)
    model.eval()
    state, expected = network.initial_state(lanes), model.initial_state(lanes)
    ids = np.random.default_rng(0).integers(V, size=(40, lanes))
    with torch.no_grad():
        for row in ids:
            logits, state = network.step(row, state)
            wanted, expected = model.step(torch.from_numpy(row), expected)
            np.testing.assert_allclose(logits, wanted.numpy(), atol=1e-5)
    for leaf, other in zip(sum(state, ()), sum(expected, ()), strict=True):
        np.testing.assert_allclose(leaf, other.numpy(), atol=1e-5)


def test_double_precision_stays_double():
    model, shape = make_model(layers=2, dtype=torch.float64)
    ids = np.random.default_rng(0).integers(V, size=(30, 2))
    ours, theirs = in_numpy(model, shape), TorchNetwork(model)
    logits, _ = ours.read(ids, ours.initial_state(2))
    wanted, _ = theirs.read(ids, theirs.initial_state(2))
    assert logits.dtype == wanted.dtype == np.float64
    np.testing.assert_allclose(logits, wanted, atol=1e-12)


def test_a_prompt_in_one_pass_equals_step_after_step(network):
    ids = np.random.default_rng(1).integers(V, size=(17, 2))
    whole, after = network.read(ids, network.initial_state(2))
    whole = whole.copy()
    state = network.initial_state(2)
    for row in ids:
        logits, state = network.step(row, state)
    np.testing.assert_allclose(whole, logits, atol=1e-5)
    map_leaves(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5), after, state)


def test_losses_are_those_of_the_softmax_and_a_missing_target_costs_nothing(network):
    ids = np.array([[1, 2], [3, 4], [5, 6]])
    targets = np.array([[3, 4], [5, -1], [0, -1]])
    losses, _ = network.losses(ids, targets, network.initial_state(2))
    state = network.initial_state(2)
    for row, wanted, found in zip(ids, targets, losses, strict=True):
        logits, state = network.step(row, state)
        for lane in range(2):
            exact = logits[lane].astype(np.float64)
            expected = 0 if wanted[lane] < 0 else np.log(np.exp(exact).sum()) - exact[wanted[lane]]
            assert found[lane] == pytest.approx(expected, abs=1e-5)


def test_lanes_can_be_taken_joined_and_kept(network):
    ids = np.array([1, 2, 3])
    _, state = network.step(ids, network.initial_state(3))
    kept = network.copy(state)
    chosen = network.take(kept, np.array([2, 0, 2]))
    expected, _ = network.step(np.array([5, 6, 7]), network.copy(kept))
    expected = expected.copy()
    found, _ = network.step(np.array([7, 5, 7]), chosen)
    np.testing.assert_allclose(found, expected[[2, 0, 2]], atol=1e-6)
    joined = network.join([network.take(kept, np.array([1])), network.take(kept, np.array([0]))])
    found, _ = network.step(np.array([6, 5]), joined)
    np.testing.assert_allclose(found, expected[[1, 0]], atol=1e-6)
    # What was copied is as it was, though steps have written into the other.
    again, _ = network.step(np.array([5, 6, 7]), network.copy(kept))
    np.testing.assert_array_equal(again, expected)


@given(st.integers(1, 40), st.integers(0, 10**6))
@settings(max_examples=20)
def test_wherever_a_text_is_cut_it_is_read_alike(cut, seed):
    model, shape = make_model("gru", 2)
    network = in_numpy(model, shape)
    ids = np.random.default_rng(seed).integers(V, size=(41, 1))
    whole, _ = network.read(ids, network.initial_state(1))
    whole = whole.copy()
    _, state = network.read(ids[:cut], network.initial_state(1))
    found, _ = network.read(ids[cut:], state)
    np.testing.assert_allclose(found, whole, atol=1e-5)


@pytest.mark.parametrize("which", ["numpy", "torch"])
def test_a_vocabulary_too_large_for_a_table_steps_alike(which, monkeypatch):
    model, shape = make_model(layers=2)
    make = in_numpy if which == "numpy" else lambda model, _: TorchNetwork(model)
    with_table, without = make(model, shape), make(model, shape)
    ids = np.array([4, 9])
    wanted, _ = with_table.step(ids, with_table.initial_state(2))
    monkeypatch.setattr(f"charrnn.generation.{which}_network.TABLE_SIZE", 0)
    found, _ = without.step(ids, without.initial_state(2))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("embedding.weight", lambda each: each[:-1]),
        ("output.bias", lambda each: each[:-1]),
        ("cells.1.kernel.weight_hh_l0", lambda each: each[:, :-1]),
        ("cells.1.kernel.bias_ih_l0", None),
    ],
)
def test_weights_that_do_not_fit_are_told(name, change):
    model, shape = make_model(layers=2)
    weights = {key: each.numpy() for key, each in model.state_dict().items()}
    if change is None:
        del weights[name]
    else:
        weights[name] = change(weights[name])
    with pytest.raises(RunError, match=name.removeprefix("cells.1.")):
        NumpyNetwork(shape, V, weights)


def test_weights_too_many_are_told():
    model, shape = make_model()
    weights = {key: each.numpy() for key, each in model.state_dict().items()}
    for extra in ("cells.1.kernel.bias_ih_l0", "stranger"):
        with pytest.raises(RunError, match=f"{extra}, which belongs to no part"):
            NumpyNetwork(shape, V, {**weights, extra: np.zeros(3)})


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "--length", 30, "--num", 2, "--json", "--top-k", 5, "--ban", "e"],
        ["sample", "--length", 20, "--beam", 3],
        ["score", "-"],
        ["eval"],
        ["sample", "--help"],
    ],
    ids=lambda each: " ".join(map(str, each)),
)
def test_generation_needs_no_torch(arguments, trained):
    """A run of built-in cells generates and is scored where torch cannot even be imported."""
    probe = "import sys; sys.modules['torch'] = None\nfrom charrnn.cli import main\nsys.exit(main(sys.argv[1:]))"
    where = [] if "--help" in arguments else ["--checkpoints", trained]
    command = [sys.executable, "-c", probe, *map(str, [*arguments, *where])]
    finished = subprocess.run(command, input="def main\n", capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout


def test_a_session_on_another_device_runs_in_torch(trained):
    ours = charrnn.load("words", checkpoints=trained)
    theirs = charrnn.load("words", checkpoints=trained, device="auto")
    assert isinstance(ours.network, NumpyNetwork)
    assert isinstance(theirs.network, TorchNetwork)
    assert ours.generate("def ", seed=3, length=80) == theirs.generate("def ", seed=3, length=80)
    assert json.dumps(ours.score("def").to_dict())


def test_two_streams_of_one_session_do_not_disturb_each_other(trained):
    session = charrnn.load("words", checkpoints=trained)
    alone = [session.generate(seed=seed, length=400) for seed in (1, 2)]
    streams = [session.stream(seed=seed, length=400) for seed in (1, 2)]
    assert ["".join(pieces) for pieces in zip(*zip_longest(*streams, fillvalue=""), strict=True)] == alone


@pytest.mark.parametrize(
    ("hidden", "lanes", "cores", "threads"),
    [(16, 1, 64, 1), (128, 1, 64, 2), (256, 1, 64, 8), (256, 1, 4, 4), (1024, 1, 64, 64), (16, 64, 64, 2)],
)
def test_a_large_machine_is_not_used_for_small_products(hidden, lanes, cores, threads):
    assert suitable_threads(hidden, lanes, cores) == threads


def test_threads_are_limited_where_there_are_many(monkeypatch):
    found = ThreadpoolController().select(user_api="blas")
    before = [each["num_threads"] for each in found.info()]
    with found.limit(limits=None):
        monkeypatch.setattr("os.sched_getaffinity", lambda _: range(64), raising=False)
        limit_threads(64, 1)
        assert all(each["num_threads"] == 1 for each in found.info())
    assert [each["num_threads"] for each in found.info()] == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize(("cell", "options"), CELLS, ids=str)
def test_a_gpu_steps_as_the_processor_does(cell, options):
    model, shape = make_model(cell, 2, **options)
    ours, theirs = in_numpy(model, shape), TorchNetwork(model.to("cuda"))
    ids = np.random.default_rng(0).integers(V, size=(20, 3))
    _, state = ours.read(ids[:10], ours.initial_state(3))
    _, other = theirs.read(ids[:10], theirs.initial_state(3))
    order = np.array([2, 0, 2])
    state, other = ours.join([ours.take(state, order), state]), theirs.join([theirs.take(other, order), other])
    for row in ids[10:]:
        six = np.concatenate([row, row])
        logits, state = ours.step(six, state)
        found, other = theirs.step(six, other)
        np.testing.assert_allclose(found, logits, atol=1e-3)
    np.testing.assert_allclose(
        theirs.losses(ids, ids, theirs.initial_state(3))[0], ours.losses(ids, ids, ours.initial_state(3))[0], atol=1e-3
    )
