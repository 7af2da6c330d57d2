"""Beam search by groups that shun each other's tokens."""

from __future__ import annotations

import dataclasses

import numpy as np

from charrnn.generation.beam.beams import Beams, Scores, best_children
from charrnn.generation.beam.hypothesis import Hypothesis
from charrnn.generation.beam.search import Search
from charrnn.tokenizers.base import Ids


class DiverseSearch(Search):
    """Diverse beam search (Vijayakumar et al. 2016, algorithm 1), with the Hamming distance.

    The groups choose one after the other; a child loses ``--diversity`` nats for each beam of an earlier group that
    took the same token in this step. What is found is ranked by its log-probability alone.
    """

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

    def _best(self) -> list[Hypothesis]:
        """Leave out what a second group found as well."""
        unique = {each.text: each for each in super()._best()}
        return list(unique.values())
