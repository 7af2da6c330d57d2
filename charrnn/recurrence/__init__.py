"""Runs any cell over time."""

from charrnn.recurrence.compiler import STEPS as STEPS_COMPILED
from charrnn.recurrence.compiler import Compiler, compiling
from charrnn.recurrence.engine import explain, step_by_step, unroll
from charrnn.recurrence.scan import linear_scan

__all__ = ["STEPS_COMPILED", "Compiler", "compiling", "explain", "linear_scan", "step_by_step", "unroll"]
