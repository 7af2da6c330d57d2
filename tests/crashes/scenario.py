"""What is trained: another model, text and habit of saving for each number."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from pathlib import Path

#: The run that some others take their first weights from.
SOURCE = "source"
_SIZES = ["--hidden", "12", "--embed", "8", "--batch-size", "8", "--seq-len", "16", "--lr", "0.01", "--threads", "1"]
#: With these sizes an epoch has thirty steps.
_CHARACTERS = 4200


@dataclass(frozen=True)
class Scenario:
    """A run to be trained again and again.

    Attributes:
        number: of it; with the seed it decides all else.
        options: of ``charrnn train``.
    """

    number: int
    options: tuple[str, ...]

    @classmethod
    def draw(cls, number: int, chance: random.Random) -> Scenario:
        """Draw one."""
        options = ["--seed", str(number), "--steps", str(chance.randint(40, 90))]
        options += ["--optimizer", chance.choice(["adamw", "rmsprop", "sgd"])]
        options += ["--save-every", chance.choice(["0.01s", "0.05s", "1m"]), "--keep", str(chance.randint(1, 3))]
        options += _now_and_then(chance, ["--eval-every", str(chance.randint(5, 25))])
        options += _now_and_then(chance, ["--ema", "0.9"])
        options += ["--random-offset" if chance.random() < 0.5 else "--no-random-offset"]
        if chance.random() < 0.15:
            return cls(number, (*options, "--init-from", SOURCE))
        options += [*_SIZES, "--layers", str(chance.randint(1, 2)), "--dropout", chance.choice(["0", "0.2"])]
        options += ["--cell", chance.choice(["rnn", "lstm", "gru"])]
        options += ["--tokenizer", tokenizer := chance.choice(["char", "byte", "sentencepiece"])]
        if tokenizer == "sentencepiece":
            options += ["--tokenizer-option", "vocab_size=400"]
        options += _now_and_then(chance, ["--weight-drop", "0.3", "--zoneout", "0.1"])
        if chance.random() < 0.15:
            options += ["--stream", "--val-fraction", "0.2"]
        return cls(number, tuple(options))


def source_options() -> list[str]:
    """Return the options that the run ``SOURCE`` is trained with."""
    return [*_SIZES, "--layers", "2", "--steps", "5", "--cell", "lstm"]


def write_corpus(path: Path, chance: random.Random) -> None:
    """Write sentences of made-up words."""
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(1, 8))) for _ in range(200)]
    text = ""
    while len(text) < _CHARACTERS:
        text += " ".join(chance.choices(words, k=chance.randint(3, 9))).capitalize() + ".\n"
    path.write_text(text[:_CHARACTERS], encoding="ascii")


def _now_and_then(chance: random.Random, options: list[str]) -> list[str]:
    return options if chance.random() < 0.4 else []
