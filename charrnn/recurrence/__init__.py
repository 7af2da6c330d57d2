"""Runs any cell over time.

A cell says what one step does. Here the step is written down as a graph of operators, which is taken apart into what
is done once, what for all steps at once, and what step by step; its derivative is such a graph too. CONTRIBUTING.md
has the map of the files.
"""

from charrnn.recurrence.compiler import STEPS as STEPS_COMPILED
from charrnn.recurrence.compiler import Compiler, compiling
from charrnn.recurrence.engine import explain, step_by_step, unroll
from charrnn.recurrence.linear import QuickProducts
from charrnn.recurrence.scan import linear_scan

__all__ = [
    "STEPS_COMPILED",
    "Compiler",
    "QuickProducts",
    "compiling",
    "explain",
    "linear_scan",
    "step_by_step",
    "unroll",
]
