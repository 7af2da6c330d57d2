"""The cache: what it says of the tokens of a corpus, and the tokenizer that was learned from it.

Damage to the tokens themselves is not noticed: nothing is hashed that is as long as a corpus.
"""

from __future__ import annotations

import json

from tests.fuzz import document, octets
from tests.fuzz.case import Case, calls
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes

_HOME = "char"
_FILES = ("cache/packs/*/manifest.json", "cache/tokenizers/*/alphabet.json")
_COMMANDS = calls("""
eval
eval --corpus words.txt
sample --length 5 --seed 1 --novelty
train --resume --steps 8
train words.txt --steps 1 --hidden 8 --embed 8 --layers 1 --seq-len 16 --batch-size 4
corpora build words.txt
corpora cache list
corpora cache list --json
corpora cache clear words
""")


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil one of its files."""
    path = homes.find(_HOME, chance.choice(_FILES))
    content = homes.read(_HOME, path)
    content = octets.spoiled(chance, content) if chance.happens(0.3) else document.spoiled(chance, json.loads(content))
    return Case(_HOME, chance.choice(_COMMANDS), {path: content})
