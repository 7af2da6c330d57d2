"""How much memory packing takes, and how fast it is: ``make proof-packing``.

Each corpus is packed in a process of its own; its memory is that of the process and of those that it starts, over the
same program before it reads anything.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.corpora.memory import Peak, anonymous
from benchmarks.corpora.texts import write


def pack(path: str, tokenizer: str) -> dict[str, float]:
    """Pack a corpus, and return peak and idle memory in MB, and the seconds that it took."""
    from charrnn.corpora.prepare import prepare
    from charrnn.plugins import plugins
    from charrnn.settings import PreparationSettings

    plugins().tokenizers[tokenizer].load()
    idle = anonymous()
    began = time.perf_counter()
    with Peak() as peak:
        prepare(path, PreparationSettings(tokenizer=tokenizer), lambda *_: None)
    return {"idle": idle, "peak": peak.value, "seconds": time.perf_counter() - began}


def main() -> None:
    """Print a row a corpus and tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--kinds", default="lines,one-line,rows")
    parser.add_argument("--tokenizers", default="char,byte,sentencepiece")
    parser.add_argument("--pack", nargs=2, metavar=("FILE", "TOKENIZER"), help="what each process is called with")
    arguments = parser.parse_args()
    if arguments.pack:
        print(json.dumps(pack(*arguments.pack)))
        return
    print("| corpus | tokenizer | text, MB | idle, MB | peak over idle, MB | MB/s |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        for kind in arguments.kinds.split(","):
            corpus = write(kind, Path(directory) / kind, arguments.megabytes * 1_000_000)
            for tokenizer in arguments.tokenizers.split(","):
                with tempfile.TemporaryDirectory(dir=directory) as cache:
                    row = _in_a_process(corpus, tokenizer, cache)
                speed = arguments.megabytes / row["seconds"]
                print(
                    f"| {kind} | {tokenizer} | {arguments.megabytes} | {row['idle']:.0f} | "
                    f"{row['peak'] - row['idle']:.0f} | {speed:.0f} |",
                    flush=True,
                )
            corpus.unlink()


def _in_a_process(corpus: Path, tokenizer: str, cache: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.corpora.packing", "--pack", str(corpus), tokenizer]
    env = {**os.environ, "CHARRNN_CACHE": cache, "HF_HOME": f"{cache}/hf"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout)
    return row


if __name__ == "__main__":
    main()
