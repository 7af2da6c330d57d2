"""Texts drawn without replacement, by beam search."""

from __future__ import annotations

import dataclasses

import numpy as np

from charrnn.generation.beam.beams import Beams, Scores, best_children
from charrnn.generation.beam.search import Search
from charrnn.generation.network import Network
from charrnn.generation.prompt import Prompt
from charrnn.generation.reshape import Reshape
from charrnn.generation.settings import SampleSettings
from charrnn.tokenizers.base import Ids, Tokenizer


class StochasticSearch(Search):
    """Stochastic beam search (Kool et al. 2019, algorithm 1): the Gumbel top-k trick on whole texts.

    Each text's log-probability gets Gumbel noise, and the ``K`` highest are a sample without replacement. The noise of
    a beginning is the highest of its continuations', so that the search finds these ``K`` without looking at all texts.
    A text that has ended stays among the ``K`` as long as no other is higher.
    """

    def __init__(
        self, network: Network, tokenizer: Tokenizer, prompt: Prompt, asked: SampleSettings, reshape: Reshape
    ) -> None:
        super().__init__(network, tokenizer, prompt, asked, reshape)
        self._noise = np.random.default_rng(asked.seed)
        self._beams = dataclasses.replace(self._beams, ranks=self._noise.gumbel(size=1))

    def _children(self, logs: Scores) -> tuple[Ids, Beams]:
        sums = self._beams.sums[:, np.newaxis] + logs
        ranks = conditional_gumbels(sums + self._noise.gumbel(size=sums.shape), self._beams.ranks[:, np.newaxis])
        parents, tokens = best_children(ranks, self._width)
        beams = self._beams.extended(parents, tokens, logs, ranks[parents, tokens])
        both = np.concatenate([[each.score for each in self._found], beams.ranks])
        kept = np.argsort(-both, kind="stable")[: self._width]
        self._found = [self._found[place] for place in sorted(kept) if place < len(self._found)]
        going = np.sort(kept[kept >= len(both) - len(beams)]) - (len(both) - len(beams))
        return parents[going], beams.take(going)

    def _is_decided(self) -> bool:
        """Every beam goes on to its end: where it will be among the others is known, but not what it is."""
        return False

    def _score(self, beams: Beams, lane: int) -> float:
        return float(beams.ranks[lane])


def conditional_gumbels(noisy: Scores, highest: Scores) -> Scores:
    """Shift each row of Gumbel variables ``[K, V]`` so that its maximum is ``highest``, ``[K, 1]``, and they stay such.

    Kool et al. 2019, appendix B.3, in the form that is stable for large differences.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.minimum(noisy - noisy.max(axis=1, keepdims=True), 0)
        shift = highest - noisy + _log_one_less(below)
        shifted = highest - np.maximum(shift, 0) - np.log1p(np.exp(-np.abs(shift)))
    return np.where(noisy == -np.inf, -np.inf, shifted)


def _log_one_less(below: Scores) -> Scores:
    """Return ``log(1 - exp(x))`` of what is not above 0 (Mächler 2012, equation 7)."""
    result: Scores = np.where(below > -0.693, np.log(-np.expm1(below)), np.log1p(-np.exp(below)))
    return result
