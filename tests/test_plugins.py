"""Plugins: what is built in comes the same way as anyone's, and a broken one harms nobody."""

from __future__ import annotations

import pytest

from charrnn import builtin
from charrnn.errors import PluginError, UsageError
from charrnn.plugins import BUILTIN, Plugins, PluginWarning
from charrnn.registry import Owner, Registry
from tests.conftest import TINY

CELL = """
import torch
from charrnn import Cell, hookimpl

class Average(Cell):
    def __init__(self, input_size, hidden_size, rate: float = 0.5):
        super().__init__(input_size, hidden_size)
        self.rate = rate
        self.input = torch.nn.Linear(input_size, hidden_size)

    def project(self, inputs):
        return self.input(inputs).tanh()

    def step(self, projected, state):
        hidden = self.rate * state[0] + (1 - self.rate) * projected
        return hidden, (hidden,)

@hookimpl
def register_cells(register):
    register("average", Average, summary="leaky average")
"""


def test_an_installed_cell_trains_and_is_recorded(installed, text_file, program):
    installed("my_cells", CELL)
    options = ["--cell", "average", "--cell-option", "rate=0.25"]
    trained = program("train", text_file, *options, *TINY, "--steps", 4, "--name", "mine")
    assert trained.code == 0, trained.err
    config = program("runs", "show", "mine", "--json").json()
    assert config["plugins"]["cell"] == {"plugin": "my_cells", "distribution": "my_cells", "version": "1.2"}
    assert config["settings"]["cell_options"] == {"rate": 0.25} or config["settings"]["cell_options"] == {
        "rate": "0.25"
    }
    assert program("sample", "--length", 5).code == 0


def test_a_broken_plugin_is_one_line_and_the_rest_goes_on(installed, text_file, program):
    installed("my_broken", "raise RuntimeError('no good')")
    installed("my_cells", CELL)
    result = program("train", text_file, "--cell", "average", *TINY, "--steps", 2)
    assert result.code == 0
    lines = [line for line in result.err.splitlines() if "warning" in line]
    assert lines == ["charrnn: warning: plugin 'my_broken' (my_broken) was left out: RuntimeError: no good"]


def test_a_plugin_that_raises_in_a_hook_is_named(installed):
    installed("my_raising", "from charrnn import hookimpl\n@hookimpl\ndef register_cells(register):\n    1 / 0\n")
    with pytest.warns(PluginWarning, match="plugin 'my_raising' failed in register_cells: ZeroDivisionError"):
        names = [entry.name for entry in Plugins().cells]
    assert names == ["gru", "lstm", "rnn"]


def test_a_taken_name_is_refused_and_both_owners_are_named(installed):
    installed("my_cells", CELL.replace('"average"', '"lstm"'))
    with pytest.warns(PluginWarning, match="plugin 'my_cells' registers the cell 'lstm', which is plugin 'builtin's"):
        assert Plugins().cells["lstm"].owner == BUILTIN


def test_the_built_in_names_come_through_the_hooks():
    found = Plugins()
    for registry, hook in ((found.cells, "register_cells"), (found.tokenizers, "register_tokenizers")):
        names = []
        getattr(builtin, hook)(lambda name, target, *, summary, names=names: names.append(name))
        assert sorted(names) == [entry.name for entry in registry]
        assert all(entry.owner == BUILTIN and entry.summary for entry in registry)


def test_a_target_that_leads_nowhere_is_told():
    registry = Registry("cell")
    registry.add("x", "charrnn.nowhere:X", Owner("p", "d", "1"))
    with pytest.raises(PluginError, match=r"cell 'x' of plugin 'p' cannot be loaded from 'charrnn\.nowhere:X'"):
        registry["x"].load()
    with pytest.raises(UsageError, match="there are: x"):
        registry["something else"]
