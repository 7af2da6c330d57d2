"""Scoring: every token once, in order, with carried state; and what generation is drawn from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.evaluation import Score, score_tokens
from charrnn.generation.sampling import log_probabilities, sample
from charrnn.generation.stepper import Stepper
from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings
from tests.conftest import TINY

V = 7


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return LanguageModel(ModelSettings(cell="lstm", layers=2, hidden=6, embed=4, dropout=0.5), V).double().eval()


def by_steps(model, tokens, context):
    """Add the log-probabilities up, one token at a time."""
    state, last, total = model.initial_state(1), context, 0.0
    with torch.no_grad():
        for token in tokens:
            logits, state = model(torch.tensor([[last]]), state)
            total -= torch.log_softmax(logits[0, 0], dim=0)[token].item()
            last = int(token)
    return total


@pytest.mark.parametrize("length", [1, 2, 9, 50, 5000])
def test_n_tokens_give_n_scores(model, length):
    tokens = np.random.default_rng(length).integers(0, V, length).astype(np.uint8)
    assert score_tokens(model, tokens, context=3) == pytest.approx(by_steps(model, tokens, 3), rel=1e-9)


@pytest.mark.parametrize("lanes", [2, 3, 7, 32, 100])
def test_lanes_score_every_token_once_each_from_a_zero_state(model, lanes):
    tokens = np.random.default_rng(1).integers(0, V, 61).astype(np.uint8)
    length = -(-len(tokens) // min(lanes, len(tokens)))
    parts = [tokens[start : start + length] for start in range(0, len(tokens), length)]
    expected = sum(by_steps(model, part, 3) for part in parts)
    assert score_tokens(model, tokens, context=3, lanes=lanes) == pytest.approx(expected, rel=1e-9)


def test_scoring_leaves_the_model_in_its_mode(model):
    model.train()
    score_tokens(model, np.array([1, 2]), 0)
    assert model.training
    model.eval()


def test_figures():
    score = Score(nats=math.log(2) * 12, tokens=4, chars=6, bytes=8)
    assert (score.bits_per_char, score.bits_per_byte) == pytest.approx((2.0, 1.5))
    assert score.nats_per_token == pytest.approx(3 * math.log(2))
    assert score.perplexity == pytest.approx(8)
    assert Score(0.0, 0, 0, 0).nats_per_token == 0.0


def test_a_prompt_in_one_pass_equals_step_after_step(model):
    ids = np.array([3, 1, 4, 1, 5])
    stepped, whole = Stepper(model), Stepper(model)
    for token in ids:
        logits = stepped.step(int(token))
    np.testing.assert_allclose(whole.feed(ids), logits, atol=1e-6)
    np.testing.assert_allclose(whole.step(2), stepped.step(2), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_match_the_softmax(temperature):
    logits = np.array([1.0, 0.0, -1.0, 2.0, 0.5], dtype=np.float32)
    generator = np.random.default_rng(0)
    draws = 20_000
    counts = np.bincount([sample(logits, temperature, generator) for _ in range(draws)], minlength=5)
    expected = np.exp(logits.astype(float) / temperature)
    expected *= draws / expected.sum()
    # Chi-square with 4 degrees of freedom exceeds 23.5 once in 10,000 times.
    assert ((counts - expected) ** 2 / expected).sum() < 23.5


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=9), st.integers(0, 99))
def test_temperature_zero_and_nearly_zero_take_the_likeliest(values, seed):
    logits = np.array(values, dtype=np.float32)
    generator = np.random.default_rng(seed)
    assert sample(logits, 0, generator) == logits.argmax()
    assert logits[sample(logits, 1e-300, generator)] == logits.max()


def test_log_probabilities_sum_to_one():
    logs = log_probabilities(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)


def test_the_score_of_a_text_is_the_sum_along_next(trained):
    session = charrnn.load("words", checkpoints=trained)
    text = "def main"
    total = 0.0
    for at, character in enumerate(text):
        following = dict(session.next(text[:at]))
        assert sum(following.values()) == pytest.approx(1)
        total -= math.log(following[character])
    assert session.score(text).nats == pytest.approx(total, rel=1e-5)


def test_the_python_interface(text_file):
    events = []
    session = charrnn.train(text_file.as_posix(), steps=3, layers=1, hidden=8, embed=4, listen=events.append)
    assert type(events[-1]).__name__ == "Finished"
    streamed = list(session.stream("def ", length=20, seed=1))
    assert session.generate("def ", length=20, seed=1) == "".join(streamed)
    assert session.generate("def ", length=20, seed=1, lane=1) != "".join(streamed)
    with pytest.raises(charrnn.CharrnnError, match="temp"):
        session.stream(temp=-1)


def test_weights_that_are_no_numbers_are_told(trained):
    session = charrnn.load("words", checkpoints=trained)
    with torch.no_grad():
        session.model.output.bias.fill_(float("nan"))
    with pytest.raises(charrnn.CharrnnError, match="NaN"):
        session.generate(length=3)


def test_a_model_that_memorised_its_corpus_writes_it(tmp_path, cli):
    (tmp_path / "abc.txt").write_text("abcdefgh" * 200)
    cli("train", "abc.txt", *TINY, "--lr", "0.02", "--steps", "150")
    assert cli("sample", "--temp", 0, "--prompt", "abcdefghabc", "--length", 13).out == "abcdefghabcdefghabcdefgh\n"
