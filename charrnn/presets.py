"""Presets: what fills in the settings that nobody gave.

``auto`` takes one of the others by the budget and the device, and says which; what was measured stands in
docs/results.md.
"""

from __future__ import annotations

from typing import Any

from charrnn.errors import CorpusError, UsageError, near_names
from charrnn.layers import spoken
from charrnn.settings import BUDGETS, TrainSettings

AUTO = "auto"
#: How long to train where no budget is given, in seconds.
DEFAULT_TIME = 180.0


def _preset(**values: Any) -> dict[str, Any]:
    # On a processor the LSTM is more than twice as fast as the GRU, and normalising what its layers read takes a
    # quarter of a nat off its loss, so that it learns more from each character too (docs/results.md).
    return {"cell": "lstm", "layer_norm": True, "batch_size": 16, "random_offset": True, "ema": 0.0, **values}


PRESETS: dict[str, dict[str, Any]] = {
    "tiny": _preset(layers=1, hidden=128, embed=32, dropout=0.0, seq_len=32, lr=4e-3),
    "quick": _preset(layers=2, hidden=256, embed=64, dropout=0.2, seq_len=128, lr=6e-3),
    "good": _preset(layers=2, hidden=512, embed=64, dropout=0.35, seq_len=128, lr=4e-3, ema=0.999),
    "best": _preset(layers=2, hidden=512, embed=64, dropout=0.5, seq_len=128, lr=3e-3, ema=0.999),
}

# Characters a second that two processor cores, or a GPU, learn from with a model of middling size: only to tell a
# short budget from a long one, so that the order of magnitude is enough.
_RATES = {"cpu": 40_000, "mps": 200_000, "cuda": 150_000}
# Up to how many characters to learn from, in all, a preset is the right one.
_REACH = {"tiny": 1_000_000, "quick": 20_000_000, "good": 100_000_000}
# Tokens scored at an evaluation, as a share of all that are learned from: ten evaluations, each token at a third of
# the cost of learning from it, then take a twentieth of the time.
_EVAL_SHARE = 0.016
_LEAST_EVAL_TOKENS = 10_000


def check_preset(name: str) -> None:
    """Raise UsageError, with the near names, where no preset is called so."""
    if name != AUTO and name not in PRESETS:
        raise UsageError(f"no preset is called '{name}': {near_names(name, [AUTO, *PRESETS])}")


def epoch_seconds(characters: int, device: str = "cpu") -> float:
    """Estimate how long one pass over a text takes, to the order of magnitude, with preset ``quick``."""
    return characters / _RATES.get(device, _RATES["cpu"])


def complete(
    settings: TrainSettings, preset: str, tokens: int | None, device: str, ranks: int = 1
) -> tuple[TrainSettings, list[str]]:
    """Fill in what no one set.

    Args:
        settings: what was given; a ``None`` is open.
        preset: a preset's name, checked already.
        tokens: in the training part of the corpus; None of a stream.
        device: ``cpu``, ``cuda`` or ``mps``.
        ranks: how many divide the lanes.

    Returns:
        The complete settings, and lines that say what was chosen.

    Raises:
        CorpusError: there are fewer tokens than ranks.
    """
    notes = []
    if all(getattr(settings, budget) is None for budget in BUDGETS):
        settings = settings.model_copy(update={"time": DEFAULT_TIME})
        notes.append("training for 3 minutes, since no --time, --epochs or --steps was given")
    to_learn = _characters(settings, tokens, device)
    name = _fitting(to_learn) if preset == AUTO else preset
    values = PRESETS[name]
    chosen = {key: value for key, value in values.items() if getattr(settings, key) is None}
    if settings.tied:
        width = settings.hidden or settings.embed or values["hidden"]
        chosen |= {key: width for key in ("hidden", "embed") if key in chosen}
    settings = settings.model_copy(update=chosen)
    if preset == AUTO and chosen:
        notes.append(f"preset {name}: {spoken(chosen)}")
    if settings.eval_tokens is None:
        share = max(_LEAST_EVAL_TOKENS, int(_EVAL_SHARE * to_learn))
        settings = settings.model_copy(update={"eval_tokens": share})
    return settings if tokens is None else _shrink(settings, tokens, ranks, notes), notes


def _characters(settings: TrainSettings, tokens: int | None, device: str) -> float:
    """Estimate how many characters the budget lets a model learn from."""
    if settings.time is not None:
        return settings.time * _RATES.get(device, _RATES["cpu"])
    if settings.epochs is not None and tokens is not None:
        return settings.epochs * tokens
    quick = PRESETS["quick"]
    chunk = (settings.seq_len or quick["seq_len"]) * (settings.batch_size or quick["batch_size"])
    return float((settings.steps or 1) * chunk)


def _fitting(characters: float) -> str:
    return next((name for name, reach in _REACH.items() if characters <= reach), "best")


def _shrink(settings: TrainSettings, tokens: int, ranks: int, notes: list[str]) -> TrainSettings:
    """Make chunk and batch fit a small corpus: each lane at least a chunk long, as far as there are tokens.

    Lanes that are cut are as many for each rank; those that a person gave and that fit are left for them to mend.
    """
    if tokens < ranks:
        held = f"{tokens} token{'s' if tokens != 1 else ''}"
        raise CorpusError(
            f"the corpus holds only {held} to learn from, and {ranks} ranks need one each; take fewer ranks"
        )
    seq_len = min(settings.seq_len or 1, tokens // ranks)
    batch_size, room = settings.batch_size or 1, tokens // seq_len
    if room < batch_size:
        batch_size = room - room % ranks
    if (seq_len, batch_size) != (settings.seq_len, settings.batch_size):
        notes.append(
            f"the corpus holds only {tokens} tokens to learn from: sequence length is now {seq_len}, batch {batch_size}"
        )
    return settings.model_copy(update={"seq_len": seq_len, "batch_size": batch_size})
