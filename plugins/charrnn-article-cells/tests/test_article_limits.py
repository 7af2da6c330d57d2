"""What the README says of the cells: how they start, what they can reach, and where torch's are the same."""

from __future__ import annotations

import math

import pytest
import torch
from charrnn_article_cells.gru import ArticleGRU
from charrnn_article_cells.lstm import ArticleLSTM
from charrnn_article_cells.rnn import ArticleRNN
from torch import nn

from charrnn.errors import UsageError
from charrnn.recurrence import step_by_step


@pytest.mark.parametrize("squash", ["sigmoid", "tanh"])
def test_squash_is_refused_for_the_pseudocode(squash):
    with pytest.raises(UsageError, match=f"squash={squash} of article-lstm: .*; leave squash out"):
        ArticleLSTM(2, 3, form="pseudocode", squash=squash)


@pytest.mark.parametrize(
    ("cell", "leaves"),
    [
        (ArticleRNN(2, 3), 1),
        (ArticleLSTM(2, 3), 2),
        (ArticleLSTM(2, 3, form="pseudocode"), 2),
        (ArticleGRU(2, 3), 2),
        (ArticleGRU(2, 3, form="pseudocode"), 1),
    ],
)
def test_the_state_is_that_of_the_form(cell, leaves):
    assert [leaf.tolist() for leaf in cell.initial_state(2)] == [[[0.0] * 3] * 2] * leaves


@pytest.mark.parametrize("form", ["equations", "pseudocode"])
@pytest.mark.parametrize("kind", [ArticleLSTM, ArticleGRU])
def test_parameters_start_as_torch_starts_its_own(kind, form):
    torch.manual_seed(0)
    cell = kind(9, 100, form=form)
    for parameter in cell.parameters():
        assert parameter.abs().max().item() <= 0.1
        assert parameter.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.2)


@pytest.mark.parametrize(
    ("cell", "parameters"),
    [
        (ArticleRNN, lambda i, h: h * h + h * i + h),
        (ArticleLSTM, lambda i, h: 5 * h * h + 3 * h * i + 4 * h),
        (ArticleGRU, lambda i, h: 5 * h * h + 3 * h * i + 4 * h),
        (lambda i, h: ArticleLSTM(i, h, form="pseudocode"), lambda i, h: h * h + h * i),
        (lambda i, h: ArticleGRU(i, h, form="pseudocode"), lambda i, h: h * h + h * i),
    ],
)
def test_they_have_as_many_parameters_as_the_formulas(cell, parameters):
    assert sum(each.numel() for each in cell(4, 7).parameters()) == parameters(4, 7)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_with_torch_s_activation_the_rnn_is_torch_s(activation):
    cell = ArticleRNN(4, 5, activation=activation).double()
    kernel = nn.RNN(4, 5, nonlinearity=activation).double()
    with torch.no_grad():
        kernel.weight_ih_l0.copy_(cell.read.weight)
        kernel.bias_ih_l0.copy_(cell.read.bias)
        kernel.weight_hh_l0.copy_(cell.recur.weight)
        kernel.bias_hh_l0.zero_()
    inputs = torch.randn(7, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(cell(inputs, cell.initial_state(3))[0], kernel(inputs)[0])


def reached(cell):
    """The smallest and the largest number in each leaf of the state, over wild weights and inputs."""
    torch.manual_seed(0)
    cell.double()  # in float32, tanh(1) rounds up
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(torch.randn_like(parameter) * 2)
        inputs = cell.project(torch.randn(400, 200, cell.input_size, dtype=torch.float64))
        state = cell.initial_state(200)
        states = []
        for each in inputs:
            _, state = cell.step(each, state)
            states.append(state)
    leaves = [torch.stack(each) for each in zip(*states, strict=True)]
    return [(leaf.min().item(), leaf.max().item()) for leaf in leaves]


def test_the_equations_of_the_lstm_have_positive_memory_and_output():
    (least_h, most_h), (least_c, _) = reached(ArticleLSTM(3, 16))
    assert 0 <= least_h < most_h <= 1
    assert least_c >= 0


def test_the_equations_of_the_gru_are_bounded_by_tanh():
    (least_h, most_h), (least_c, most_c) = reached(ArticleGRU(3, 16))
    assert -1 <= least_c < -0.9
    assert 0.9 < most_c <= 1
    assert -math.tanh(1) <= least_h < most_h <= math.tanh(1)


def test_the_pseudocode_of_the_lstm_can_hardly_be_negative():
    (least_h, most_h), (least_c, most_c) = reached(ArticleLSTM(3, 16, form="pseudocode"))
    assert -0.11 < least_h < -0.05
    assert most_h > 0.99
    assert -0.301 < least_c < -0.2
    assert most_c > 2


def test_the_pseudocode_of_the_gru_writes_less_of_what_is_positive():
    ((least, most),) = reached(ArticleGRU(3, 16, form="pseudocode"))
    assert -0.762 < least < -0.7
    assert 0.4 < most < 0.548


def held(cell, value, start, steps):
    """The last state of a cell of one unit that sees ``a = value`` at every step."""
    with torch.no_grad():
        cell.double().recur.weight.zero_()
        inputs = torch.full((steps, 1, 1), value, dtype=torch.float64)
        return step_by_step(cell, inputs, tuple(torch.full((1, 1), each, dtype=torch.float64) for each in start))[1]


@pytest.mark.parametrize("a", [-2.0, -0.7, 0.0, 0.5, 2.0])
@pytest.mark.parametrize("start", [-3.0, 0.0, 3.0])
def test_the_pseudocode_of_the_lstm_forgets_where_it_began(a, start):
    _, memory = held(ArticleLSTM(1, 1, form="pseudocode"), a, (0.0, start), steps=400)
    assert memory.item() == pytest.approx(math.exp(a) * math.tanh(a), abs=1e-9)


def test_the_pseudocode_of_the_lstm_counts_while_it_keeps():
    _, memory = held(ArticleLSTM(1, 1, form="pseudocode"), 12.0, (0.0, 0.5), steps=20)
    assert memory.item() == pytest.approx(20.5, abs=0.01)


def test_the_pseudocode_of_the_gru_keeps_without_writing():
    (hidden,) = held(ArticleGRU(1, 1, form="pseudocode"), 12.0, (0.3,), steps=20)
    assert hidden.item() == pytest.approx(0.3, abs=1e-3)
