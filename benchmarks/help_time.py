"""Shows what ``charrnn --help`` costs beside importing the libraries that it is made with: ``make proof-help``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 30


def seconds(*arguments: str) -> float:
    """Time one process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print medians of interleaved rounds, and their ratio."""
    imports, helps = [], []
    for _ in range(ROUNDS):
        imports.append(seconds("-c", "import typer, rich"))
        helps.append(seconds("-m", "charrnn", "--help"))
    least, ours = statistics.median(imports), statistics.median(helps)
    print(f"import typer, rich: {least * 1e3:.0f} ms; charrnn --help: {ours * 1e3:.0f} ms; ratio {ours / least:.2f}")


if __name__ == "__main__":
    main()
