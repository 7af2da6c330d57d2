"""Shows that a long prompt takes no more memory than a short one: ``make proof-prompt``.

Runs ``charrnn sample --prompt-file`` with prompts of growing size, and prints the peak of the anonymous memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpora.texts import write

_SIZES = (0.01, 1, 10)
_SHAPE = ["--cell", "lstm", "--layers", "1", "--hidden", "64", "--embed", "16", "--no-layer-norm", "--steps", "1"]


def peak(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; returns the peak in MB, and the seconds."""
    began, most = time.perf_counter(), 0.0
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder)
    status = Path(f"/proc/{running.pid}/status")
    while running.poll() is None:
        anonymous = [line for line in status.read_text().splitlines() if line.startswith("RssAnon")]
        most = max([most, *(int(line.split()[1]) / 1024 for line in anonymous)])
        time.sleep(0.02)
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return most, time.perf_counter() - began


def main() -> None:
    """Print a row a size."""
    print("| prompt, MB | peak of anonymous memory, MB | seconds |")
    print("| --- | --- | --- |")
    program = [sys.executable, "-m", "charrnn"]
    with TemporaryDirectory() as place:
        folder = Path(place)
        for size in _SIZES:
            write("lines", folder / "prompt", round(size * 1e6))
            if not (folder / "checkpoints").exists():
                write("lines", folder / "corpus", 2_000_000)
                subprocess.run([*program, "train", "corpus.txt", *_SHAPE], check=True, cwd=folder, capture_output=True)
            most, seconds = peak([*program, "sample", "--prompt-file", "prompt.txt", "--length", "20"], folder)
            print(f"| {size:g} | {most:.1f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
