"""Texts that are drawn side by side: each is a lane of one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.generation.history import History
from charrnn.generation.network import Network
from charrnn.generation.prompt import Prompt
from charrnn.generation.reshape import Reshape
from charrnn.generation.sampling import Chance, Draw, log_probabilities
from charrnn.generation.settings import EndSettings
from charrnn.generation.text import Generated, Stop, Writer
from charrnn.tokenizers.base import Ids, Tokenizer

#: Texts that run together; with more, the matrix products get no faster.
LANES = 64
#: Seconds after which what was made is shown, and the steps that are taken at most before that.
_PERIOD = 0.02
_LONGEST = 256


@dataclass(frozen=True)
class Piece:
    """Some text of one lane.

    Attributes:
        number: of the text.
        text: what it goes on with.
        whole: the text, once it has ended.
    """

    number: int
    text: str
    whole: Generated | None = None


@dataclass(frozen=True)
class Track:
    """What is written down: the text, its tokens' log-probabilities, and each of these."""

    text: bool = True
    log_probabilities: bool = False
    tokens: bool = False


class Lanes:
    """A batch of texts.

    Args:
        network: steps.
        tokenizer: of the ids.
        prompts: what each lane goes on from; where warpers look back, prompts of one length.
        numbers: of the texts; with the seed, they decide what is drawn.
        seed: of all.
        reshape: from logits to what is drawn from.
        ending: when a text ends.
        track: what is written down.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: Tokenizer,
        prompts: Sequence[Prompt],
        numbers: Sequence[int],
        seed: int,
        reshape: Reshape,
        ending: EndSettings,
        track: Track,
    ) -> None:
        self._network = network
        self._seed = seed
        self._reshape = reshape
        self._track = track
        self._numbers = list(numbers)
        self._writers = [Writer(tokenizer, ending) for _ in numbers]
        self._texts: list[list[str]] = [[] for _ in numbers]
        self._state = network.join([prompt.state for prompt in prompts])
        self._logits = np.concatenate([prompt.logits for prompt in prompts])
        self._history = History(np.stack([prompt.ids for prompt in prompts])) if reshape.needs_history else None
        self._chance = Chance(seed, numbers)
        self._draw = Draw()
        self._made = 0

    def pieces(self, stopped: Callable[[], bool]) -> Iterator[Piece]:
        """Draw until every text has ended, or ``stopped`` says so."""
        steps = 1
        yield from self._drop_ended()
        while self._writers:
            if stopped():
                yield from self._end_all("interrupted")
                return
            began = time.monotonic()
            left = [writer.left for writer in self._writers]
            ids, logs = self._run(min([steps, *(each for each in left if each is not None)]))
            for lane, writer in enumerate(self._writers):
                text = writer.write(ids[:, lane], None if logs is None else logs[:, lane], each=self._track.tokens)
                yield from self._show(lane, text)
            yield from self._drop_ended()
            took = time.monotonic() - began
            steps = min(2 * steps, _LONGEST) if took < _PERIOD / 2 else max(1, steps // 2) if took > _PERIOD else steps

    def _run(self, steps: int) -> tuple[Ids, NDArray[np.float64] | None]:
        """Draw some tokens of every lane: ids and their log-probabilities, each ``[steps, B]``."""
        lanes = np.arange(len(self._writers))
        ids = np.empty((steps, len(lanes)), dtype=np.int64)
        logs = np.empty(ids.shape) if self._track.log_probabilities else None
        history, nothing = self._history, np.empty((len(lanes), 0), dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for step in range(steps):
                before = history.ids if history is not None else nothing
                logits, temperature = self._reshape(self._logits, before, self._made)
                drawn = self._draw(logits, temperature, self._chance())
                ids[step] = drawn
                if logs is not None:
                    logs[step] = log_probabilities(self._logits)[lanes, drawn]
                if history is not None:
                    drawn = np.maximum(drawn, 0)  # a blocked lane reads on, to no effect
                    history.append(drawn)
                self._made += 1
                self._logits, self._state = self._network.step(drawn, self._state)
        self._logits = self._logits.copy()  # another text may be drawn with this network meanwhile
        return ids, logs

    def _show(self, lane: int, text: str) -> Iterator[Piece]:
        if text:
            if self._track.text:
                self._texts[lane].append(text)
            yield Piece(self._numbers[lane], text)

    def _drop_ended(self) -> Iterator[Piece]:
        """Tell of the texts that have ended, and go on with the others."""
        ended = [lane for lane, writer in enumerate(self._writers) if writer.stop is not None]
        for lane in ended:
            yield Piece(self._numbers[lane], "", self._whole(lane))
        if not ended:
            return
        kept = np.setdiff1d(np.arange(len(self._writers)), ended)
        self._numbers = [self._numbers[lane] for lane in kept]
        self._writers = [self._writers[lane] for lane in kept]
        self._texts = [self._texts[lane] for lane in kept]
        self._state, self._logits = self._network.take(self._state, kept), self._logits[kept]
        self._chance.take(kept)
        if self._history is not None:
            self._history.take(kept)

    def _end_all(self, stop: Stop) -> Iterator[Piece]:
        for lane, writer in enumerate(self._writers):
            yield from self._show(lane, writer.end(stop))
            yield Piece(self._numbers[lane], "", self._whole(lane))

    def _whole(self, lane: int) -> Generated:
        writer = self._writers[lane]
        assert writer.stop is not None
        return Generated(
            number=self._numbers[lane],
            text="".join(self._texts[lane]),
            tokens=writer.tokens,
            chars=writer.chars,
            stop=writer.stop,
            seed=self._seed,
            log_probability=0.0 - writer.nats if self._track.log_probabilities else None,
            token_probabilities=writer.probabilities if self._track.tokens else None,
        )
