"""Where everything is in a run's directory.

::

    NAME/config.json        settings, corpus, plugins; sealed
    NAME/tokenizer/         the tokenizer's files, whose hashes the config holds
    NAME/metrics.jsonl      one JSON object a logged step or evaluation
    NAME/saves/00001200/    one whole save: weights, best weights, training state, and a sealed manifest of these
    NAME/latest             names the save that counts, and its seal, or none; replaced last
    NAME/model.safetensors  the best weights once more, for other programs
    NAME/README.md          a model card
    NAME/tensorboard/       what TensorBoard reads, where it was asked for
    NAME/profile/trace.json a trace of some steps, where it was asked for
    NAME/.lock, .owner      held by the process that trains it
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from charrnn.errors import RunError

CONFIG = "config.json"
LATEST = "latest"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
CARD = "README.md"
TENSORBOARD = "tensorboard"
TRACE = "profile/trace.json"
TOKENIZER = "tokenizer"
SAVES = "saves"
LOCK = ".lock"
OWNER = ".owner"

WEIGHTS = "weights.safetensors"
BEST = "best.safetensors"
TRAINING = "training.safetensors"
STATE = "state.json"
MANIFEST = "manifest.json"
#: What a save is made of.
PARTS = (WEIGHTS, BEST, TRAINING, STATE)

#: What who trains opens or enters, rather than replaces.
WRITTEN = (METRICS, SAVES, TOKENIZER, TENSORBOARD, "profile", TRACE)


def refuse_links(path: Path, names: Iterable[str]) -> None:
    """Refuse to train a run with links, by which another's run would reach out of its directory.

    Raises:
        RunError: there is one.
    """
    for name in names:
        if (path / name).is_symlink():
            raise RunError(f"{path / name} is a link, and would be followed; put a file or folder in its place")
