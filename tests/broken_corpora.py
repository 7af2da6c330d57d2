"""For each check of the conformance kit, a corpus that is broken in just that way."""

from __future__ import annotations

import random

from charrnn import Corpus
from charrnn.corpora.base import Shard


class Numbers(Corpus):
    """Numbers in words of digits, which keeps its contract."""

    name = "numbers"
    separator = "\n"

    def __init__(self, settings):
        self.settings = settings

    def splits(self):
        return ("train", "validation")

    def read(self, split):
        for number in range(500):
            yield f"{number}\n"

    def shards(self, split):
        def documents(start):
            return iter([f"{number}" for number in range(start, start + 100)])

        return [Shard(lambda start=start: documents(start), documents=True) for start in range(0, 500, 100)]

    def provenance(self):
        return {"source": "numbers"}


class NoName(Numbers):
    """Its name is no name of a file."""

    name = "my numbers/2"


class NoTrain(Numbers):
    """It has nothing to train on."""

    def splits(self):
        return ("test",)


class ReadsOnce(Numbers):
    """It reads another text each time."""

    def read(self, split):
        for _ in range(500):
            yield f"{random.SystemRandom().random()}\n"


class ForgetsShards(Numbers):
    """A shard can be read only once."""

    def shards(self, split):
        rest = iter(["one", "two"])
        return [Shard(lambda: rest, documents=True)]


class NoJson(Numbers):
    """What it says of itself is no JSON."""

    def provenance(self):
        return {"settings": {1, 2}}

    def fingerprint(self):
        return "always the same"


BROKEN = {
    "has_a_name": (NoName, set()),
    "has_splits": (NoTrain, {"has_shards"}),
    "reads_the_same": (ReadsOnce, set()),
    "has_shards": (ForgetsShards, set()),
    "has_provenance": (NoJson, set()),
}
