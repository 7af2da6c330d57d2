"""The files of a run's tokenizer."""

from __future__ import annotations

import json

from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.targets.commands import TRAINING, USING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run

_ALPHABET = f"{PLACE}/tokenizer/alphabet.json"
_PIECES = f"{PLACE}/tokenizer/sentencepiece.model"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil an alphabet or a model of SentencePiece."""
    if chance.happens(0.5):
        home, path, content = "char", _ALPHABET, homes.read("char", _ALPHABET)
        content = (
            octets.spoiled(chance, content) if chance.happens(0.4) else _other_alphabet(chance, json.loads(content))
        )
    else:
        home, path = "pieces", _PIECES
        content = octets.spoiled(chance, homes.read(home, path))
    return spoiled_run(chance, homes, home, {path: content}, USING, USING, TRAINING)


def _other_alphabet(chance: Chance, alphabet: str) -> bytes:
    if chance.happens(0.3):
        return document.written(chance.value()).encode("utf-8", "surrogatepass")
    characters = list(alphabet)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(characters))
        characters[at] = chance.choice(("\0", "\x1b", "\ud800", "\U0010ffff", characters[0], "", chance.text()))
    return json.dumps("".join(characters)).encode()
