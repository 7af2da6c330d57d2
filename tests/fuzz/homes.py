"""The homes that cases are called in: small real runs, with their texts, their cache and a recipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from charrnn.cli import main
from tests.fuzz.case import calls

#: What every run is called.
RUN = "a"
TEXT = "words.txt"
_LONG = "long.txt"
#: The module names that the making of homes has imported, and that every case may need.
_IMPORTED = "imported.json"
#: What every run is made with.
_SMALL = "--steps 6 --hidden 8 --embed 8 --seq-len 16 --batch-size 4 --eval-every 3 --seed 1"
#: And what each home's own.
HOMES = {
    "char": "--cell lstm --layers 1",
    "byte": "--cell gru --layers 2 --tokenizer byte --tied --no-layer-norm --ema 0.9",
    "pieces": "--cell rnn --layers 1 --tokenizer sentencepiece --tokenizer-option vocab_size=300",
    "stream": "--cell lstm --layers 1 --stream --optimizer sgd",
}
RECIPE = {
    "summary": "one of the manuals",
    "source": "pydoc-topics",
    "licence": "PSF",
    "language": "English",
    "size": "small",
    "splits": {"train": "train[0:3000]", "validation": "train[3000:4000]"},
}
#: The rest of the commands, for what they import.
_REHEARSED = calls("""
sample --length 5
sample --length 5 --dynamic --prompt a
sample --length 5 --novelty
score words.txt
eval
runs show a
runs list
runs compare
runs plot
runs plot --svg a.svg
runs verify
corpora check
corpora list
corpora show words.txt
corpora cache list
plugins list
plugins show lstm
train --help
""")


class Homes:
    """Reads what is in the homes.

    Args:
        directory: that they are in.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, home: str, path: str) -> bytes:
        """Read a file of a home."""
        return (self.directory / home / path).read_bytes()

    def find(self, home: str, pattern: str) -> str:
        """Return the one path in a home that a pattern fits."""
        (found,) = (self.directory / home).glob(pattern)
        return str(found.relative_to(self.directory / home))

    def import_all(self) -> None:
        """Import what the making of the homes has imported."""
        for name in json.loads((self.directory / _IMPORTED).read_text()):
            with suppress(Exception):  # some are parts of programs in C, or were taken away again
                import_module(name)


def make_homes(directory: Path) -> Homes:
    """Make the homes, in a process of its own: who forks must not have trained, since torch then has threads."""
    made = subprocess.run([sys.executable, "-m", __name__, directory], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"the homes could not be made: {made.stderr}")
    return Homes(directory)


def _make(directory: Path) -> None:
    before = set(sys.modules)
    for name, flags in HOMES.items():
        home = directory / name
        (home / "corpora").mkdir(parents=True)
        os.chdir(home)
        os.environ["CHARRNN_CACHE"] = str(home / "cache")
        Path("corpora/own.toml").write_text(_recipe(), encoding="utf-8")
        Path(TEXT).write_text(_text(), encoding="utf-8")
        learned = TEXT
        if "--stream" in flags:  # of which some of its parts are held back
            learned = _LONG
            Path(learned).write_text(_text() * 50, encoding="utf-8")
        _call("train", learned, "--name", RUN, *_SMALL.split(), *flags.split())
        if name == "char":
            for arguments in _REHEARSED:
                _call(*arguments)
            Path("a.svg").unlink()
    (directory / _IMPORTED).write_text(json.dumps(sorted(set(sys.modules) - before)))


def _call(*arguments: str) -> None:
    if main(arguments):
        raise SystemExit(f"charrnn {' '.join(arguments)} failed")


def _text() -> str:
    """Return prose of sixty lines, with letters that take several bytes."""
    line = "In the year {year} of the crown, {name} went to the naïve sea ☃ and came back with {count} fish.\n"
    names = ["Ann", "Bób", "Čeněk", "Ðorđe"]
    return "".join(line.format(year=900 + n * 7, name=names[n % 4], count=n * n) for n in range(60))


def _recipe() -> str:
    from tests.fuzz.toml import written

    return written(RECIPE)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
