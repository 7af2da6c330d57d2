"""For each check of the conformance kit, a tokenizer that is broken in just that way."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import numpy as np

from charrnn import Tokenizer


class Characters(Tokenizer):
    """One token a character, which keeps its contract; id 0 is every character that it has not seen."""

    def __init__(self, alphabet):
        self.alphabet = alphabet
        self.vocab_size = 1 + len(alphabet)
        self.ids = {each: number for number, each in enumerate(alphabet, start=1)}

    @classmethod
    def train(cls, texts):
        return cls("".join(dict.fromkeys(each for text in texts for each in text)))

    def encode(self, text):
        return np.array([self.ids.get(each, 0) for each in text], dtype=np.int32)

    def decode(self, ids):
        return "".join(("\ufffd" + self.alphabet)[each] for each in ids)

    def unseen(self, text):
        return Counter(each for each in text if each not in self.ids)

    def save(self, directory):
        (directory / "alphabet.json").write_text(json.dumps(self.alphabet))

    @classmethod
    def load(cls, directory):
        return cls(json.loads((directory / "alphabet.json").read_text()))


class Strips(Characters):
    """It loses white space at the end of a text."""

    def encode(self, text):
        return super().encode(text.rstrip(" "))


class OutOfRange(Characters):
    """It has an id for unknown characters that is none."""

    def encode(self, text):
        ids = super().encode(text)
        ids[ids == 0] = self.vocab_size
        return ids

    def decode(self, ids):
        return super().decode(np.where(ids == self.vocab_size, 0, ids))


class DecodesApart(Characters):
    """Its decoder forgets a token that comes alone."""

    def decoder(self):
        outer = self

        class Decoder:
            def decode(self, ids):
                return outer.decode(ids).replace("\n", " ")

            def flush(self):
                return ""

        return Decoder()


class JoinsPairs(Characters):
    """Two of a kind are one token, and it does not say that a text cannot be cut between them."""

    def __init__(self, alphabet):
        super().__init__(alphabet)
        self.letters = self.vocab_size
        self.vocab_size *= 2

    def encode(self, text):
        found = [each[0] for each in re.finditer(r"(.)\1|.", text, re.DOTALL)]
        letters = super().encode("".join(each[0] for each in found))
        return letters + np.array([self.letters * (len(each) - 1) for each in found], dtype=np.int32)

    def decode(self, ids):
        return "".join(
            super(JoinsPairs, self).decode([each % self.letters]) * (1 + each // self.letters) for each in ids
        )


class ForgetsOnSave(Characters):
    """What it saves has another order."""

    def save(self, directory):
        (directory / "alphabet.json").write_text(json.dumps(self.alphabet[::-1]))


class CountsNothing(Characters):
    """It replaces characters and does not say so."""

    def unseen(self, text):
        return Counter()


class StartsWithAMark(Characters):
    """It gives an empty text a token."""

    def encode(self, text):
        return super().encode(text) if text else np.array([0])

    def decode(self, ids):
        return super().decode(ids) if len(ids) != 1 or ids[0] else ""


class Shuffles(Characters):
    """Its ids depend on chance."""

    @classmethod
    def train(cls, texts):
        letters = list(dict.fromkeys(each for text in texts for each in text))
        random.SystemRandom().shuffle(letters)
        return cls("".join(letters))


class SortsAnew(Characters):
    """What it learns later comes between what it knew."""

    def extended(self, texts):
        return type(self)("".join(sorted({*self.alphabet}.union(*texts))))


BROKEN = {
    "round_trip": (Strips, {"encodes_streams", "counts_unseen"}),
    "ids_in_range": (OutOfRange, set()),
    "decodes_incrementally": (DecodesApart, set()),
    "encodes_streams": (JoinsPairs, set()),
    "saves_and_loads": (ForgetsOnSave, set()),
    "counts_unseen": (CountsNothing, set()),
    "empty_text": (StartsWithAMark, {"round_trip", "encodes_streams", "decodes_incrementally", "counts_unseen"}),
    "trains_deterministically": (Shuffles, set()),
    "grows": (SortsAnew, set()),
}
