"""The page on scaling quotes what its script works out."""

from __future__ import annotations

import pytest

from benchmarks.scaling_model import GRADIENT, MODELS, NETWORK, PAGE, QUOTED, REACHED, Model, all_reduce, filled, step
from charrnn.model import LanguageModel
from charrnn.settings import TrainSettings


def test_the_page_holds_what_it_quotes_as_it_is_worked_out():
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page)
    for lines in QUOTED.values():
        assert "\n".join(lines()) in page


def test_a_model_has_as_many_parameters_as_are_reckoned_with():
    settings = TrainSettings(cell="lstm", layers=3, hidden=24, embed=64, dropout=0.0)
    assert Model(3, 24, 0).parameters == LanguageModel(settings, 256).parameter_count()


def test_an_all_reduce_takes_what_its_parts_take():
    assert all_reduce(1e9, 1) == 0
    assert all_reduce(1e9, 64) == pytest.approx(2 * 63 / 64 * 1e9 / (NETWORK * REACHED), rel=0.05)
    for model in MODELS:
        assert step(model, 64)[1] == all_reduce(model.parameters * GRADIENT, 64) > step(model, 8)[1] > 0
