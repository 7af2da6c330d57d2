"""What sequence length, hidden size and training time do: prints the tables of docs/article.md.

``python -m benchmarks.article tinyshakespeare.txt``
"""

from __future__ import annotations

import sys
from tempfile import TemporaryDirectory
from typing import Any

import charrnn
from charrnn.device import keep_freed_memory

#: All else is the same in all runs.
BASE: dict[str, Any] = {
    "cell": "gru",
    "layers": 1,
    "hidden": 128,
    "embed": 32,
    "dropout": 0.0,
    "layer_norm": False,
    "random_offset": False,
    "seq_len": 64,
    "batch_size": 16,
    "lr": 4e-3,
    "steps": 1000,
}
#: Chunks of another length come in such a number that as many characters are read.
CHARACTERS = BASE["steps"] * BASE["seq_len"]
TABLES: dict[str, list[dict[str, Any]]] = {
    "sequence length": [{"seq_len": each, "steps": CHARACTERS // each} for each in (4, 16, 64, 256)],
    "hidden features": [{"hidden": each} for each in (32, 128, 512)],
    "optimizer steps": [{"steps": each} for each in (250, 1000, 4000)],
}


def main(corpus: str) -> None:
    """Train and print."""
    keep_freed_memory()
    found: dict[str, float] = {}
    for title, variants in TABLES.items():
        print(f"| {title} | validation loss |\n| --- | --- |")
        for changes in variants:
            settings = {**BASE, **changes}
            key = str(settings)
            if key not in found:
                with TemporaryDirectory() as runs:
                    session = charrnn.train(corpus, checkpoints=runs, eval_tokens=10**9, **settings)
                    assert session.run is not None
                    found[key] = (session.run.state() or {})["best"]["nats_per_token"]
            print(f"| {next(iter(changes.values()))} | {found[key]:.3f} |", flush=True)
        print()


if __name__ == "__main__":
    main(sys.argv[1])
