"""How large weights can be, as told before they are read and without torch."""

from __future__ import annotations

from itertools import pairwise

from charrnn.errors import RunError, UsageError
from charrnn.memory import refuse_too_large
from charrnn.runs.run import Run
from charrnn.runs.tensor_file import Shapes, count

#: Matrices of a layer, each from inputs and state to features: far more than any cell has.
_MATRICES = 64
_BYTES = 8


def check_size(run: Run, shapes: Shapes) -> None:
    """Refuse weights that are larger than any cell of the config's sizes could have, or than the memory.

    Raises:
        RunError: they are.
    """
    _, layers, hidden, embed = run.config.settings.shape()
    most = run.config.tokenizer.vocab_size * (embed + hidden + 1)
    for inputs, outputs in pairwise([embed, *[hidden] * layers]):
        most += _MATRICES * (outputs + _MATRICES) * (inputs + outputs + _MATRICES)
    if count(shapes) > most:
        raise RunError(f"run '{run.name}' is damaged: its weights are far larger than its config asks for")
    try:
        refuse_too_large(count(shapes) * _BYTES, f"the model of run '{run.name}'")
    except UsageError as error:
        raise RunError(str(error).partition(";")[0]) from None
