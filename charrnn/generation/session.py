"""A trained model that one can talk to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.errors import UsageError
from charrnn.evaluation import Score, score
from charrnn.generation.beam.hypothesis import Hypothesis
from charrnn.generation.lanes import LANES, Lanes, Piece, Track
from charrnn.generation.network import Network
from charrnn.generation.opening import open_network
from charrnn.generation.prompt import Prompt, Reader, Unseen
from charrnn.generation.reshape import Reshape
from charrnn.generation.sampling import is_blocked, log_probabilities
from charrnn.generation.settings import SampleSettings
from charrnn.generation.text import Generated
from charrnn.options import check
from charrnn.runs.find import find_run
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.provenance import check_plugins
from charrnn.runs.run import Run
from charrnn.runs.tokenizer import run_tokenizer
from charrnn.settings import OpeningSettings
from charrnn.tokenizers.base import Tokenizer


def _never() -> bool:
    return False


class Session:
    """A model with its tokenizer.

    Settings are those of :class:`charrnn.generation.settings.SampleSettings`, by name: ``temp=0.8``, ``length=500``,
    ``top_k=40``, ``until=["\\n"]``, ``seed=1`` and so on.

    Args:
        network: the model, weights in place.
        tokenizer: the one that it was trained with.
        context: the id that stands before a text's first.
        run: where it came from, if from a run.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, context: int, run: Run | None = None) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.context = context
        self.run = run

    def stream(self, prompt: str = "", *, lane: int = 0, **settings: Any) -> Iterator[str]:
        """Continue ``prompt``; yields pieces of text as they are made, never half a character.

        Args:
            prompt: text to continue; it is not repeated.
            lane: which of the many texts of one seed.
            settings: by name.

        Raises:
            UsageError: a value is out of bounds, or the prompt has unseen characters and ``unseen="error"``.
            PluginError: a warper fails.
        """
        asked = self._one(settings)
        read = self.read(prompt, unseen=asked.unseen)
        pieces = self.pieces([read], asked, track=Track(text=False), first=lane)
        return (piece.text for piece in pieces if piece.text)

    def generate(self, prompt: str = "", **settings: Any) -> str:
        """Return the whole of what :meth:`stream` yields; the settings are the same."""
        return "".join(self.stream(prompt, **settings))

    def beam(self, prompt: str = "", **settings: Any) -> list[Hypothesis]:
        """Return the ``num`` best texts that continue ``prompt``, the best first, found by ``beam`` beams.

        Args:
            prompt: text to continue.
            settings: by name, such as ``beam=5``, ``num=3``, ``length_penalty=0.6``, ``stochastic=True``.

        Raises:
            UsageError: a value is out of bounds, or they contradict each other.
        """
        asked = check(SampleSettings, {"beam": 5, **settings})
        return self.search(self.read(prompt, unseen=asked.unseen), asked)

    def score(self, text: str) -> Score:
        """Score a text: every token given those before it, the first given :attr:`context`."""
        size = len(text), len(text.encode("utf-8", "surrogatepass"))
        return score(self.network, self.tokenizer, self.tokenizer.encode(text), self.context, size)

    def next(self, prompt: str = "", *, unseen: Unseen = "replace") -> list[tuple[str, float]]:
        """Return every token's text and its probability to come after ``prompt``, the likeliest first."""
        return self.following(self.read(prompt, unseen=unseen))

    def read(self, prompt: str | Iterable[str], *, unseen: Unseen = "replace", scored: bool = False) -> Prompt:
        """Read a prompt, whole or in pieces, to go on from it any number of times.

        Raises:
            UsageError: it has unseen characters and ``unseen="error"``.
        """
        return self._reader.read([prompt] if isinstance(prompt, str) else prompt, unseen, scored=scored)

    def go_on(self, prompt: Prompt, text: str) -> Prompt:
        """Return what has been read once a prompt goes on with ``text``."""
        return self._reader.go_on(prompt, self.tokenizer.encode(text))

    def following(self, prompt: Prompt, asked: SampleSettings | None = None) -> list[tuple[str, float]]:
        """Return every token's text and probability after a prompt, the likeliest first.

        Args:
            prompt: what was read.
            asked: what it forbids is left out.
        """
        logits = prompt.logits
        if asked is not None:
            logits = Reshape(asked, self.tokenizer).constrain(logits, prompt.ids[np.newaxis])
        if is_blocked(logits.max(axis=1)).all():
            return []
        logs = log_probabilities(logits[0])
        order = [token for token in np.argsort(-logs, kind="stable") if logs[token] > -np.inf]
        return [(self.tokenizer.decode(np.array([token])), float(np.exp(logs[token]))) for token in order]

    def texts(self, prompts: str | Iterable[str] = "", **settings: Any) -> Iterator[Generated]:
        """Continue each prompt ``num`` times, many side by side; yields the texts in order, with log-probabilities.

        Args:
            prompts: one, or many.
            settings: by name, such as ``num=100``.

        Raises:
            UsageError: a value is out of bounds, a prompt has unseen characters and ``unseen="error"``, or there are
                several and the model learns from what it reads.
        """
        asked = check(SampleSettings, settings)
        if asked.beam is not None:
            raise UsageError("beam: this draws texts; session.beam(...) searches for the best")
        reads = (self.read(each, unseen=asked.unseen) for each in ([prompts] if isinstance(prompts, str) else prompts))
        ended: dict[int, Generated] = {}
        following = 0
        for piece in self.pieces(reads, asked, track=Track(log_probabilities=True)):
            if piece.whole is not None:
                ended[piece.number] = piece.whole
            while following in ended:
                yield ended.pop(following)
                following += 1

    def pieces(
        self,
        prompts: Iterable[Prompt],
        asked: SampleSettings,
        *,
        track: Track | None = None,
        stopped: Callable[[], bool] = _never,
        first: int = 0,
    ) -> Iterator[Piece]:
        """Continue each prompt ``num`` times, many side by side; yields pieces of all, each by its text's number.

        Args:
            prompts: read as they are needed.
            asked: how.
            track: what is written down.
            stopped: asked now and then whether to end all texts where they are.
            first: the number of the first text.

        Raises:
            PluginError: a warper fails.
            RunError: the weights are no numbers.
            UsageError: there are several prompts, and the model learns from what it reads.
        """
        if self.network.learns:
            prompts = _only(prompts)
        reshape = Reshape(asked, self.tokenizer)
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        each = chain.from_iterable(repeat(prompt, asked.num) for prompt in prompts)
        for batch in _batches(enumerate(each, first), by_length=reshape.needs_history):
            numbers, some = zip(*batch, strict=True)
            lanes = Lanes(self.network, self.tokenizer, some, numbers, seed, reshape, asked, track or Track())
            yield from lanes.pieces(stopped)
            if stopped():
                return

    def search(
        self, prompt: Prompt, asked: SampleSettings, *, stopped: Callable[[], bool] = _never
    ) -> list[Hypothesis]:
        """Search by beams; ``asked.beam`` is given."""
        from charrnn.generation.beam.diverse import DiverseSearch
        from charrnn.generation.beam.search import Search
        from charrnn.generation.beam.stochastic import StochasticSearch

        kind = StochasticSearch if asked.stochastic else DiverseSearch if asked.beam_groups > 1 else Search
        search = kind(self.network, self.tokenizer, prompt, asked, Reshape(asked, self.tokenizer))
        return search.run(stopped)[: asked.num]

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.network, self.tokenizer, self.context)

    def _one(self, settings: dict[str, Any]) -> SampleSettings:
        asked = check(SampleSettings, settings)
        if asked.beam is not None:
            raise UsageError("beam: this draws a text; session.beam(...) searches for the best")
        if asked.num != 1:
            raise UsageError("num: this makes one text; session.texts(...) makes many")
        return asked


def _only(prompts: Iterable[Prompt]) -> list[Prompt]:
    """Refuse a second prompt: what was learned from the first is forgotten where it is read."""
    found = list(islice(prompts, 2))
    if len(found) > 1:
        raise UsageError("dynamic evaluation learns from one prompt at a time; give one, or leave dynamic out")
    return found


def _batches(texts: Iterable[tuple[int, Prompt]], *, by_length: bool) -> Iterator[list[tuple[int, Prompt]]]:
    """Group texts that can run together; warpers look back on a rectangle of ids."""
    batch: list[tuple[int, Prompt]] = []
    for number, prompt in texts:
        if len(batch) == LANES or (batch and by_length and len(prompt.ids) != len(batch[0][1].ids)):
            yield batch
            batch = []
        batch.append((number, prompt))
    if batch:
        yield batch


def load(run: str | Path | Run | None = None, *, checkpoints: str | Path | None = None, **settings: Any) -> Session:
    """Open a run for generation and scoring.

    Args:
        run: its name or directory, or None for the one with the newest completed save.
        checkpoints: where runs are looked for.
        settings: by the names of :class:`charrnn.settings.OpeningSettings`: ``device="cuda"``, ``dynamic=True``. Under
            the latter, each text that is read begins with the weights as they were trained, and ends the one before.

    Raises:
        UsageError: a setting is out of bounds, or there is no such device.
        RunError: it is not there or damaged, or a plugin that it was made with is missing.
    """
    asked = check(OpeningSettings, settings)
    if not isinstance(run, Run):
        run = find_run(None if run is None else str(run), checkpoints_directory(checkpoints))
    return open_run(run, asked)


def open_run(run: Run, asked: OpeningSettings) -> Session:
    """Open a run that was found, by settings that were checked; raises as :func:`load` does."""
    check_plugins(run)
    tokenizer = run_tokenizer(run).tokenizer
    return Session(open_network(run, asked), tokenizer, run.config.tokenizer.context, run)
