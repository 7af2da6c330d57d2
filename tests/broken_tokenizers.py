"""For each check of the conformance kit, a tokenizer that is broken in just that way."""

from __future__ import annotations

import json
import random
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


class MarksPieces(Characters):
    """It loses what stands before a piece's first space."""

    def encode_stream(self, texts):
        for text in texts:
            yield self.encode(text.replace("\n", " "))


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


BROKEN = {
    "round_trip": (Strips, {"encodes_streams", "counts_unseen"}),
    "ids_in_range": (OutOfRange, set()),
    "decodes_incrementally": (DecodesApart, set()),
    "encodes_streams": (MarksPieces, set()),
    "saves_and_loads": (ForgetsOnSave, set()),
    "counts_unseen": (CountsNothing, set()),
    "empty_text": (StartsWithAMark, {"round_trip", "encodes_streams", "decodes_incrementally", "counts_unseen"}),
    "trains_deterministically": (Shuffles, set()),
}
