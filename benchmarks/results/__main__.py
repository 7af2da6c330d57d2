"""Trains, and writes docs/results.md: ``make results CORPUS=tinyshakespeare.txt``.

Rows are kept in rows.jsonl beside this file as they come, and what is there is not trained again, unless its command
has changed; a run that was broken off goes on; ``--only``
takes a part. All of it takes most of a day of a machine for itself; ``--jobs 2`` with ``OMP_NUM_THREADS=1`` does what
has a budget of steps on two cores at once.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.results.experiments import experiments
from benchmarks.results.measure import Row, measure
from benchmarks.results.page import write
from charrnn.device import keep_freed_memory

ROWS = Path(__file__).parent / "rows.jsonl"


def main() -> None:
    """Train what is asked for, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, help="a text file; none only writes the page")
    parser.add_argument("--only", default="", help="experiments whose name begins so, such as presets/quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side, where the budget is not one of time")
    parser.add_argument("--runs", type=Path, default=Path("checkpoints/results"), help="where the runs are kept")
    asked = parser.parse_args()
    rows = [Row(**json.loads(line)) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    if asked.corpus:
        torch.set_flush_denormal(True)
        keep_freed_memory()
        done = {row.command for row in rows}
        wanted = [each for each in experiments() if each.key.startswith(asked.only)]
        wanted = [each for each in wanted if each.command(asked.corpus, asked.seed) not in done]
        if asked.jobs > 1 and any("--time" in each.arguments for each in wanted):
            parser.error("--jobs: what is trained by time needs the machine for itself")
        with ThreadPoolExecutor(asked.jobs) as pool:
            for ended in as_completed(
                pool.submit(measure, each, asked.corpus, asked.runs, asked.seed) for each in wanted
            ):
                row = ended.result()
                rows = [*(each for each in rows if (each.key, each.seed) != (row.key, row.seed)), row]
                print(row, flush=True)
                ROWS.write_text("".join(json.dumps(asdict(each)) + "\n" for each in rows))
    write(rows)


if __name__ == "__main__":
    main()
