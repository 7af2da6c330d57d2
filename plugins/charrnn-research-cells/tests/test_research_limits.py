"""How the cells start, what they are where an option or a weight is nought, and what is refused."""

from __future__ import annotations

import pytest
import torch
from charrnn_research_cells.indrnn import IndRNN
from charrnn_research_cells.ln_lstm import LayerNormLSTM
from charrnn_research_cells.mgu import MinimalGatedUnit
from charrnn_research_cells.mlstm import MultiplicativeLSTM
from charrnn_research_cells.mogrifier import MogrifierLSTM

from charrnn.cells.lstm import LSTM
from charrnn.errors import UsageError


def random(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("options", [{"rounds": -1}, {"rank": -2}])
def test_less_than_nothing_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(UsageError, match=rf"^{name}={value} of mogrifier: choose 0 \(.*\) or more$"):
        MogrifierLSTM(2, 3, **options)


def same_gates(cell, lstm):
    """Give an LSTM the weights that a mogrifier has beside its rounds."""
    weight, recurrent, bias, recurrent_bias = lstm.kernel.all_weights[0]
    with torch.no_grad():
        weight.copy_(cell.read.weight)
        bias.copy_(cell.read.bias)
        recurrent.copy_(cell.recur.weight)
        recurrent_bias.zero_()


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_a_mogrifier_whose_rounds_are_nought_is_an_lstm(rounds):
    cell, lstm = MogrifierLSTM(4, 5, rounds=rounds).double(), LSTM(4, 5).double()
    same_gates(cell, lstm)
    with torch.no_grad():
        for matrix in cell.rounds:
            matrix.weight.zero_()  # 2 σ(0) = 1
    inputs, state = random(7, 3, 4), (random(3, 5), random(3, 5))
    torch.testing.assert_close(cell(inputs, state), lstm(inputs, state))


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_low_rank_saves_parameters(rounds):
    full, low = (
        sum(each.numel() for each in MogrifierLSTM(16, 32, rounds, rank).rounds.parameters()) for rank in (0, 3)
    )
    assert full == rounds * 16 * 32
    assert low == rounds * 3 * (16 + 32)


def test_a_mogrifier_reads_its_input_in_the_step():
    cell = MogrifierLSTM(4, 5)
    inputs = torch.randn(7, 3, 4)
    assert cell.project(inputs) is inputs


def test_forget_gates_start_open():
    torch.manual_seed(0)
    second = slice(100, 200)
    assert (MultiplicativeLSTM(9, 100).mix.bias[second] == 1).all()
    assert (MogrifierLSTM(9, 100).read.bias[second] == 1).all()
    assert (LayerNormLSTM(9, 100).bias[:100] == 1).all()
    assert (LayerNormLSTM(9, 100).bias[100:] == 0).all()


@pytest.mark.parametrize("kind", [MultiplicativeLSTM, MogrifierLSTM, IndRNN, MinimalGatedUnit, LayerNormLSTM])
def test_matrices_start_as_torch_starts_its_own(kind):
    torch.manual_seed(0)
    for parameter in kind(9, 100).parameters():
        if parameter.dim() == 2:
            assert parameter.abs().max().item() <= 0.1
            assert parameter.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.1)


def test_a_layer_norm_starts_as_a_normalization_alone():
    cell = LayerNormLSTM(9, 100)
    for norm in (cell.norm_recur, cell.norm_read, cell.norm_memory):
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()


def test_the_scale_of_its_input_is_nothing_to_the_layer_norm_lstm():
    cell = LayerNormLSTM(4, 16).double()
    inputs, state = random(7, 3, 4) * 1000, cell.initial_state(3)
    torch.testing.assert_close(cell(inputs, state), cell(inputs * 10, state), rtol=0, atol=1e-6)


def test_the_units_of_an_indrnn_start_with_all_kinds_of_memory():
    torch.manual_seed(0)
    recur = IndRNN(1, 10_000).recur
    assert recur.min().item() == pytest.approx(0, abs=1e-3)
    assert recur.max().item() == pytest.approx(1, abs=1e-3)
    assert recur.mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_unit_of_an_indrnn_sees_no_other_unit():
    cell = IndRNN(4, 5, activation="tanh").double()
    inputs, start = random(7, 1, 4), random(1, 5)
    changed = start.clone()
    changed[0, 2] += 1
    apart = (cell(inputs, (start,))[0] != cell(inputs, (changed,))[0]).any(dim=0)[0]
    assert apart.tolist() == [False, False, True, False, False]


def test_an_input_of_nothing_lets_an_mlstm_read_no_state():
    cell = MultiplicativeLSTM(4, 5).double()
    memory = random(3, 5)
    nothing = torch.zeros(1, 3, 4, dtype=torch.float64)
    one, other = (cell(nothing, (hidden, memory))[0] for hidden in (random(3, 5), torch.zeros_like(memory)))
    assert torch.equal(one, other)
