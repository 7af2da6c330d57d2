"""The conformance kit: what is built in passes, and each check catches what is broken in exactly its way."""

from __future__ import annotations

import pytest
import torch

import charrnn
from charrnn.plugins import Plugins
from charrnn.testing import (
    Broken,
    cells,
    check_cell,
    check_corpus,
    check_numpy_form,
    check_tokenizer,
    check_warper,
    corpora,
    numpy_forms,
    tokenizers,
    warpers,
)
from tests.broken_cells import BROKEN as BROKEN_CELLS
from tests.broken_cells import Sound
from tests.broken_corpora import BROKEN as BROKEN_CORPORA
from tests.broken_corpora import Numbers
from tests.broken_numpy_forms import BROKEN as BROKEN_FORMS
from tests.broken_numpy_forms import Sound as SoundForm
from tests.broken_tokenizers import BROKEN as BROKEN_TOKENIZERS
from tests.broken_tokenizers import Characters
from tests.broken_warpers import BROKEN as BROKEN_WARPERS
from tests.broken_warpers import Flatten


def broken_by(checks, target):
    """Name the checks that a class does not pass."""
    found = set()
    for check in checks:
        try:
            check(target)
        except Exception:  # a broken cell may raise anything
            found.add(check.name)
    return found


class TestBuiltIn:
    @pytest.mark.parametrize("entry", list(Plugins().cells), ids=lambda entry: entry.name)
    def test_cells(self, entry):
        check_cell(entry.load())

    @pytest.mark.parametrize("activation", ["relu", "sigmoid"])
    def test_options_of_cells(self, activation):
        entry = Plugins().cells["rnn"]
        check_cell(entry.load(), activation=activation)
        check_numpy_form(entry.load(), entry.load_numpy(), activation=activation)

    @pytest.mark.parametrize("entry", list(Plugins().cells), ids=lambda entry: entry.name)
    def test_numpy_forms(self, entry):
        check_numpy_form(entry.load(), entry.load_numpy())

    @pytest.mark.parametrize("entry", list(Plugins().tokenizers), ids=lambda entry: entry.name)
    def test_tokenizers(self, entry):
        check_tokenizer(entry.load())

    def test_corpora(self):
        check_corpus(Plugins().corpora["pystdlib"].load())

    def test_a_warper(self):
        check_warper(Flatten)


class TestFixtures:
    """As a plugin's own tests have them."""

    def test_cells(self, cell_check):
        cell_check(Sound)

    def test_numpy_forms(self, numpy_form_check):
        numpy_form_check((Sound, SoundForm))

    def test_tokenizers(self, tokenizer_check):
        tokenizer_check(Characters)

    def test_warpers(self, warper_check):
        warper_check(Flatten)

    def test_corpora(self, corpus_check):
        corpus_check(Plugins().corpora["pystdlib"].load())


@pytest.mark.parametrize("name", [check.name for check in cells.CHECKS])
def test_a_check_catches_a_cell_that_is_broken_in_its_way(name):
    cell, others = BROKEN_CELLS[name]
    assert {name} <= broken_by(cells.CHECKS, cell) <= {name, *others}


@pytest.mark.parametrize("name", [check.name for check in numpy_forms.CHECKS])
def test_a_check_catches_a_numpy_form_that_is_broken_in_its_way(name):
    form, others = BROKEN_FORMS[name]
    assert {name} <= broken_by(numpy_forms.CHECKS, (Sound, form)) <= {name, *others}


@pytest.mark.parametrize("name", [check.name for check in tokenizers.CHECKS])
def test_a_check_catches_a_tokenizer_that_is_broken_in_its_way(name):
    tokenizer, others = BROKEN_TOKENIZERS[name]
    assert {name} <= broken_by(tokenizers.CHECKS, tokenizer) <= {name, *others}


@pytest.mark.parametrize("name", [check.name for check in corpora.CHECKS])
def test_a_check_catches_a_corpus_that_is_broken_in_its_way(name):
    assert not broken_by(corpora.CHECKS, Numbers)
    corpus, others = BROKEN_CORPORA[name]
    assert {name} <= broken_by(corpora.CHECKS, corpus) <= {name, *others}


@pytest.mark.parametrize("name", [check.name for check in warpers.CHECKS])
def test_a_check_catches_a_warper_that_is_broken_in_its_way(name):
    warper, others = BROKEN_WARPERS[name]
    assert {name} <= broken_by(warpers.CHECKS, warper) <= {name, *others}


def test_the_smallest_case_is_told():
    class Future(Sound):
        def forward(self, inputs, state):
            outputs, state = super().forward(inputs, state)
            return outputs + inputs[-1].mean(), state

    with pytest.raises(Broken, match=r"forward equals repeated step.*\(T=1 B=1 I=1 H=1 float64\)"):
        check_cell(Future)


def test_a_cell_that_needs_certain_sizes_is_checked_in_those():
    class Even(Sound):
        def __init__(self, input_size, hidden_size):
            if hidden_size % 2:
                raise charrnn.errors.UsageError("hidden features: give an even number")
            super().__init__(input_size, hidden_size)

    check_cell(Even)

    class Never(Sound):
        def __init__(self, input_size, hidden_size):
            raise charrnn.errors.UsageError("never")

    with pytest.raises(Broken, match="cannot be built in any of the sizes tried: never"):
        check_cell(Never)


class TestCommand:
    CELL = """
import torch
from charrnn import Cell, hookimpl

class Forgetful(Cell):
    def __init__(self, input_size, hidden_size, scale: float = 1.0):
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size, hidden_size)
        self.scale = scale

    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + state[0]) * self.scale
        return hidden, (hidden,)
SOUND

@hookimpl
def register_cells(register):
    register("forgetful", Forgetful)
"""
    LEAK = """
    def forward(self, inputs, state):
        return super().forward(inputs + inputs[-1:] * (len(inputs) > 2), state)
"""

    def test_what_holds_ends_well_with_a_speed(self, tmp_path, cli):
        (tmp_path / "mine.py").write_text(self.CELL.replace("SOUND", ""))
        result = cli("plugins", "check", "mine.py", "--option", "scale=0.5", "--json")
        assert result.code == 0
        (report,) = result.json()
        assert report["holds"]
        assert report["speed"]["ratio"] > 0
        assert {each["name"] for each in report["checks"]} == {check.name for check in cells.CHECKS}

    def test_what_does_not_is_told_with_its_smallest_case(self, tmp_path, cli):
        (tmp_path / "mine.py").write_text(self.CELL.replace("SOUND", self.LEAK))
        result = cli("plugins", "check", "forgetful", "--plugin", "mine.py")
        assert result.code == 1
        assert "cell forgetful breaks" in result.out
        line = next(line for line in result.out.splitlines() if "no step sees the future" in line)
        assert line.startswith("BROKEN")
        assert "smallest case: T=3 B=2 I=1 H=1 float64" in line

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["lstmm"], "did you mean 'lstm'"),
            (["rnn", "--option", "activaton=relu"], "did you mean 'activation'"),
            (["missing.py"], "there is no such file"),
        ],
    )
    def test_wrong_targets_are_told(self, arguments, told, cli):
        result = cli("plugins", "check", *arguments)
        assert result.code == 2
        assert told in result.told


def test_torch_is_not_imported_for_the_fixtures_alone(program, tmp_path):
    import subprocess
    import sys

    (tmp_path / "test_nothing.py").write_text("import sys\ndef test_it():\n    assert 'torch' not in sys.modules\n")
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout


def test_a_nan_is_no_equality():
    from charrnn.testing.cell_cases import farthest

    assert farthest([torch.tensor([float("nan")])], [torch.tensor([1.0])]) == float("inf")
    assert farthest([torch.zeros(2)], [torch.zeros(3)]) == float("inf")
