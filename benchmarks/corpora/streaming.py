"""What streaming costs: memory over many steps, and the share of time spent waiting: ``make proof-streaming``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.corpora.memory import anonymous
from benchmarks.corpora.texts import write

_TINY = {"layers": 1, "hidden": 32, "embed": 16, "seq_len": 16, "batch_size": 16}
_USUAL = {"layers": 2, "hidden": 256, "embed": 64, "seq_len": 128, "batch_size": 16}
_SETTLED = 1000
_LOOK_EVERY = 500


def run(corpus: str, checkpoints: str, steps: int, shape: dict[str, int]) -> dict[str, Any]:
    """Train on a stream; returns memory by step in MB, and the seconds in all and those spent waiting."""
    import charrnn
    from charrnn.training.events import Event, Logged

    memory: dict[int, float] = {}
    last: list[Logged] = []

    def listen(event: Event) -> None:
        if isinstance(event, Logged):
            last[:] = [event]
            if event.step % _LOOK_EVERY == 0:
                memory[event.step] = anonymous()

    charrnn.train(corpus, stream=True, steps=steps, checkpoints=checkpoints, listen=listen, **shape)
    return {"memory": memory, "seconds": last[0].seconds, "waited": last[0].waited}


def main() -> None:
    """Print a row a corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--usual-steps", type=int, default=1_500)
    parser.add_argument("--run", nargs=4, metavar=("CORPUS", "CHECKPOINTS", "STEPS", "SHAPE"))
    arguments = parser.parse_args()
    if arguments.run:
        corpus, checkpoints, steps, shape = arguments.run
        print(json.dumps(run(corpus, checkpoints, int(steps), json.loads(shape))))
        return
    print(
        "| corpus | chunk | steps | memory at step 1,000, MB | most after it, MB over that | waiting, % of the time |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        for kind in ("lines", "rows"):
            corpus = write(kind, Path(directory) / kind, arguments.megabytes * 1_000_000)
            for shape, steps in ((_TINY, arguments.steps), (_USUAL, arguments.usual_steps)):
                result = _in_a_process(corpus, directory, steps, shape)
                memory = {int(step): used for step, used in result["memory"].items()}
                settled = memory[_SETTLED]
                growth = max(used for step, used in memory.items() if step >= _SETTLED) - settled
                print(
                    f"| {kind} | {shape['layers']}x{shape['hidden']}, {shape['seq_len']} x {shape['batch_size']} | "
                    f"{steps:,} | {settled:.0f} | {growth:.1f} | {100 * result['waited'] / result['seconds']:.2f} |",
                    flush=True,
                )


def _in_a_process(corpus: Path, directory: str, steps: int, shape: dict[str, int]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.corpora.streaming"]
    command += ["--run", str(corpus), f"{directory}/checkpoints", str(steps), json.dumps(shape)]
    env = {**os.environ, "CHARRNN_CACHE": f"{directory}/cache", "HF_HOME": f"{directory}/hf"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
