"""What declarations of settings are made of: types with their bounds, marks, and the base of all groups."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from charrnn.units import parse_duration, parse_size


def _check_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError("should be auto, cpu, mps, cuda, or cuda:N")
    return name


Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**12)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Device = Annotated[str, AfterValidator(_check_device)]
#: Seconds.
Duration = Annotated[Positive, BeforeValidator(parse_duration)]
#: Bytes.
Size = Annotated[int, BeforeValidator(parse_size), Field(ge=1, le=10**15)]
Options = dict[str, Any]


#: Marks a setting in which a flag writes a newline as ``\\n`` and a tab as ``\\t``.
ESCAPES: dict[str, Any] = {"escapes": True}


def of_kind(kind: str) -> dict[str, Any]:
    """Say that a setting's values are the registered names of a kind."""
    return {"names": kind}


def tuned_over(low: float, high: float, *, log: bool = False, step: int | None = None) -> dict[str, Any]:
    """Say from where to where a search of hyperparameters may try a setting: evenly, or evenly in its logarithm."""
    return {"tuned": {"low": low, "high": high, "log": log, "step": step}}


def tuned_among(*choices: str | bool) -> dict[str, Any]:
    """Say which values a search of hyperparameters may try."""
    return {"tuned": {"choices": list(choices)}}


class Settings(BaseModel):
    """Base of the groups: no unknown names, nothing changed after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
