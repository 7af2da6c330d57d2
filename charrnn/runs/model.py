"""The model of a run."""

from __future__ import annotations

from charrnn.errors import RunError, UsageError
from charrnn.model import LanguageModel, model_shapes
from charrnn.runs.run import Run
from charrnn.runs.tensor_file import Shapes


def load_model(run: Run, *, learns: bool = False) -> LanguageModel:
    """Build a run's model with its best weights.

    Args:
        run: it was trained in.
        learns: whether its weights go on asking for gradients, those that ever did.

    Raises:
        RunError: the weights do not fit the config.
    """
    check_shapes(run, run.best_shapes())
    weights = run.best_weights()
    model = LanguageModel(run.config.settings, run.config.tokenizer.vocab_size)
    model.load_state_dict(weights)
    return model if learns else model.requires_grad_(False)


def check_shapes(run: Run, found: Shapes) -> None:
    """Compare the shapes of saved weights with what the config implies, before anything is allocated.

    Raises:
        RunError: they differ.
    """
    try:
        wanted = model_shapes(run.config.settings, run.config.tokenizer.vocab_size)
    except UsageError as error:
        raise RunError(f"run '{run.name}' cannot be built: {error}") from None
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise RunError(
                f"run '{run.name}' is damaged: the weights have {name} as {found.get(name)}, "
                f"the config asks for {wanted.get(name)}"
            )
