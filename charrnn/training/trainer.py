"""The training loop: for how long, what is logged, scored and saved."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict

from torch import Tensor

from charrnn.errors import CorpusError, PeerError, lacked
from charrnn.launch import hand_on
from charrnn.model import LanguageModel
from charrnn.runs.layout import METRICS
from charrnn.runs.manifest import FileRecord
from charrnn.runs.metrics import Metrics, NoMetrics
from charrnn.runs.run import Run
from charrnn.runs.save import Save
from charrnn.settings import TrainSettings
from charrnn.training.batches import Batches, Chunk
from charrnn.training.budget import Budget, Clock
from charrnn.training.divergence import Divergence
from charrnn.training.events import Evaluated, Event, Finished, Logged, Notice, Sampled, Saved
from charrnn.training.interrupt import StopAskedError, StopRequest, interrupted
from charrnn.training.learner import Learner, Step
from charrnn.training.observers import Observers
from charrnn.training.ranks import Ranks
from charrnn.training.schedule import learning_rate
from charrnn.training.state import Counters, Window, capture_losses, restore_losses
from charrnn.training.validation import Validation

#: Optimizer steps that one logged line sums up. Between two of them nothing waits for the device.
LOG_EVERY = 10
#: Evaluations over a whole budget, where no interval is set.
EVALUATIONS = 10


class Trainer:
    """Trains one model within one run directory.

    All ranks do the same steps, evaluations and saves; the first one's clock says when, and it alone logs and writes.

    Args:
        learner: takes the steps.
        settings: complete: no preset has anything left to fill in.
        batches: the training text.
        validation: the text held back.
        run: where saves and metrics go.
        observers: told of each step and its parts.
        ranks: train it together.
        sample: makes a fresh sample of the model for who watches, if anyone does.
    """

    def __init__(
        self,
        learner: Learner,
        settings: TrainSettings,
        batches: Batches,
        validation: Validation,
        run: Run,
        observers: Observers,
        ranks: Ranks,
        sample: Callable[[LanguageModel], str] | None = None,
    ) -> None:
        self._learner = learner
        self._settings = settings
        self._batches = batches
        self._validation = validation
        self._run = run
        self._observers = observers
        self._ranks = ranks
        self._sample = sample
        vocab_size = learner.model.output.out_features
        self._divergence = Divergence(vocab_size, settings.clip, run.resume_command)
        self._budget = Budget.of(settings, batches.per_epoch)
        self._clock = Clock(ranks)
        self._position = batches.position  # of the first chunk that was not learned from
        self._counters = Counters()
        self._best: dict[str, Tensor] = {}
        self._metrics: FileRecord | None = None  # what was saved of them
        self._saved = self._logged = 0.0  # when, in seconds
        self._unseen: set[str] = set()  # characters that were told of
        self._tokens = 0  # since the last logged line

    @property
    def budget(self) -> Budget:
        """The steps or seconds that training may take."""
        return self._budget

    @property
    def counters(self) -> Counters:
        """The numbers of the run so far."""
        return self._counters

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return self._clock.now

    def resume(self, save: Save) -> None:
        """Go on from a save."""
        self._learner.restore(save.weights, save.training)
        self._best, self._metrics = save.best, save.metrics
        self._counters = Counters.from_dict(save.state)
        self._counters.finished = False
        restore_losses(self._counters.window, save.training, self._ranks)

    def events(self, stop: StopRequest) -> Generator[Event, None, None]:
        """Train until the budget is spent or ``stop`` asks for an end, telling what happens.

        Raises:
            DivergedError: the loss is no number, or far above its start.
            InterruptedRunError: Ctrl-C or SIGTERM; the state was saved.
        """
        with self._ranks.together():
            path, length = self._run.path / METRICS, self._counters.metrics_bytes
            metrics = Metrics(path, length) if self._ranks.first else NoMetrics()
        try:
            if self._metrics is not None and metrics.found != self._metrics:
                yield Notice(f"{METRICS} is not what was saved of it; training goes on, plots lack what is damaged")
            again = self._ranks.size == 1 and bool(self._counters.step or not self._run.config.origin.given)
            with stop.at_once(self._run.resume_command if again else ""):  # what cannot begin again is saved first
                yield from self._learner.warm_up()
                self._batches.make_ready()
            yield from self._train(metrics, stop)
        finally:
            metrics.close()

    def _train(self, metrics: Metrics, stop: StopRequest) -> Iterator[Event]:
        counters, settings = self._counters, self._settings
        self._clock = Clock(self._ranks, stop, counters.seconds)
        self._saved = self._logged = counters.seconds
        self._learner.model.train()
        # A larger budget than before moves the evaluations that are still to come.
        counters.evaluations = min(counters.evaluations, self._evaluations_by_now())
        if not counters.step and (settings.max_rollbacks or self._run.config.origin.given):
            yield self._save(metrics)  # what there is to go back to, and what chance does not make again
        if counters.step and counters.evaluated != counters.step and self._evaluation_is_due():
            yield from self._evaluate(metrics)  # in which training was stopped
        while (progress := self._progress()) < 1 and not self._out_of_patience():
            lr = learning_rate(settings, progress, counters.rollbacks)
            try:
                taken = self._step(lr)
            except (CorpusError, PeerError) as error:
                yield self._save(metrics)
                if isinstance(error, PeerError):
                    raise
                saved = f"Everything up to step {counters.step} is saved; go on with: {self._run.resume_command}"
                raise hand_on(error, CorpusError(f"{error}. {saved}")) from error
            counters.window.add(taken.loss, taken.norm, taken.cut)
            counters.step += 1
            self._observers.step_finished(counters.step, taken.loss)
            self._clock.look()
            if counters.start_loss is None:
                counters.start_loss = self._ranks.mean(float(taken.loss))
            if counters.step % LOG_EVERY == 0:
                yield self._log(metrics, lr)
            if self._evaluation_is_due():
                yield from self._evaluate(metrics)
            elif self._clock.now - self._saved >= settings.save_every:
                yield self._save(metrics)
            if self._clock.asked is not None:
                yield from self._stop(metrics)
        reason = "the budget is spent"
        if self._out_of_patience():
            reason = f"nothing better in {settings.patience} evaluations (--patience)"
        if counters.evaluated != counters.step:
            yield from self._evaluate(metrics)
        if not counters.finished:  # by the clock: the budget was spent while the last evaluation was saved
            counters.finished = True
            yield self._save(metrics)
        yield Finished(self._run.name, self._run.path, counters.step, self._clock.now, dict(counters.best), reason)

    def _step(self, lr: float) -> Step:
        self._observers.phase_started("data")
        # All of them before any is learned from: where one cannot be read, nothing has changed.
        chunks = [self._chunk() for _ in range(self._settings.accumulate)]
        self._tokens += sum(each.targets.numel() for each in chunks) * self._ranks.size
        taken = self._learner.step(chunks, lr, number=self._counters.step + 1)
        self._position = self._batches.position
        return taken

    def _chunk(self) -> Chunk:
        at_start = self._batches.at_start
        return Chunk(*self._batches.next(), at_start)

    def _progress(self) -> float:
        return self._budget.progress(self._counters.step, self._clock.now, self._counters.evaluation_seconds)

    def _log(self, metrics: Metrics, lr: float) -> Logged:
        counters = self._counters
        loss, norm = self._checked_means()
        clipped = counters.window.clipped_share()
        counters.window = Window()
        seconds = self._clock.now
        chars = self._tokens * self._validation.chars_per_token
        rate, self._tokens, self._logged = chars / max(seconds - self._logged, 1e-9), 0, seconds
        waited = self._batches.waited
        event = Logged(
            counters.step, self._progress(), loss, norm, clipped, lr, self._batches.epoch, seconds, rate, waited
        )
        metrics.append({"kind": "train", **asdict(event)})
        return event

    def _checked_means(self) -> tuple[float, float]:
        """Return loss and gradient norm a step since the last logged line, if both are sound."""
        loss, norm = self._counters.window.means()
        loss = self._ranks.mean(loss)
        self._divergence.check(self._counters, loss, norm)
        return loss, norm

    def _evaluation_is_due(self) -> bool:
        if self._settings.eval_every:
            return self._counters.step % self._settings.eval_every == 0
        return self._evaluations_by_now() > self._counters.evaluations

    def _out_of_patience(self) -> bool:
        return bool(self._settings.patience) and self._counters.stale >= (self._settings.patience or 0)

    def _evaluations_by_now(self) -> int:
        return math.floor(self._progress() * EVALUATIONS + 1e-9)

    def _evaluate(self, metrics: Metrics) -> Iterator[Event]:
        """Score the validation part, keep the weights if they are the best yet, and save."""
        try:
            yield from self._evaluated(metrics)
        except StopAskedError:  # when training goes on, it begins with this
            self._clock.look()
            yield from self._stop(metrics)

    def _evaluated(self, metrics: Metrics) -> Iterator[Event]:
        self._observers.phase_started("evaluation")
        counters, begun = self._counters, self._clock.now
        with self._learner.averaged():  # who hears of it sees the weights that were scored
            nats = self._validation.loss(self._learner.model, self._clock.pause)
            if not math.isfinite(nats):  # a model that only knows its text by heart has not diverged
                raise self._divergence.error(counters, nats)
            bpc = self._validation.bits_per_char(nats)
            better = not counters.best or nats < counters.best["nats_per_token"]
            counters.evaluations = max(counters.evaluations, self._evaluations_by_now())
            counters.evaluated = counters.step
            counters.stale = 0 if better else counters.stale + 1
            if better:
                counters.best = {
                    "step": counters.step,
                    "nats_per_token": nats,
                    "bits_per_char": bpc,
                    "tokens": len(self._validation.tokens),
                }
                self._best = self._learner.weights()
            self._clock.look()
            # Saved with the evaluation: a run that is killed after its last one has nothing left to do.
            counters.finished = self._progress() >= 1 or self._out_of_patience()
            event = Evaluated(counters.step, nats, bpc, better, self._clock.now)
            metrics.append({"kind": "validation", **asdict(event)})
            yield event
        yield self._save(metrics, better=better)
        # A budget of time includes the last evaluation: leave as long for it as this one took.
        counters.evaluation_seconds = max(counters.evaluation_seconds, self._clock.now - begun)
        unseen = set(self._batches.unseen)
        if unseen - self._unseen:
            self._unseen = unseen
            yield Notice(lacked(unseen))
        if self._sample:
            self._observers.phase_started("sample")
            with self._learner.averaged():
                yield Sampled(counters.step, self._sample(self._learner.model))
        self._clock.look()  # all ranks, whichever of them samples
        self._logged += self._clock.now - begun  # the rate that is logged is that of training

    def _save(self, metrics: Metrics, *, better: bool = False) -> Saved:
        self._observers.phase_started("save")
        counters = self._counters
        if counters.window.steps:
            self._checked_means()  # what has diverged must not take the place of what is good
        if not counters.best:
            # Nothing was evaluated yet; what there is is the best there is.
            with self._learner.averaged():
                self._best, better = self._learner.weights(), True
        counters.position = self._batches.joined(self._ranks.each(self._position))
        logged = metrics.flush()
        counters.metrics_bytes = logged.size
        self._clock.look()
        counters.seconds = self._clock.now
        weights = self._learner.weights()
        if not all(each.isfinite().all() for each in weights.values()):
            raise self._divergence.error(counters, math.nan)
        training = {**self._learner.tensors(), **capture_losses(counters.window, self._ranks)}
        save = Save(weights, self._best, training, counters.to_dict(), logged)
        with self._ranks.together():
            if self._ranks.first:
                self._run.save(save, better=better, keep=self._settings.keep)
        self._clock.look()
        self._saved = self._clock.now
        return Saved(counters.step)

    def _stop(self, metrics: Metrics) -> Iterator[Event]:
        yield self._save(metrics)
        what = f"interrupted at step {self._counters.step}; everything is saved"
        raise interrupted(what, self._run.resume_command, self._clock.asked)
