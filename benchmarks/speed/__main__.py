"""Measure all, print it, and write docs/benchmarks.md: ``make bench``."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.speed.custom import custom, scan
from benchmarks.speed.gpu import gpu
from benchmarks.speed.machine import describe
from benchmarks.speed.memory import memory
from benchmarks.speed.scaling import scaling
from benchmarks.speed.whole import whole
from charrnn.device import keep_freed_memory

_DOCS = Path(__file__).parents[2] / "docs"
_PICTURE = "scaling.svg"
_TEMPLATE = Path(__file__).parent / "page.md"
#: A part of the page, between marks that do not show.
_PART = re.compile(r"<!-- (\w+) -->(.*?)<!-- / -->", re.DOTALL)


def main() -> None:
    """Fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="measure one part of the page anew, and keep the others")
    only = parser.parse_args().only
    keep_freed_memory()
    torch.set_flush_denormal(True)
    parts: dict[str, Iterator[str]] = {
        "machine": describe(),
        "custom": custom(),
        "scan": scan(),
        "whole": whole(),
        "scaling": scaling(_DOCS / _PICTURE),
        "memory": memory(),
    }
    if torch.cuda.is_available():
        parts["gpu"] = gpu()
    page = _DOCS / "benchmarks.md"
    found = dict(_PART.findall(page.read_text(encoding="utf-8")))
    began = time.perf_counter()
    for name, lines in parts.items():
        if only in (None, name):
            shown = []
            for line in lines:
                print(line, flush=True)
                shown.append(line)
            text = "\n".join(shown).strip()
            found[name] = text if len(shown) == 1 else f"\n\n{text}\n\n"
    if only is None:
        found["minutes"] = f"{(time.perf_counter() - began) / 60:.0f}"
    template = _TEMPLATE.read_text(encoding="utf-8")
    page.write_text(_PART.sub(lambda part: f"<!-- {part[1]} -->{found[part[1]]}<!-- / -->", template), encoding="utf-8")


if __name__ == "__main__":
    main()
