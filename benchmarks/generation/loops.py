"""Ways to generate, each a function of a shape that returns a step: it draws one character of every text.

Torch and OpenBLAS keep threads of their own, which disturb each other: each way runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.generation.shape import EMBEDDING, VOCABULARY, Shape

Run = Callable[[int], object]

_TEMPERATURE = 0.8


def kernel(shape: Shape) -> Run:
    """Step ``torch.nn.LSTM``, as most programs do."""
    import torch
    from torch import nn

    embedding, output = nn.Embedding(VOCABULARY, EMBEDDING), nn.Linear(shape.hidden, VOCABULARY)
    lstm = nn.LSTM(EMBEDDING, shape.hidden, shape.layers)

    @torch.inference_mode()
    def run(steps: int) -> None:
        state = tuple(torch.zeros(shape.layers, shape.lanes, shape.hidden) for _ in range(2))
        ids = torch.zeros(shape.lanes, dtype=torch.long)
        for _ in range(steps):
            features, state = lstm(embedding(ids).unsqueeze(0), state)
            ids = torch.multinomial((output(features[0]) / _TEMPERATURE).softmax(-1), 1)[:, 0]

    return run


def plain(shape: Shape) -> Run:
    """Step by torch's products and functions, one product a layer."""
    import torch
    from torch import nn
    from torch.nn import functional

    embedding, output = nn.Embedding(VOCABULARY, EMBEDDING), nn.Linear(shape.hidden, VOCABULARY)
    sizes = [EMBEDDING] + [shape.hidden] * (shape.layers - 1)
    layers = [nn.Linear(size + shape.hidden, 4 * shape.hidden) for size in sizes]

    @torch.inference_mode()
    def run(steps: int) -> None:
        hidden = [torch.zeros(shape.lanes, shape.hidden) for _ in layers]
        memory = [torch.zeros(shape.lanes, shape.hidden) for _ in layers]
        ids = torch.zeros(shape.lanes, dtype=torch.long)
        for _ in range(steps):
            features = embedding(ids)
            for number, layer in enumerate(layers):
                both = torch.cat([features, hidden[number]], dim=1)
                into, forget, candidate, out = functional.linear(both, layer.weight, layer.bias).chunk(4, dim=1)
                memory[number] = forget.sigmoid() * memory[number] + into.sigmoid() * candidate.tanh()
                features = hidden[number] = out.sigmoid() * memory[number].tanh()
            ids = torch.multinomial((output(features) / _TEMPERATURE).softmax(-1), 1)[:, 0]

    return run


def charrnn(shape: Shape) -> Run:
    """Draw with charrnn: a session's texts, decoded."""
    return _session(shape, "lstm")


def plugin(shape: Shape) -> Run:
    """Draw with charrnn from a model of a plugin's cell, which has no NumPy form."""
    return _session(shape, "plain-lstm")


def hand(shape: Shape) -> Run:
    """Step the same cell by a loop that somebody writes around it."""
    import torch
    from torch import nn

    from benchmarks.speed.cells import PlainLSTM

    embedding, output = nn.Embedding(VOCABULARY, EMBEDDING), nn.Linear(shape.hidden, VOCABULARY)
    sizes = [EMBEDDING] + [shape.hidden] * (shape.layers - 1)
    cells = [PlainLSTM(size, shape.hidden) for size in sizes]

    @torch.inference_mode()
    def run(steps: int) -> None:
        states = [cell.initial_state(shape.lanes) for cell in cells]
        ids = torch.zeros(shape.lanes, dtype=torch.long)
        for _ in range(steps):
            features = embedding(ids)
            for number, cell in enumerate(cells):
                features, states[number] = cell.step(cell.project(features.unsqueeze(0))[0], states[number])
            ids = torch.multinomial((output(features) / _TEMPERATURE).softmax(-1), 1)[:, 0]

    return run


def _session(shape: Shape, cell: str) -> Run:
    import numpy as np

    from charrnn.generation.lanes import Track
    from charrnn.generation.session import Session
    from charrnn.generation.settings import SampleSettings
    from charrnn.plugins import plugins
    from charrnn.settings import ModelSettings

    settings = ModelSettings(cell=cell, layers=shape.layers, hidden=shape.hidden, embed=EMBEDDING, dropout=0)
    alphabet = "".join(map(chr, range(32, 32 + VOCABULARY)))
    tokenizer = plugins().tokenizers["char"].load().train([alphabet])
    network: Any
    if cell == "lstm":
        from charrnn.generation.numpy_network import NumpyNetwork

        network = NumpyNetwork(settings, VOCABULARY, _weights(shape, np.random.default_rng(0)))
    else:
        from benchmarks.generation import plain_cell
        from charrnn.generation.torch_network import TorchNetwork
        from charrnn.model import LanguageModel

        plugins().add(plain_cell.__file__)
        network = TorchNetwork(LanguageModel(settings, VOCABULARY).requires_grad_(False))
    session = Session(network, tokenizer, 0)
    prompt = session.read("")

    def run(steps: int) -> None:
        asked = SampleSettings(length=steps, num=shape.lanes, seed=0, temp=_TEMPERATURE)
        for _ in session.pieces([prompt], asked, track=Track(text=False)):
            pass

    return run


def _weights(shape: Shape, chance: Any) -> dict[str, Any]:
    import numpy as np

    def uniform(*size: int) -> Any:
        return (chance.random(size, dtype=np.float32) - np.float32(0.5)) * np.float32(2 / shape.hidden**0.5)

    weights = {
        "embedding.weight": uniform(VOCABULARY, EMBEDDING),
        "output.weight": uniform(VOCABULARY, shape.hidden),
        "output.bias": uniform(VOCABULARY),
    }
    rows = 4 * shape.hidden
    for layer in range(shape.layers):
        inputs = shape.hidden if layer else EMBEDDING
        below = f"cells.{layer}.kernel"
        weights |= {f"{below}.weight_ih_l0": uniform(rows, inputs), f"{below}.bias_ih_l0": uniform(rows)}
        weights |= {f"{below}.weight_hh_l0": uniform(rows, shape.hidden), f"{below}.bias_hh_l0": uniform(rows)}
    return weights
