"""The tokenizer of a run."""

from __future__ import annotations

from charrnn.corpora.fitting import FittedTokenizer, load_tokenizer
from charrnn.errors import RunError
from charrnn.runs.run import Run


def run_tokenizer(run: Run) -> FittedTokenizer:
    """Load what a run reads and writes text with.

    Raises:
        RunError: its files are damaged, or are not those that the config speaks of.
    """
    recorded = run.config.tokenizer
    fitted = load_tokenizer(recorded.name, run.tokenizer)
    found = fitted.tokenizer.vocab_size
    if found != recorded.vocab_size or recorded.context >= found:
        raise RunError(
            f"run '{run.name}' is damaged: its tokenizer has {found} tokens, its config says {recorded.vocab_size}, "
            f"with {recorded.context} as the context"
        )
    return fitted
