"""Runs any cell over time."""

from charrnn.recurrence.engine import explain, step_by_step, unroll

__all__ = ["explain", "step_by_step", "unroll"]
