"""A run that is ready to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, count

import torch

from charrnn.corpora.fitting import FittedTokenizer
from charrnn.corpora.packs.pack import TokenPack
from charrnn.errors import DivergedError, RunError
from charrnn.generation.session import Session
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.plugins.hooks import Implementation
from charrnn.runs.run import Run
from charrnn.runs.save import Save
from charrnn.training.batches import Batches, LaneBatches
from charrnn.training.events import Event, Started
from charrnn.training.interrupt import StopRequest
from charrnn.training.learner import Learner
from charrnn.training.observers import Observers
from charrnn.training.ranks import Ranks
from charrnn.training.rollback import roll_back
from charrnn.training.stream_batches import StreamBatches
from charrnn.training.trainer import Trainer
from charrnn.training.validation import Validation

Listen = Callable[[Event], None]

_SAMPLE_LENGTH = 240


@dataclass(frozen=True)
class Job:
    """All that a trainer needs: a run, its model, tokenizer and tokens, who trains it, and where it stopped."""

    run: Run
    model: LanguageModel
    fitted: FittedTokenizer
    pack: TokenPack
    ranks: Ranks
    save: Save | None = None

    def train(
        self, listen: Listen, stop: StopRequest, *, samples: bool, given: Sequence[Mapping[str, Implementation]] = ()
    ) -> None:
        """Train until the budget is spent.

        Args:
            listen: told of every event.
            stop: asks for an end before that.
            samples: whether the model shows now and then what it can do; it does so for observers anyway.
            given: the methods of each object that observes, by their hooks.
        """
        settings = self.run.config.settings
        device = next(self.model.parameters()).device
        observers = Observers(self.run, self.model, given, told=self.ranks.first)
        learner = Learner(self.model, settings, observers, self.ranks)
        sample = self._sampler() if self.ranks.first and (samples or observers.want_samples) else None
        save = self.save
        while True:
            with closing(self._batches(device, save)) as batches, closing(observers):
                trainer = Trainer(
                    learner, settings, batches, self._validation(), self.run, observers, self.ranks, sample
                )
                if save is not None:
                    trainer.resume(save)
                try:
                    self._train(trainer, stop, listen, observers)
                    return
                except DivergedError as diverged:
                    save, notice = roll_back(self.run, diverged, trainer.seconds, self.ranks)
            listen(notice)

    def _train(self, trainer: Trainer, stop: StopRequest, listen: Listen, observers: Observers) -> None:
        # Closed before the observers: they are told of the end with the model as its training left it.
        with closing(trainer.events(stop)) as events:
            for event in chain([self._started(trainer)], events):
                listen(event)
                observers.hear(event)

    def _started(self, trainer: Trainer) -> Started:
        part = self.run.config.corpus.train
        return Started(
            run=self.run.name,
            path=self.run.path,
            device=str(next(self.model.parameters()).device),
            parameters=self.model.parameter_count(),
            tokens=None if part is None else part.stop,
            step=trainer.counters.step,
            chars_per_token=self._chars_per_token(),
            total_steps=trainer.budget.steps,
            total_seconds=trainer.budget.seconds,
            best=dict(trainer.counters.best),
        )

    def _validation(self) -> Validation:
        config = self.run.config
        tokens = self.pack.part(config.corpus.validation)[: config.settings.eval_tokens]
        return Validation(tokens, config.tokenizer.context, self._chars_per_token(), self.ranks)

    def _chars_per_token(self) -> float:
        held_back = self.pack.splits[self.run.config.corpus.validation.split]
        return float(held_back["chars"] / max(held_back["tokens"], 1))

    def _batches(self, device: torch.device, save: Save | None) -> Batches:
        """Return what reads the training text, from where it was at a save."""
        config = self.run.config
        settings, part, context = config.settings, config.corpus.train, config.tokenizer.context
        position = save.state.get("position") if save else None
        if part is None:
            return StreamBatches(config.corpus, settings, self.fitted, context, device, self.ranks, position)
        if not isinstance(position, int | None):
            raise RunError(f"the save's state is damaged: {position} is a place in a stream, and the corpus is none")
        tokens = self.pack.part(part)
        chunk = settings.seq_len or 1, settings.batch_size or 1
        seed = settings.seed if settings.random_offset else None
        return LaneBatches(tokens, *chunk, context, device, position or 0, seed, self.ranks.share)

    def _sampler(self) -> Callable[[LanguageModel], str]:
        """Return what makes sample after sample, each a new one, by random numbers of their own."""
        numbers = count()

        def sample(model: LanguageModel) -> str:
            training = model.training
            session = Session(TorchNetwork(model), self.fitted.tokenizer, self.run.config.tokenizer.context)
            text = session.generate(length=_SAMPLE_LENGTH, seed=self.run.config.settings.seed, lane=next(numbers))
            model.train(training)
            return text

        return sample


def to_device(model: LanguageModel, device: torch.device, precision: str) -> LanguageModel:
    """Put a model where it is trained, in the type that its weights are kept in."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, in which cuDNN multiplies float32 anyway
    return model.to(device=device, dtype=torch.float64 if precision == "float64" else torch.float32)
