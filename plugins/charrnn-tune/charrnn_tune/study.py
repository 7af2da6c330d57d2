"""An Optuna study in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from charrnn.errors import UsageError
from charrnn_tune.plan import Plan

_PLAN = "plan"
#: Trials that are never pruned, for others to be measured by, and the evaluations that no trial is judged by.
_UNPRUNED_TRIALS, _UNPRUNED_EVALUATIONS = 4, 2


def open_study(path: Path, plan: Plan) -> optuna.Study:
    """Open the study of a plan, or begin it.

    Raises:
        UsageError: the file holds another study, or is none.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = _open_storage(path)
    for other in _plans(storage):
        _compare(path, other, plan.as_json())
    study = optuna.create_study(
        storage=storage,
        study_name=plan.name,
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(_UNPRUNED_TRIALS, n_warmup_steps=_UNPRUNED_EVALUATIONS + 1),
    )
    study.set_user_attr(_PLAN, plan.as_json())
    # By the number of trials as well: a search that goes on would otherwise draw its first values again.
    study.sampler = optuna.samplers.TPESampler(seed=(plan.fixed.get("seed", 0) + len(study.trials)) % 2**32)
    return study


def kept_budget(path: Path) -> dict[str, float] | None:
    """Return the budget of the trials in a study's file, if there is one."""
    if not path.exists():
        return None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return next((dict(each["budget"]) for each in _plans(_open_storage(path))), None)


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count: neither broken off nor still going on."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """Return the trial with the lowest loss among those that were trained to their end, if there is any."""
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(whole, key=lambda each: each.value or 0.0, default=None)


def _plans(storage: optuna.storages.RDBStorage) -> Iterator[dict[str, Any]]:
    """Return the plans of the studies in a file; one that has no trial yet, as of a command that was wrong, is none."""
    for name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage)
        if _PLAN in study.user_attrs and finished_trials(study):
            yield study.user_attrs[_PLAN]


def _open_storage(path: Path) -> optuna.storages.RDBStorage:
    if not path.parent.is_dir():
        raise UsageError(f"--study '{path}': there is no directory '{path.parent}'")
    url = URL.create("sqlite", database=str(path)).render_as_string()
    try:
        return optuna.storages.RDBStorage(url)
    except (SQLAlchemyError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"--study '{path}': is no study that can be opened ({first}); give another file") from None


def _compare(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    words = {
        "corpus": "is of the corpus",
        "preset": "has the preset",
        "fixed": "fixes",
        "ranges": "searches over",
        "budget": "has trials of",
    }
    for key, word in words.items():
        if theirs[key] != ours[key]:
            raise UsageError(
                f"the study in '{path}' {word} {_shown(theirs[key])}, not {_shown(ours[key])}; "
                "give another file by --study, or what it was begun with"
            )


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_range(each)}" for name, each in value.items()) or "nothing"
    return f"'{value}'"


def _range(value: Any) -> str:
    if isinstance(value, dict) and "low" in value:
        return f"{value['low']:g} to {value['high']:g}"
    if isinstance(value, dict) and "choices" in value:
        return "|".join(map(str, value["choices"]))
    return f"{value:g}" if isinstance(value, float) else str(value)
