"""``--compile``: the same losses, or one line that says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY

CELL = """
import torch
from charrnn import Cell, hookimpl


class Plain(Cell):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size, hidden_size)
        self.mix = torch.nn.Linear(hidden_size, hidden_size)

    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.mix(state[0]))
        return hidden, (hidden,)


@hookimpl
def register_cells(register):
    register("plain", Plain, summary="plain")
"""
OPTIONS = ["--cell", "plain", *TINY, "--steps", 20, "--seq-len", 20]


def losses(name):
    lines = [json.loads(line) for line in (Path("checkpoints") / name / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "train"]


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler here")
def test_compiled_steps_give_the_same_losses(installed, text_file, program):
    installed("my_plain", CELL)
    # A chunk of 20 steps is two compiled chunks and four single steps.
    assert program("train", text_file, *OPTIONS, "--name", "plainly").code == 0
    compiled = program("train", text_file, *OPTIONS, "--name", "compiled", "--compile")
    assert compiled.code == 0, compiled.err
    assert "compiling the cell's steps" in compiled.err
    assert "without it" not in compiled.err
    assert losses("compiled") == pytest.approx(losses("plainly"), abs=1e-5)


def test_without_a_compiler_one_line_says_so(installed, text_file, program, tmp_path):
    installed("my_plain", CELL)
    env = {"CXX": "/nowhere/c++", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "inductor")}
    trained = program("train", text_file, *OPTIONS, "--name", "fallen", "--compile", env=env)
    assert trained.code == 0, trained.err
    assert sum("training goes on without it" in line for line in trained.err.splitlines()) == 1
    assert "Traceback" not in trained.err
    assert program("train", text_file, *OPTIONS, "--name", "plainly").code == 0
    assert losses("fallen") == losses("plainly")


def test_a_cell_with_a_kernel_has_nothing_to_compile(text_file, cli):
    trained = cli("train", text_file, *TINY, "--cell", "lstm", "--steps", 2, "--compile")
    assert trained.code == 0
    assert "nothing to compile in cell 'lstm'" in trained.err
