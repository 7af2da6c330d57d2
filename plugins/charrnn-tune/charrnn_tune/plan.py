"""What a search is of: the same plan goes on with the same study."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from charrnn.presets import PRESETS, complete
from charrnn.settings import TrainSettings
from charrnn_tune.ranges import Range

#: Tokens scored at an evaluation, where no flag says: as many in each trial, whose losses are compared.
_EVAL_TOKENS = 20_000


@dataclass(frozen=True)
class Plan:
    """A corpus, what is fixed, what is searched over, and how long a trial is.

    Attributes:
        corpus: its address, as ``charrnn train`` takes it.
        preset: what fills in the rest.
        fixed: settings that flags gave.
        ranges: of what is searched over.
        budget: ``{"steps": N}`` or ``{"time": seconds}`` of a trial.
    """

    corpus: str
    preset: str
    fixed: dict[str, Any]
    ranges: dict[str, Range]
    budget: dict[str, float]

    @property
    def name(self) -> str:
        """The study's, from the corpus and what is fixed."""
        about = json.dumps([self.place, self.preset, self.fixed], sort_keys=True)
        return f"{self.place} {hashlib.sha256(about.encode()).hexdigest()[:12]}"

    @property
    def place(self) -> str:
        """The corpus, for a file wherever the command is called from."""
        return str(Path(self.corpus).resolve()) if Path(self.corpus).exists() else self.corpus

    def as_json(self) -> dict[str, Any]:
        """Return what a study keeps of it."""
        return {**asdict(self), "corpus": self.place}

    def base(self, device: str) -> dict[str, Any]:
        """Return the settings of every trial, those of the preset included, without what is searched over.

        The preset is applied once: ``auto`` would choose another beside another batch size.
        """
        settings = TrainSettings.model_validate({**self.fixed, **self.budget})
        completed, _ = complete(settings, self.preset, None, device)
        filled = {name: getattr(completed, name) for name in PRESETS["quick"]}
        if settings.tied and "embed" not in self.fixed:
            del filled["embed"]  # follows the hidden features of each trial
        return {name: each for name, each in {**self.fixed, **filled}.items() if name not in self.ranges}

    def trial(self, base: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """Return all settings of a trial."""
        return {"eval_tokens": _EVAL_TOKENS, **base, **found, **self.budget}
