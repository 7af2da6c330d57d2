"""Makes the golden run of the format that this charrnn writes: ``python -m tests.golden.make``.

A run of each released format is kept, as small as one can be; tests/runs/test_golden.py opens them all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import charrnn
from charrnn.runs.config import FORMAT_VERSION

HERE = Path(__file__).parent
CORPUS = "counting.txt"
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_corpus(folder: Path) -> None:
    """Write the text that golden runs learn from: numbers, digit by digit."""
    lines = (" ".join(_SMALL[int(digit)] for digit in str(number)) for number in range(400))
    (folder / CORPUS).write_text("\n".join(lines) + "\n", encoding="ascii")


def main() -> None:
    """Train for some steps, and keep the run."""
    target = HERE / f"format-{FORMAT_VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["CHARRNN_CACHE"] = f"{folder}/cache"
        write_corpus(Path())
        sizes = {"layers": 1, "hidden": 8, "embed": 4, "seq_len": 16, "batch_size": 4, "threads": 1}
        charrnn.train(CORPUS, name="golden", checkpoints=".", steps=20, cell="gru", ema=0.9, seed=3, **sizes)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree("golden", target, ignore=shutil.ignore_patterns(".*"))


if __name__ == "__main__":
    main()
