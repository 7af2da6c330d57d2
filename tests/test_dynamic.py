"""Dynamic evaluation: what a model reads changes it, and nothing is scored by weights that have seen it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import charrnn
from charrnn.evaluation import score_tokens
from charrnn.generation.dynamic_network import DynamicNetwork
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.settings import DynamicSettings, ModelSettings

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
    first, _ = network.losses(ids, ids, network.initial_state(1))
    expected, _ = static.losses(ids, ids, static.initial_state(1))
    np.testing.assert_allclose(first, expected)
    again, _ = network.losses(ids, ids, network.initial_state(1))
    assert (np.abs(again - expected) > 1e-6).all()


def test_a_text_that_repeats_itself_becomes_likely():
    ids = np.tile(np.array([0, 3, 1, 1, 5]), 80)
    static = score_tokens(TorchNetwork(make_model()), ids, 0)
    assert score_tokens(dynamic(make_model(), dynamic_lr=0.03, dynamic_decay=0), ids, 0) < static / 2


def test_what_follows_a_prompt_is_by_what_was_learned_from_it():
    ids = np.tile(np.array([0, 3, 1, 1, 5]), 80)[:, None]
    network = dynamic(make_model(), dynamic_lr=0.03, dynamic_decay=0)
    before = network.step(ids[0], network.initial_state(1))[0].copy()
    logits, state = network.read(ids, network.initial_state(1))
    assert logits.argmax() == 0
    assert network.step(np.array([0]), state)[0].argmax() == 3
    assert not np.allclose(network.step(ids[0], network.initial_state(1))[0], before)


def test_missing_targets_teach_nothing():
    ids = np.random.default_rng(0).integers(V, size=(9, 2))
    network = dynamic(make_model(), dynamic_decay=0)
    before = [each.detach().clone() for each in network._weights]
    losses, _ = network.losses(ids, np.full_like(ids, -1), network.initial_state(2))
    assert not losses.any()
    assert all(torch.equal(one, other) for one, other in zip(network._weights, before, strict=True))


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

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["eval", "--dynamic-lr", "0.1"], "--dynamic-lr says nothing without --dynamic"),
            (["sample", "--dynamic", "--prompts", "x.txt"], "--dynamic learns from one prompt"),
            (["eval", "--dynamic", "--dynamic-decay", "2"], "--dynamic-decay '2': should be less than 1"),
        ],
    )
    def test_what_makes_no_sense_is_told(self, arguments, told, trained, cli):
        result = cli(*arguments, "--checkpoints", trained)
        assert result.code == 2
        assert told in result.told
