"""Beam search by groups that shun each other's tokens."""

from __future__ import annotations

import dataclasses

import numpy as np

from charrnn.generation.beam.beams import Beams, Scores, best_children
from charrnn.generation.beam.hypothesis import Hypothesis
from charrnn.generation.beam.search import Search
from charrnn.generation.network import Network
from charrnn.generation.prompt import Prompt
from charrnn.generation.reshape import Reshape
from charrnn.generation.settings import SampleSettings
from charrnn.generation.text import Stop
from charrnn.tokenizers.base import Ids, Tokenizer


class DiverseSearch(Search):
    """Diverse beam search (Vijayakumar et al. 2016, algorithm 1), with the Hamming distance.

    The groups choose one after the other; a child loses ``--diversity`` nats for each beam of an earlier group that
    took the same token in this step. What is found is ranked by its log-probability alone; the best of each group come
    first.
    """

    def __init__(
        self, network: Network, tokenizer: Tokenizer, prompt: Prompt, asked: SampleSettings, reshape: Reshape
    ) -> None:
        super().__init__(network, tokenizer, prompt, asked, reshape)
        self._group_of: dict[str, int] = {}

    def _keep(self, beams: Beams, lane: int, stop: Stop) -> None:
        super()._keep(beams, lane, stop)
        self._group_of.setdefault(self._found[-1].text, int(beams.groups[lane]))

    def _in_order(self) -> list[Hypothesis]:
        found = self._best()
        best: dict[int, Hypothesis] = {}
        for each in found:
            best.setdefault(self._group_of[each.text], each)
        first = list(best.values())
        return first + [each for each in found if each not in first]

    def _children(self, logs: Scores) -> tuple[Ids, Beams]:
        asked, beams = self._asked, self._beams
        size = self._width // asked.beam_groups
        taken = np.zeros(logs.shape[1])
        parents: list[Ids] = []
        tokens: list[Ids] = []
        for group in range(asked.beam_groups):
            is_root = beams.ids.shape[1] == 0
            members = np.arange(len(beams)) if is_root else np.flatnonzero(beams.groups == group)
            ranks = beams.sums[members, np.newaxis] + logs[members] - asked.diversity * taken
            places, chosen = best_children(ranks, size)
            np.add.at(taken, chosen, 1)
            parents.append(members[places])
            tokens.append(chosen)
        groups = np.repeat(np.arange(asked.beam_groups), [len(each) for each in tokens])
        whose = np.concatenate(parents)
        return whose, dataclasses.replace(beams.extended(whose, np.concatenate(tokens), logs), groups=groups)
