"""``charrnn tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charrnn.cli.completion import completes
from charrnn.cli.parameters import Json, read_flags, takes_settings
from charrnn.presets import AUTO, PRESETS
from charrnn.reporting.echo import say, say_json, tell
from charrnn.settings import (
    BUDGETS,
    CorpusSettings,
    LoopSettings,
    ModelSettings,
    OptimizerSettings,
    StreamSettings,
    TokenizerSettings,
)
from charrnn_tune.ranges import USUAL
from charrnn_tune.settings import SearchSettings

if TYPE_CHECKING:
    import optuna

    from charrnn_tune.plan import Plan

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
@takes_settings(
    {
        "Corpus": CorpusSettings,
        "Streaming": StreamSettings,
        "Tokenizer": TokenizerSettings,
        "Model": ModelSettings,
        "Optimizer": OptimizerSettings,
        "Training": LoopSettings,
    },
    # The budgets are the search's own, and a trial's run is saved for nobody.
    but=[*BUDGETS, "save_every", "keep"],
)
@takes_settings({"Budget": SearchSettings})
def tune(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS", help="As for charrnn train, but for standard input.", autocompletion=completes("corpora")
        ),
    ],
    over: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...", help=f"The settings to search over (default: {','.join(USUAL)}).", show_default=False
        ),
    ] = None,
    output: Annotated[Path, typer.Option(metavar="FILE.toml", help="Where the settings go that were found.")] = Path(
        "tuned.toml"
    ),
    study: Annotated[
        Path | None,
        typer.Option(metavar="FILE.db", help="Where trials are kept (default: as --output, .db).", show_default=False),
    ] = None,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help=f"What fills in the rest: {AUTO}, {', '.join(PRESETS)}.")
    ] = AUTO,
    json: Json = False,
    **settings: Any,
) -> None:
    """Search the hyperparameters that suit a corpus.

    Each trial trains a model for a while; what falls behind is pruned. What is set by a flag is fixed. Ctrl-C stops,
    with the best so far written; the same command goes on.
    """
    from charrnn.device import choose_device, keep_freed_memory
    from charrnn.errors import CharrnnError, InterruptedRunError, UsageError
    from charrnn.layers import flag, read_settings
    from charrnn.options import check
    from charrnn.presets import check_preset
    from charrnn_tune.outcome import check_names, check_output
    from charrnn_tune.plan import Plan
    from charrnn_tune.ranges import choose_ranges
    from charrnn_tune.search import Search, shown
    from charrnn_tune.study import kept_budget, open_study

    given = read_flags(settings)
    budget = check(
        SearchSettings, {name: given.pop(name) for name in SearchSettings.model_fields if name in given}, flag
    )
    checked = read_settings(given, None)
    fixed = checked.model_dump(mode="json", include=checked.model_fields_set)
    ranges = choose_ranges(over, fixed)
    check_preset(preset)
    if corpus == "-":
        raise UsageError("standard input can be read once, and each trial reads its corpus: give a file")
    file = study or output.parent / f"{output.stem}.db"
    check_output(output, file)
    check_names(str(Path(corpus).resolve()), str(output), str(file))
    asked = budget.trial_time or budget.trial_steps
    plan = Plan(corpus, preset, fixed, ranges, (None if asked else kept_budget(file)) or budget.trial_budget())
    device = choose_device(checked.device).type
    keep_freed_memory()

    opened = open_study(file, plan)
    base = plan.base(device)
    tell(f"the same in all trials: {shown(base)}")
    try:
        Search(plan, opened, budget, base, tell).run()
    except InterruptedRunError as stopped:
        found = _finish(plan, opened, base, output, json)
        kept = f"the best so far is in {output}" if found else "no trial was finished yet"
        raise InterruptedRunError(f"stopped; {kept}, and the same command goes on", stopped.exit_code) from None
    except Exception:
        _finish(plan, opened, base, output, json)
        raise
    if not _finish(plan, opened, base, output, json):
        raise CharrnnError(
            "no trial was trained to its end, so that nothing was found; search over other settings, or for longer"
        )


def _finish(plan: Plan, study: optuna.Study, base: dict[str, Any], output: Path, json: bool) -> bool:
    """Write and print what is best, if anything is."""
    from charrnn_tune.outcome import train_command, write_outcome
    from charrnn_tune.search import FOUND, outcome, shown
    from charrnn_tune.study import best_trial, finished_trials

    best, trials = best_trial(study), finished_trials(study)
    if best is None or best.value is None:
        return False
    found = best.user_attrs[FOUND]
    write_outcome(output, plan.corpus, best.value, len(trials), {**base, **found})
    typing = train_command(plan.corpus, output)
    if json:
        listed = [
            {"bits_per_char": each.value, "settings": each.user_attrs[FOUND], "outcome": outcome(each)}
            for each in trials
        ]
        record = {"bits_per_char": best.value, "settings": found, "trials": listed, "command": typing}
        say_json(record)
        return True
    say(f"best of {len(trials)}: {best.value:.4f} bits per character, with {shown(found)}")
    say(f"train with it: {typing}")
    return True
