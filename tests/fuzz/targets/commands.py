"""What is called on a run whose files are spoiled."""

from __future__ import annotations

from tests.fuzz.chance import Chance
from tests.fuzz.homes import RUN, TEXT

Arguments = tuple[str, ...]

#: Report of a run, and import no torch.
READING: list[Arguments] = [
    ("runs", "show", RUN),
    ("runs", "show", RUN, "--json"),
    ("runs", "list"),
    ("runs", "list", "--json"),
    ("runs", "compare"),
    ("runs", "compare", RUN, "--json"),
    ("runs", "plot"),
    ("runs", "plot", "--against", "epochs", "--unit", "nats"),
    ("runs", "plot", "--against", "seconds"),
]
VERIFYING: list[Arguments] = [
    ("runs", "verify"),
    ("runs", "verify", RUN, "--json"),
    ("runs", "verify", RUN, "--mend"),
]
#: Use its model.
USING: list[Arguments] = [
    ("sample", "--length", "5", "--seed", "1"),
    ("sample", "--length", "5", "--json", "--num", "2", "--prompt", "In the", "--seed", "1"),
    ("sample", "--length", "5", "--beam", "2"),
    ("sample", "--length", "5", "--novelty", "--seed", "1"),
    ("sample", "--length", "5", "--dynamic", "--prompt", "In the", "--seed", "1"),
    ("score", TEXT),
    ("score", TEXT, "--json"),
    ("score", TEXT, "--per-char"),
    ("eval",),
    ("eval", "--json", "--split", "train"),
    ("eval", "--corpus", TEXT),
]
#: Learn from it.
TRAINING: list[Arguments] = [
    ("train", "--resume", "--steps", "8"),
    ("train", "--resume", "--steps", "8", "--json"),
    ("train", TEXT, "--init-from", RUN, "--steps", "1"),
]


def choose(chance: Chance, *groups: list[Arguments]) -> Arguments:
    """Choose one of the commands, each group as likely as the others."""
    return chance.choice(chance.choice(groups))
