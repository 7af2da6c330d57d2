"""Dynamic evaluation: what a model reads changes it, and nothing is scored by weights that have seen it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import charrnn
from charrnn.cells.base import Cell
from charrnn.errors import UsageError
from charrnn.evaluation import score_tokens
from charrnn.generation.dynamic_network import DynamicNetwork
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.settings import DynamicSettings, ModelSettings
from tests.conftest import TINY

V, LR, DECAY, SEGMENT = 7, 0.01, 0.05, 4


def make_model(cell="lstm", dtype=torch.float64):
    torch.manual_seed(0)
    return LanguageModel(ModelSettings(cell=cell, layers=2, hidden=6, embed=5, dropout=0.5), V).to(dtype)


def dynamic(model, **settings):
    chosen = {"dynamic_lr": LR, "dynamic_decay": DECAY, "dynamic_segment": SEGMENT, **settings}
    return DynamicNetwork(model, DynamicSettings(dynamic=True, **chosen))


def by_the_paper(model, ids, context):
    """Score ids segment by segment, with the update written out in NumPy."""
    model.eval()
    trained = [each.detach().numpy().copy() for each in model.parameters()]
    squares, total, state = [np.zeros_like(each) for each in trained], 0.0, model.initial_state(1)
    inputs = np.concatenate([[context], ids[:-1]])
    for number, start in enumerate(range(0, len(ids), SEGMENT), 1):
        here = slice(start, start + SEGMENT)
        logits, state = model(torch.from_numpy(inputs[here, None]), state)
        state = tuple(tuple(leaf.detach() for leaf in layer) for layer in state)
        losses = functional.cross_entropy(logits[:, 0], torch.from_numpy(ids[here]), reduction="sum")
        total += losses.item()
        model.zero_grad()
        (losses / SEGMENT).backward()
        for place, weight in enumerate(model.parameters()):
            slope, value = weight.grad.numpy(), weight.detach().numpy()
            squares[place] = squares[place] * (number - 1) / number + slope**2 / number
            back = DECAY * (trained[place] - value)
            weight.data = torch.from_numpy(value + back - LR * slope / (np.sqrt(squares[place]) + 1e-8))
    return total


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_it_learns_as_the_equations_say(cell):
    ids = np.random.default_rng(0).integers(V, size=30)
    expected = by_the_paper(make_model(cell), ids, context=2)
    assert score_tokens(dynamic(make_model(cell)), ids, context=2) == pytest.approx(expected, rel=1e-9)


def test_the_first_segment_is_scored_as_it_was_trained():
    ids = np.random.default_rng(0).integers(V, size=(SEGMENT, 1))
    network, static = dynamic(make_model()), TorchNetwork(make_model())
    start = network.initial_state(1)
    first, _ = network.losses(ids, ids, network.copy(start))
    expected, _ = static.losses(ids, ids, static.initial_state(1))
    np.testing.assert_allclose(first, expected)
    again, _ = network.losses(ids, ids, start)
    assert (np.abs(again - expected) > 1e-6).all()


def test_a_text_that_repeats_itself_becomes_likely():
    ids = np.tile(np.array([0, 3, 1, 1, 5]), 80)
    static = score_tokens(TorchNetwork(make_model()), ids, 0)
    assert score_tokens(dynamic(make_model(), dynamic_lr=0.03, dynamic_decay=0), ids, 0) < static / 2


def test_what_follows_a_prompt_is_by_what_was_learned_from_it():
    ids = np.tile(np.array([0, 3, 1, 1, 5]), 80)[:, None]
    network = dynamic(make_model(), dynamic_lr=0.03, dynamic_decay=0)
    start = network.initial_state(1)
    before = network.step(ids[0], network.copy(start))[0].copy()
    logits, state = network.read(ids, network.copy(start))
    assert logits.argmax() == 0
    assert network.step(np.array([0]), state)[0].argmax() == 3
    assert not np.allclose(network.step(ids[0], network.copy(start))[0], before)
    np.testing.assert_array_equal(network.step(ids[0], network.initial_state(1))[0], before)


def test_each_text_begins_with_the_weights_as_they_were_trained():
    ids = np.random.default_rng(0).integers(V, size=50)
    network = dynamic(make_model())
    first = score_tokens(network, ids, context=2)
    score_tokens(network, ids[::-1], context=2)
    assert score_tokens(network, ids, context=2) == first


def test_missing_targets_teach_nothing():
    ids = np.random.default_rng(0).integers(V, size=(3 * SEGMENT, 2))
    network, silent = dynamic(make_model()), dynamic(make_model())
    before = [each.detach().clone() for each in silent._weights]
    _, state = network.losses(ids[:SEGMENT], ids[:SEGMENT], network.initial_state(2))
    _, other = silent.losses(ids[:SEGMENT], ids[:SEGMENT], silent.initial_state(2))
    losses, _ = silent.losses(ids, np.full_like(ids, -1), silent.copy(other))
    assert not losses.any()
    # As if it had not been: neither the weights nor what the size of the next step depends on.
    network.losses(ids, ids, state)
    silent.losses(ids, ids, other)
    for one, another, old in zip(network._weights, silent._weights, before, strict=True):
        assert torch.equal(one, another)
        assert not torch.equal(one, old)


class Odd(Cell):
    """It holds a matrix fixed, and has a parameter that its step has no use for."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, hidden_size)
        self.fixed = nn.Parameter(torch.eye(hidden_size), requires_grad=False)
        self.idle = nn.Parameter(torch.ones(1))

    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + state[0] @ self.fixed)
        return hidden, (hidden,)


def test_what_a_cell_holds_fixed_or_has_no_use_for_stays_as_it_is():
    model = make_model()
    model.cells = nn.ModuleList([Odd(5, 6), Odd(6, 6)]).double()
    ids = np.random.default_rng(0).integers(V, size=50)
    network = dynamic(model)
    score_tokens(network, ids, context=2)
    for cell in model.cells:
        assert torch.equal(cell.fixed, torch.eye(6).double())
        assert torch.equal(cell.idle, torch.ones(1).double())


class TestCommands:
    def test_eval_score_and_sample_learn_as_they_read(self, trained, text_file, cli):
        options = ["--dynamic", "--dynamic-lr", "0.003", "--dynamic-segment", "10"]
        for command in (["eval"], ["score", text_file]):
            static = cli(*command, "--json", "--checkpoints", trained).json()
            learned = cli(*command, "--json", *options, "--checkpoints", trained).json()
            assert learned["tokens"] == static["tokens"]
            assert learned["bits_per_char"] < static["bits_per_char"]
        prompt = ["--checkpoints", trained, "--prompt", "abcabcabc" * 30, "--length", "30", "--temp", "0"]
        plain, learned = cli("sample", *prompt), cli("sample", *prompt, *options)
        assert learned.code == 0
        assert learned.out != plain.out

    def test_python_opens_it_by_the_same_names(self, trained, text_file):
        written = text_file.read_text()[:2000]
        learned = charrnn.load(checkpoints=trained, dynamic=True, dynamic_lr=0.003).score(written)
        assert learned.nats < charrnn.load(checkpoints=trained).score(written).nats

    def test_a_session_forgets_one_text_before_the_next(self, trained, text_file):
        written = text_file.read_text()[:1000]
        session = charrnn.load(checkpoints=trained, dynamic=True, dynamic_lr=0.003)
        greedy = {"temp": 0, "length": 40}
        assert session.score(written) == session.score(written)
        first = session.generate("abc" * 50, **greedy)
        assert session.generate("def " * 50, **greedy) != first
        assert session.generate("abc" * 50, **greedy) == first
        with pytest.raises(UsageError, match="learns from one prompt at a time"):
            next(session.texts(["abc", "def"], num=100, **greedy))

    def test_a_cell_of_a_plugin_keeps_fixed_what_it_holds_fixed(self, text_file, cli, tmp_path):
        (tmp_path / "held.py").write_text(
            "from charrnn import hookimpl\nfrom charrnn.cells.rnn import RNN\n"
            "class Held(RNN):\n"
            "    def __init__(self, *sizes):\n"
            "        super().__init__(*sizes)\n"
            "        self.kernel.weight_hh_l0.requires_grad_(False)\n"
            "@hookimpl\ndef register_cells(register): register('held', Held)\n"
        )
        charrnn.add_plugin(tmp_path / "held.py")
        assert cli("train", text_file, *TINY, "--cell", "held", "--steps", 2, "--name", "mine").code == 0
        session = charrnn.load("mine", dynamic=True, dynamic_lr=0.01)
        before = {name: each.detach().clone() for name, each in session.network._model.named_parameters()}
        session.score(text_file.read_text()[:500])
        same = {name for name, each in session.network._model.named_parameters() if torch.equal(each, before[name])}
        assert same == {"cells.0.kernel.weight_hh_l0"}

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["eval", "--dynamic-lr", "0.1"], "--dynamic-lr says nothing without --dynamic"),
            (["sample", "--dynamic", "--prompts", "two.txt"], "learns from one prompt at a time"),
            (["sample", "--dynamic"], "--dynamic learns from the prompt, and there is none"),
            (["sample", "--dynamic", "--interactive"], "--dynamic would learn from what the model itself writes"),
            (["sample", "--dynamic", "--loop", "--prompt", "a"], "--dynamic would learn from what the model itself"),
            (["eval", "--dynamic", "--dynamic-segment", "2049"], "--dynamic-segment '2049': should be less than or"),
            (["eval", "--dynamic", "--dynamic-decay", "2"], "--dynamic-decay '2': should be less than 1"),
        ],
    )
    def test_what_makes_no_sense_is_told(self, arguments, told, trained, cli):
        Path("two.txt").write_text("abc\ndef\n")
        result = cli(*arguments, "--checkpoints", trained)
        assert result.code == 2
        assert told in result.told
