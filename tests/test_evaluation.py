"""Scoring: every token once, in order, with carried state."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
import torch

import charrnn
from charrnn.evaluation import Score, score_tokens
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings
from tests.conftest import TINY
from tests.forging import reseal

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
    assert score_tokens(TorchNetwork(model), tokens, context=3) == pytest.approx(by_steps(model, tokens, 3), rel=1e-9)


@pytest.mark.parametrize("lanes", [2, 3, 7, 32, 100])
def test_lanes_score_every_token_once_each_from_a_zero_state(model, lanes):
    tokens = np.random.default_rng(1).integers(0, V, 61).astype(np.uint8)
    length = -(-len(tokens) // min(lanes, len(tokens)))
    parts = [tokens[start : start + length] for start in range(0, len(tokens), length)]
    expected = sum(by_steps(model, part, 3) for part in parts)
    assert score_tokens(TorchNetwork(model), tokens, context=3, lanes=lanes) == pytest.approx(expected, rel=1e-9)


def test_figures():
    score = Score(nats=math.log(2) * 12, tokens=4, chars=6, bytes=8)
    assert (score.bits_per_char, score.bits_per_byte) == pytest.approx((2.0, 1.5))
    assert score.nats_per_token == pytest.approx(3 * math.log(2))
    assert score.perplexity == pytest.approx(8)
    assert Score(0.0, 0, 0, 0).nats_per_token == 0.0


def test_the_python_interface(text_file):
    events = []
    session = charrnn.train(text_file.as_posix(), steps=3, layers=1, hidden=8, embed=4, listen=events.append)
    assert type(events[-1]).__name__ == "Finished"
    streamed = list(session.stream("def ", length=20, seed=1))
    assert session.generate("def ", length=20, seed=1) == "".join(streamed)
    assert session.generate("def ", length=20, seed=1, lane=1) != "".join(streamed)
    with pytest.raises(charrnn.CharrnnError, match="temp"):
        session.stream(temp=-1)
    texts = list(session.texts(["def ", "class "], num=40, length=9, until="e", seed=1))
    assert [each.number for each in texts] == list(range(80))
    assert texts[3].text == session.generate("def ", length=9, until="e", seed=1, lane=3)
    assert all(each.log_probability < 0 for each in texts)
    for wrong in ({"num": 2}, {"beam": 2}):
        with pytest.raises(charrnn.CharrnnError):
            session.generate(**wrong)
    with pytest.raises(charrnn.CharrnnError, match="device 'tpu': should be auto, cpu, mps, cuda, or cuda:N"):
        charrnn.load(session.run.path, device="tpu")


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_weights_that_are_no_numbers_are_told(device, trained, tmp_path):
    """In NumPy as in torch."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(trained / "words", tmp_path / "words")
    (path,) = (tmp_path / "words").glob("saves/*/best.safetensors")
    weights = load_file(path)
    weights["output.bias"].fill_(float("nan"))
    save_file(weights, path)
    reseal(tmp_path / "words")
    session = charrnn.load(tmp_path / "words", device=device)
    for settings in ({}, {"temp": 0}):
        with pytest.raises(charrnn.CharrnnError, match="NaN"):
            session.generate(length=3, **settings)
    with pytest.raises(charrnn.CharrnnError, match="NaN"):
        session.beam(beam=2, length=3)


def test_a_model_that_memorised_its_corpus_writes_it(tmp_path, cli):
    (tmp_path / "abc.txt").write_text("abcdefgh" * 200)
    cli("train", "abc.txt", *TINY, "--lr", "0.02", "--steps", "150")
    assert cli("sample", "--temp", 0, "--prompt", "abcdefghabc", "--length", 13).out == "abcdefghabcdefghabcdefgh\n"
