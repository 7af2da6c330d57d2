"""Shows that packing takes no more memory for a larger text: ``make proof-memory``.

Packs text files of growing size, each in a process of its own, and prints the peak of its anonymous memory (what is
mapped from files is the operating system's to drop).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_WORKER = """
import sys, threading
from charrnn.corpora.prepare import prepare
from charrnn.settings import PreparationSettings

peak = 0
def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

def look(*_):
    global peak
    peak = max(peak, anonymous())

prepare(sys.argv[1], PreparationSettings(tokenizer=sys.argv[2]), look)
look()
print(peak)
"""


def write_text(path: Path, size: int) -> None:
    """Write ``size`` bytes of the package's own source, over and over."""
    source = b"".join(each.read_bytes() for each in sorted(Path(__file__).parents[1].glob("charrnn/**/*.py")))
    with path.open("wb") as file:
        for _ in range(size // len(source)):
            file.write(source)
        file.write(source[: size % len(source)].decode(errors="ignore").encode())  # no half character at the end


def main() -> None:
    """Print a row a size and tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000", help="in MB")
    parser.add_argument("--tokenizers", default="char,byte,sentencepiece")
    arguments = parser.parse_args()
    print("| tokenizer | text, MB | peak of anonymous memory, MB | over the smallest, MB | MB/s |")
    print("| --- | --- | --- | --- | --- |")
    for tokenizer in arguments.tokenizers.split(","):
        least = None
        for size in map(int, arguments.sizes.split(",")):
            with tempfile.TemporaryDirectory() as directory:
                text = Path(directory) / "text.txt"
                write_text(text, size * 1_000_000)
                began = time.perf_counter()
                worker = subprocess.run(
                    [sys.executable, "-c", _WORKER, str(text), tokenizer],
                    env={"CHARRNN_CACHE": f"{directory}/cache", "PATH": ""},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds = time.perf_counter() - began
            peak = float(worker.stdout)
            least = peak if least is None else least
            print(f"| {tokenizer} | {size} | {peak:.0f} | {peak - least:.0f} | {size / seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
