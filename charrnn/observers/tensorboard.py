"""Writes what happens in a run for TensorBoard."""

from __future__ import annotations

import json
from typing import Any

from charrnn.errors import UsageError
from charrnn.hookspecs import hookimpl
from charrnn.model import LanguageModel
from charrnn.runs.config import RunConfig
from charrnn.runs.layout import TENSORBOARD
from charrnn.runs.run import Run
from charrnn.training.events import Evaluated, Finished, Logged, Sampled, Started


class TensorBoard:
    """Figures as they are logged; validation, the gradient of each parameter and a sample at every evaluation.

    What a resumed run does once more is drawn once: TensorBoard puts aside what it was told of those steps before.

    Raises:
        UsageError: the package is not installed.
    """

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                f"--tensorboard needs the tensorboard package: pip install tensorboard ({error})"
            ) from error
        self._open = SummaryWriter

    @hookimpl
    def run_started(self, run: Run, event: Started) -> None:
        """Open a new file of events, and note the settings."""
        # The steps up to this one are done, and those after it are still to come, whatever was written of them.
        self._writer: Any = self._open(str(run.path / TENSORBOARD), purge_step=event.step + 1)
        self._writer.add_text("settings", _settings(run.config), event.step)

    @hookimpl
    def logged(self, event: Logged) -> None:
        """Write means over some steps."""
        self._scalars(
            event.step,
            {
                "train/nats_per_token": event.loss,
                "train/gradient_norm": event.grad_norm,
                "train/learning_rate": event.lr,
                "train/chars_per_second": event.chars_per_second,
            },
        )

    @hookimpl
    def evaluated(self, model: LanguageModel, event: Evaluated) -> None:
        """Write the validation loss, and how the last step's gradient is spread, clipped as it was used."""
        self._scalars(
            event.step,
            {"validation/nats_per_token": event.nats_per_token, "validation/bits_per_char": event.bits_per_char},
        )
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                self._writer.add_histogram(f"gradient/{name}", parameter.grad.float(), event.step)
        self._writer.flush()

    @hookimpl
    def sampled(self, event: Sampled) -> None:
        """Write a sample as it is."""
        self._writer.add_text("sample", _verbatim(event.text), event.step)

    @hookimpl
    def run_finished(self, event: Finished | None) -> None:  # noqa: ARG002 - however it ends
        """Close the file."""
        self._writer.close()

    def _scalars(self, step: int, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)


def _settings(config: RunConfig) -> str:
    settings = config.settings.model_dump(exclude_none=True)
    shown = {"corpus": config.corpus.address, **settings, "device": config.device, "threads": config.threads}
    return _verbatim("\n".join(f"{name} = {json.dumps(value, default=str)}" for name, value in shown.items()))


def _verbatim(text: str) -> str:
    """Indent a text: TensorBoard takes texts for Markdown, where that means to leave it as it is."""
    writable = text.encode(errors="replace").decode()
    return "\n".join(f"    {line}" for line in writable.split("\n"))
