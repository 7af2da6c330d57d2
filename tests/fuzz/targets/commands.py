"""What is called on a run whose files are spoiled."""

from __future__ import annotations

from tests.fuzz.case import Arguments, calls
from tests.fuzz.chance import Chance

#: Report on a run, and import no torch.
READING = calls("""
runs show a
runs show a --json
runs list
runs list --json
runs compare
runs compare a --json
runs plot
runs plot --against epochs --unit nats
runs plot --against seconds
""")
VERIFYING = calls("""
runs verify
runs verify a --json
runs verify a --mend
""")
#: Use its model; the same each time.
USING = calls("""
sample --length 5 --seed 1
sample --length 5 --seed 1 --json --num 2 --prompt "In the"
sample --length 5 --seed 1 --novelty
sample --length 5 --seed 1 --dynamic --prompt "In the"
sample --length 5 --beam 2
score words.txt
score words.txt --json
score words.txt --per-char
eval
eval --json --split train
eval --corpus words.txt
""")
#: Learn from it.
TRAINING = calls("""
train --resume --steps 8
train --resume --steps 8 --json
train words.txt --init-from a --steps 1
""")


def choose(chance: Chance, *groups: list[Arguments]) -> Arguments:
    """Choose one of the commands, each group as likely as the others."""
    return chance.choice(chance.choice(groups))
