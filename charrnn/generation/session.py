"""A trained model that one can talk to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.fitting import load_tokenizer
from charrnn.device import choose_device
from charrnn.errors import RunError, UsageError, shown_characters
from charrnn.evaluation import Score, score
from charrnn.generation.sampling import Logits, log_probabilities, sample
from charrnn.generation.stepper import Stepper
from charrnn.generation.warpers import Warp, make_warp
from charrnn.model import LanguageModel
from charrnn.options import check
from charrnn.runs.find import find_run
from charrnn.runs.model import load_model
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.provenance import check_plugins
from charrnn.runs.run import Run
from charrnn.settings import SampleSettings
from charrnn.tokenizers.base import Ids, Tokenizer


class Session:
    """A model with its tokenizer.

    Args:
        model: weights in place.
        tokenizer: the one that it was trained with.
        context: the id that stands before a text's first.
        run: where it came from, if from a run.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, context: int, run: Run | None = None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.context = context
        self.run = run

    def stream(
        self,
        prompt: str = "",
        *,
        temp: float = SampleSettings.model_fields["temp"].default,
        length: int = SampleSettings.model_fields["length"].default,
        seed: int | None = None,
        lane: int = 0,
        unseen: str = SampleSettings.model_fields["unseen"].default,
        warper: str | None = None,
        warper_options: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """Continue ``prompt``; yields pieces of text as they are made, never half a character.

        Args:
            prompt: text to continue; it is not repeated.
            temp: temperature; 0 is greedy.
            length: tokens to generate.
            seed: the same seed gives the same text; None a new one each time.
            lane: which of the many texts of one seed.
            unseen: ``replace`` or ``error``, for the prompt's characters that the model has never seen.
            warper: the name of what reshapes the distribution before a token is drawn.
            warper_options: by name.

        Raises:
            UsageError: a value is out of bounds, or the prompt has unseen characters and ``unseen="error"``.
            PluginError: the warper fails.
        """
        values = {"temp": temp, "length": length, "seed": seed, "unseen": unseen}
        asked = check(SampleSettings, {**values, "warper": warper, "warper_options": warper_options or {}})
        if asked.warper_options and warper is None:
            raise UsageError("--warper-option is given without --warper; name the warper that it is an option of")
        warp = make_warp(warper, asked.warper_options, self.tokenizer) if warper else None
        if asked.unseen == "error":
            self.refuse_unseen(prompt)
        return self._stream(prompt, asked, lane, warp)

    def generate(self, prompt: str = "", **options: Any) -> str:
        """Return the whole of what :meth:`stream` yields; the options are the same."""
        return "".join(self.stream(prompt, **options))

    def score(self, text: str) -> Score:
        """Score a text: every token given those before it, the first given :attr:`context`."""
        size = len(text), len(text.encode("utf-8", "surrogatepass"))
        return score(self.model, self.tokenizer, self.tokenizer.encode(text), self.context, size)

    def next(self, prompt: str = "") -> list[tuple[str, float]]:
        """Return every token's text and its probability to come after ``prompt``, the likeliest first."""
        logs = log_probabilities(self._begin(self.tokenizer.encode(prompt))[1])
        order = np.argsort(-logs, kind="stable")
        return [(self.tokenizer.decode(np.array([token])), float(np.exp(logs[token]))) for token in order]

    def refuse_unseen(self, text: str) -> None:
        """Raise if a text has characters that the model has never seen.

        Raises:
            UsageError: it has; the message shows them.
        """
        missing = self.tokenizer.unseen(text)
        if missing:
            raise UsageError(
                f"the model has never seen {shown_characters(missing)}; use --unseen replace, or other text"
            )

    def _begin(self, prompt: Ids) -> tuple[Stepper, Logits]:
        stepper = Stepper(self.model)
        return stepper, stepper.feed(np.concatenate([[self.context], prompt.astype(np.int64)]))

    def _stream(self, prompt: str, asked: SampleSettings, lane: int, warp: Warp | None) -> Iterator[str]:
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        generator = np.random.default_rng([seed, lane])
        decoder = self.tokenizer.decoder()
        read = self.tokenizer.encode(prompt).astype(np.int64)
        stepper, logits = self._begin(read)
        history = np.concatenate([read, np.zeros(asked.length, dtype=np.int64)])
        for made in range(asked.length):
            if not np.isfinite(logits).all():
                raise RunError(
                    "the model's weights hold NaN or infinity: it cannot generate; train it again with a lower --lr"
                )
            if warp is not None:
                logits = warp(logits[np.newaxis], history[np.newaxis, : len(read) + made])[0]
            token = sample(logits, asked.temp, generator)
            history[len(read) + made] = token
            piece = decoder.decode(np.array([token]))
            if piece:
                yield piece
            if made + 1 < asked.length:
                logits = stepper.step(token)
        rest = decoder.flush()
        if rest:
            yield rest


def load(run: str | Path | Run | None = None, *, checkpoints: str | Path | None = None, device: str = "cpu") -> Session:
    """Open a run for generation and scoring.

    Args:
        run: its name or directory, or None for the one with the newest completed save.
        checkpoints: where runs are looked for.
        device: where the model goes: ``cpu``, ``cuda``, ``mps``, or ``auto``.

    Raises:
        RunError: it is not there or damaged, or a plugin that it was made with is missing.
    """
    if not isinstance(run, Run):
        run = find_run(None if run is None else str(run), checkpoints_directory(checkpoints))
    check_plugins(run)
    recorded = run.config.tokenizer
    tokenizer = load_tokenizer(recorded.name, run.tokenizer).tokenizer
    if tokenizer.vocab_size != recorded.vocab_size or recorded.context >= recorded.vocab_size:
        raise RunError(
            f"run '{run.name}' is damaged: its tokenizer has {tokenizer.vocab_size} tokens, its config says "
            f"{recorded.vocab_size}, with {recorded.context} as the context"
        )
    return Session(load_model(run).to(choose_device(device)), tokenizer, recorded.context, run)
