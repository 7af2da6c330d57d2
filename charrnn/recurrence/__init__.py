"""Runs any cell over time."""
from __future__ import annotations
from charrnn.recurrence.engine import unroll
