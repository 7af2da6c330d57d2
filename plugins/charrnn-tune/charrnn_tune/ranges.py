"""What a search may try, as the settings declare it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, get_args

from charrnn.errors import UsageError, near_names
from charrnn.settings import TrainSettings

if TYPE_CHECKING:
    import optuna

#: What is searched where nobody says.
USUAL = ("lr", "hidden", "layers", "dropout", "batch_size")

#: A setting's declaration: either ``choices``, or ``low``, ``high``, ``log`` and ``step``.
Range = dict[str, Any]


def known_ranges() -> dict[str, Range]:
    """Return the range of each setting that declares one (``tuned_over`` and ``tuned_among``)."""
    found: dict[str, Range] = {}
    for name, field in TrainSettings.model_fields.items():
        extra: Any = field.json_schema_extra
        if isinstance(extra, dict) and "tuned" in extra:
            found[name] = extra["tuned"]
    return found


def choose_ranges(over: str | None, fixed: Collection[str]) -> dict[str, Range]:
    """Read ``--over``; without it, the usual settings but those that are fixed.

    Raises:
        UsageError: a name has no range, or is fixed by a flag; or nothing is left to search.
    """
    known = known_ranges()
    if over is None:
        names = [name for name in USUAL if name not in fixed]
    else:
        names = [each.strip().replace("-", "_") for each in over.split(",") if each.strip()]
    for name in names:
        if name not in known:
            raise UsageError(f"--over '{name}': no setting with a range is called so; {near_names(name, known)}")
        if name in fixed:
            raise UsageError(f"--over {name}: it is fixed by a flag of its own; leave one of the two out")
    if not names:
        raise UsageError(f"nothing is left to search over; name settings by --over, such as --over {','.join(USUAL)}")
    return {name: known[name] for name in dict.fromkeys(names)}


def suggest(trial: optuna.Trial, ranges: dict[str, Range]) -> dict[str, Any]:
    """Let the sampler choose a value in each range."""
    return {name: _suggest(trial, name, each) for name, each in ranges.items()}


def _suggest(trial: optuna.Trial, name: str, within: Range) -> Any:
    if "choices" in within:
        return trial.suggest_categorical(name, within["choices"])
    low, high, log, step = within["low"], within["high"], within["log"], within["step"]
    if _is_whole(name):
        return trial.suggest_int(name, low, high, log=log, step=step or 1)
    # Rounded, so that the file holds what was tried to the last bit and is read by people.
    return float(f"{trial.suggest_float(name, low, high, log=log):.4g}")


def _is_whole(name: str) -> bool:
    annotation = TrainSettings.model_fields[name].annotation
    return int in (annotation, *get_args(annotation))
