"""Beam search.

Beams are lanes of one batch: each step reads one token for all of them, and reorders the state's leaves by one index.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from charrnn.generation.beam.beams import Beams, Scores, best_children
from charrnn.generation.beam.hypothesis import Hypothesis
from charrnn.generation.history import LOOK_BACK
from charrnn.generation.network import Network
from charrnn.generation.prompt import Prompt
from charrnn.generation.reshape import Reshape
from charrnn.generation.sampling import is_blocked, log_probabilities, tempered
from charrnn.generation.settings import SampleSettings
from charrnn.generation.text import Stop, Writer
from charrnn.tokenizers.base import Ids, Tokenizer


class Search:
    """A search for the likeliest texts that continue one prompt.

    Args:
        network: steps.
        tokenizer: of the ids.
        prompt: what is continued.
        asked: how; ``beam`` is given.
        reshape: forbids tokens.
    """

    def __init__(
        self, network: Network, tokenizer: Tokenizer, prompt: Prompt, asked: SampleSettings, reshape: Reshape
    ) -> None:
        assert asked.beam is not None
        self._network = network
        self._tokenizer = tokenizer
        self._asked = asked
        self._reshape = reshape
        self._prompt = prompt
        self._width = asked.beam
        self._beams = Beams.root()
        self._state = network.copy(prompt.state)
        self._logits = prompt.logits
        self._ends = _Ends(tokenizer, asked)
        self._found: list[Hypothesis] = []

    def run(self, stopped: Callable[[], bool]) -> list[Hypothesis]:
        """Search until nothing better can come, or ``stopped`` says so; returns the best, the best first."""
        stop: Stop = "length"
        for _ in range(self._asked.length):
            if stopped():
                stop = "interrupted"
                break
            logs = self._logs()
            if logs.max() == -np.inf:
                stop = "blocked"
                break
            self._grow(*self._children(logs))
            if not len(self._beams) or self._is_decided():
                break
        for lane in range(len(self._beams)):
            self._keep(self._beams, lane, stop)
        return self._in_order()

    def _in_order(self) -> list[Hypothesis]:
        """Return what was found, as a person wants to see it."""
        return self._best()

    def _children(self, logs: Scores) -> tuple[Ids, Beams]:
        """Choose who goes on, by the log-probabilities of every beam's next token, ``[K, V]``.

        Returns:
            The beams that come next, and whose child each is.
        """
        parents, tokens = best_children(self._beams.sums[:, np.newaxis] + logs, self._width)
        return parents, self._beams.extended(parents, tokens, logs)

    def _is_decided(self) -> bool:
        """Tell whether no beam can come to be better than the worst of those that would be returned.

        Log-probabilities only fall, and the length penalty is largest at the greatest length: a beam that loses nothing
        until then gets its best score.
        """
        if len(self._best()) < self._width:
            return False
        longest = length_penalty(self._asked.length, self._asked.length_penalty)
        return self._best()[-1].score >= float(self._beams.sums.max()) / longest

    def _score(self, beams: Beams, lane: int) -> float:
        return float(beams.sums[lane]) / length_penalty(beams.ids.shape[1], self._asked.length_penalty)

    def _logs(self) -> Scores:
        before = np.broadcast_to(self._prompt.ids, (len(self._beams), len(self._prompt.ids)))
        history = np.concatenate([before, self._beams.ids], axis=1)[:, -LOOK_BACK:]
        logits = self._reshape.constrain(self._logits, history)
        if self._asked.stochastic:
            logits = tempered(logits, self._asked.temp[0])
        possible = ~is_blocked(logits.max(axis=1))
        logs = np.full(logits.shape, -np.inf)
        logs[possible] = log_probabilities(logits[possible])
        return logs

    def _grow(self, parents: Ids, beams: Beams) -> None:
        """Let those that end leave the beam, and read the others' tokens."""
        going = []
        for lane, ended in enumerate(self._ends.look(parents, beams)):
            if ended:
                self._keep(beams, lane, "until")
            else:
                going.append(lane)
        kept = np.array(going, dtype=np.int64)
        self._beams = beams.take(kept)
        self._ends.take(kept)
        if len(kept):
            tokens = self._beams.ids[:, -1]
            self._logits, self._state = self._network.step(tokens, self._network.take(self._state, parents[kept]))

    def _keep(self, beams: Beams, lane: int, stop: Stop) -> None:
        """Write a beam out as a text that was found."""
        writer = Writer(self._tokenizer, self._asked)
        text = writer.write(beams.ids[lane])
        if writer.stop is None:
            text += writer.end(stop)
        assert writer.stop is not None
        total, tokens = float(beams.sums[lane]), beams.ids.shape[1]
        self._found.append(Hypothesis(text, tokens, writer.chars, writer.stop, self._score(beams, lane), total))

    def _best(self) -> list[Hypothesis]:
        """Return the best texts, each once: two searches, or two ways to part a text, may come to the same."""
        unique: dict[str, Hypothesis] = {}
        for each in sorted(self._found, key=lambda each: -each.score):
            unique.setdefault(each.text, each)
        return list(unique.values())[: self._width]


class _Ends:
    """Finds the beams that end with a text of ``--until`` or their last line.

    Writing every beam out at every step would take a time that grows with the square of the length: only those are that
    have the bytes of such an end.
    """

    def __init__(self, tokenizer: Tokenizer, asked: SampleSettings) -> None:
        self._tokenizer = tokenizer
        self._asked = asked
        self._stops = [stop.encode("utf-8", "surrogatepass") for stop in asked.until] + [b"\n"] * bool(asked.lines)
        self._longest = max(map(len, self._stops), default=0)
        self._pieces = tokenizer.pieces() if self._stops else []
        self._tails = [b""]

    def look(self, parents: Ids, beams: Beams) -> list[bool]:
        """Tell which of the new beams end here."""
        if not self._stops:
            return [False] * len(beams)
        self._tails = [
            (self._tails[parent] + self._pieces[ids[-1]])[-self._longest - len(self._pieces[ids[-1]]) :]
            for parent, ids in zip(parents, beams.ids, strict=True)
        ]
        return [
            any(stop in tail for stop in self._stops) and self._is_end(ids)
            for tail, ids in zip(self._tails, beams.ids, strict=True)
        ]

    def take(self, lanes: Ids) -> None:
        """Go on with these beams."""
        if self._stops:
            self._tails = [self._tails[lane] for lane in lanes]

    def _is_end(self, ids: Ids) -> bool:
        writer = Writer(self._tokenizer, self._asked)
        writer.write(ids)
        return writer.stop in ("until", "lines")


def length_penalty(length: int, strength: float) -> float:
    """Return ``((5 + length) / 6) ** strength`` (Wu et al. 2016, equation 14)."""
    return float(((5 + length) / 6) ** strength)
