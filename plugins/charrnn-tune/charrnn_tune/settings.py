"""The settings of a search itself."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from charrnn.declaration import Count, Duration, Settings
from charrnn.errors import UsageError


class SearchSettings(Settings):
    """How long a search goes on, and each of its trials."""

    time: Duration | None = Field(None, le=1e9, description="budget of the whole search, such as 30m or 2h")
    trials: Count | None = Field(None, description="budget of the whole search: trials, in the place of --time")
    trial_time: Duration | None = Field(
        None, le=1e9, description="budget of each trial, such as 60s (default: a tenth of --time)"
    )
    trial_steps: Count | None = Field(None, description="budget of each trial: optimizer steps, not --trial-time")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.time is None) == (self.trials is None):
            raise UsageError("how long is the search? Give one of --time, such as --time 30m, and --trials")
        if self.trial_time is not None and self.trial_steps is not None:
            raise UsageError("--trial-time and --trial-steps both limit a trial; give one of them")
        if self.time is None and self.trial_time is None and self.trial_steps is None:
            raise UsageError("how long is a trial? Give --trial-time, such as --trial-time 60s, or --trial-steps")
        if self.time is not None and self.trial_time is not None and self.trial_time > self.time:
            raise UsageError(f"--trial-time {self.trial_time:g}s: is longer than the whole, --time {self.time:g}s")
        return self

    def trial_budget(self) -> dict[str, float]:
        """Return the budget of a trial as a setting of ``train``."""
        if self.trial_steps is not None:
            return {"steps": self.trial_steps}
        return {"time": self.trial_time or (self.time or 0.0) / 10}
