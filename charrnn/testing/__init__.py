"""The conformance kit: does a cell, a tokenizer, a corpus or a warper keep its contract?

From pytest, as parametrised fixtures (one test a check)::

    def test_keeps_the_contract(cell_check):
        cell_check(MyCell, rate=0.5)

or, anywhere, as plain functions: ``check_cell(MyCell, rate=0.5)`` raises at the first promise that does not hold. The
command line's ``charrnn plugins check`` prints all of them.
"""

from __future__ import annotations

from typing import Any

from charrnn.testing.checks import Broken as Broken


def check_cell(cell: Any, **options: Any) -> None:
    """Run every check on a cell's class.

    Raises:
        Broken: a promise does not hold; names it, and the smallest case that shows it.
    """
    from charrnn.testing.cells import CHECKS

    CHECKS.run(cell, **options)


def check_numpy_form(cell: Any, form: Any, **options: Any) -> None:
    """Run every check on the NumPy form of a cell, both given by their classes.

    Raises:
        Broken: a promise does not hold.
    """
    from charrnn.testing.numpy_forms import CHECKS

    CHECKS.run((cell, form), **options)


def check_tokenizer(tokenizer: Any, **options: Any) -> None:
    """Run every check on a tokenizer's class.

    Raises:
        Broken: a promise does not hold.
    """
    from charrnn.testing.tokenizers import CHECKS

    CHECKS.run(tokenizer, **options)


def check_corpus(corpus: Any) -> None:
    """Run every check on what is registered as a corpus.

    Raises:
        Broken: a promise does not hold.
    """
    from charrnn.testing.corpora import CHECKS

    CHECKS.run(corpus)


def check_warper(warper: Any, **options: Any) -> None:
    """Run every check on a warper's class.

    Raises:
        Broken: a promise does not hold.
    """
    from charrnn.testing.warpers import CHECKS

    CHECKS.run(warper, **options)
