"""Training on a GPU: cells against cuDNN's kernels, and how much of the time the GPU works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch.profiler import DeviceType, profile

from benchmarks.speed.cells import PlainGRU, PlainLSTM
from benchmarks.speed.models import EMBEDDING, VOCABULARY, Kernel, Shape, Training
from benchmarks.speed.timing import side_by_side
from charrnn import hookimpl
from charrnn.model import LanguageModel
from charrnn.plugins import plugins
from charrnn.settings import TrainSettings
from charrnn.training.gradient import unheard
from charrnn.training.learner import Learner

_SMALL, _WIDE, _LARGE = Shape(2, 256, 128, 16), Shape(2, 512, 128, 128), Shape(3, 1024, 128, 128)
_LSTM, _GRU, _RNN = torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN
#: What is trained, and the kernel of torch's that it is measured by.
_CASES: list[tuple[str, str, type[torch.nn.RNNBase], list[Shape]]] = [
    ("built-in LSTM", "lstm", _LSTM, [_SMALL, _WIDE, _LARGE]),
    ("built-in GRU", "gru", _GRU, [_SMALL, _WIDE, _LARGE]),
    ("built-in RNN", "rnn", _RNN, [_SMALL]),
    ("an LSTM by a plugin", "plain-lstm", _LSTM, [_SMALL, _WIDE]),
    ("a GRU by a plugin", "plain-gru", _GRU, [_SMALL]),
    ("minGRU", "mingru", _LSTM, [_SMALL, _WIDE]),
]
_ROUNDS = 3
_TRACED = 3


def gpu() -> Iterator[str]:
    """Say what the GPU is, and give the table."""
    properties = torch.cuda.get_device_properties(0)
    version = torch.backends.cudnn.version() or 0
    yield (
        f"{properties.name}, {properties.multi_processor_count} multiprocessors, {properties.total_memory / 2**30:.0f} "
        f"GiB; torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {version // 10000}.{version // 100 % 100}"
    )
    yield ""
    plugins().add(__file__)
    yield (
        "| what, shape | torch.nn, characters a second | charrnn | `--compile` | "
        "MB a step: torch.nn, charrnn | the GPU works: torch.nn, charrnn, `--compile` |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, cell, kernel, shapes in _CASES:
        for shape in shapes:
            cases: dict[str, Callable[[], object]] = {
                "torch.nn": Training(Kernel(kernel, shape), shape, device="cuda"),
                "plain": _learning(cell, shape),
                "compiled": _learning(cell, shape, compiled=True),
            }
            seconds = side_by_side(cases, _ROUNDS, torch.cuda.synchronize)
            times = {each: f"{seconds['torch.nn'] / seconds[each]:.2f}" for each in cases}
            memory = ", ".join(f"{_memory(cases[each]):.0f}" for each in ("torch.nn", "plain"))
            busy = ", ".join(f"{_busy(cases[each], seconds[each]):.0%}" for each in ("torch.nn", "plain", "compiled"))
            yield (
                f"| {name} {shape} | {shape.characters / seconds['torch.nn'] / 1e3:.0f} k | {times['plain']} | "
                f"{times['compiled']} | {memory} | {busy} |"
            )


def _learning(cell: str, shape: Shape, *, compiled: bool = False) -> Callable[[], object]:
    """Return what takes a step as ``charrnn train`` does."""
    settings = TrainSettings(
        cell=cell,
        layers=shape.layers,
        hidden=shape.hidden,
        embed=EMBEDDING,
        dropout=0.0,
        seq_len=shape.steps,
        batch_size=shape.lanes,
        lr=1e-3,
        compile=compiled,
    )
    observers: Any = SimpleNamespace(phase_started=unheard)
    learner = Learner(LanguageModel(settings, VOCABULARY).cuda(), settings, observers)
    for notice in learner.warm_up():
        if "without it" in notice.text:
            raise RuntimeError(notice.text)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(VOCABULARY, (shape.steps + 1, shape.lanes), generator=generator).cuda()
    return lambda: learner.step(ids[:-1], ids[1:], 1e-3, number=1, at_start=False)


def _memory(step: Callable[[], object]) -> float:
    """Return the MB that a step needs above what is there between steps."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _busy(step: Callable[[], object], seconds: float) -> float:
    """Return the share of a step's time, measured before, that kernels run; above 1 where several do at once."""
    with profile(acc_events=True) as found:
        for _ in range(_TRACED):
            step()
        torch.cuda.synchronize()
    averages = found.key_averages()
    kernels = [each for each in averages if each.device_type == DeviceType.CUDA and not each.is_user_annotation]
    return sum(each.self_device_time_total for each in kernels) / 1e6 / _TRACED / seconds


@hookimpl
def register_cells(register: Any) -> None:
    """Offer the cells that a plugin's author would write."""
    register("plain-lstm", PlainLSTM, summary="an LSTM")
    register("plain-gru", PlainGRU, summary="a GRU")
