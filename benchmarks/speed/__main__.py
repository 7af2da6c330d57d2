"""Measure all, print it, and write docs/benchmarks.md: ``make bench``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.speed.custom import custom, scan
from benchmarks.speed.machine import describe, matrix_rate
from benchmarks.speed.memory import memory
from benchmarks.speed.scaling import scaling
from benchmarks.speed.whole import whole
from charrnn.device import keep_freed_memory

_DOCS = Path(__file__).parents[2] / "docs"
_PICTURE = "scaling.svg"
_TEXTS = Path(__file__).parent / "page.md"


def main() -> None:
    """Fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one part of the page, printed and not written")
    only = parser.parse_args().only
    keep_freed_memory()
    torch.set_flush_denormal(True)
    rate = matrix_rate()
    parts: dict[str, Iterator[str]] = {
        "machine": iter([f"{describe()}; a product of two matrices of 1024 rows: {rate / 1e9:.0f} G operations/s"]),
        "custom": custom(rate),
        "scan": scan(),
        "whole": whole(),
        "scaling": scaling(_DOCS / _PICTURE),
        "memory": memory(),
    }
    began = time.perf_counter()
    page = _TEXTS.read_text(encoding="utf-8")
    for name, lines in parts.items():
        if only in (None, name):
            shown = []
            for line in lines:
                print(line, flush=True)
                shown.append(line)
            page = page.replace(f"<!-- {name} -->", "\n".join(shown).strip())
    if only is None:
        page = page.replace("<!-- minutes -->", f"{(time.perf_counter() - began) / 60:.0f}")
        (_DOCS / "benchmarks.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
