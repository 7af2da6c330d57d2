"""The conformance kit as pytest fixtures; pytest finds them by the entry point ``pytest11``.

Nothing here imports torch: a check's module is imported when a test that asks for its fixture is collected.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from charrnn.testing.checks import Check

_MODULES = {
    "cell_check": "charrnn.testing.cells",
    "numpy_form_check": "charrnn.testing.numpy_forms",
    "tokenizer_check": "charrnn.testing.tokenizers",
    "corpus_check": "charrnn.testing.corpora",
    "warper_check": "charrnn.testing.warpers",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a check."""
    for name, module in _MODULES.items():
        if name in metafunc.fixturenames:
            checks = list(import_module(module).CHECKS)
            metafunc.parametrize(name, checks, ids=[each.name for each in checks], indirect=True)


@pytest.fixture
def cell_check(request: pytest.FixtureRequest) -> Check:
    """One promise of a cell: ``cell_check(MyCell, rate=0.5)``."""
    check: Check = request.param
    return check


@pytest.fixture
def numpy_form_check(request: pytest.FixtureRequest) -> Check:
    """One promise of a cell's NumPy form: ``numpy_form_check((MyCell, MyForm), rate=0.5)``."""
    check: Check = request.param
    return check


@pytest.fixture
def tokenizer_check(request: pytest.FixtureRequest) -> Check:
    """One promise of a tokenizer: ``tokenizer_check(MyTokenizer, vocab_size=300)``."""
    check: Check = request.param
    return check


@pytest.fixture
def corpus_check(request: pytest.FixtureRequest) -> Check:
    """One promise of a corpus: ``corpus_check(my_corpus)``."""
    check: Check = request.param
    return check


@pytest.fixture
def warper_check(request: pytest.FixtureRequest) -> Check:
    """One promise of a warper: ``warper_check(MyWarper, strength=2.0)``."""
    check: Check = request.param
    return check
