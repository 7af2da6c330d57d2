"""The text that a run held back from training."""

from __future__ import annotations

from charrnn.options import check
from charrnn.reporting import make_reporter
from charrnn.runs.corpus import text_to_score
from charrnn.runs.run import Run
from charrnn.settings import CorpusSettings
from charrnn.tokenizers.base import Ids
from charrnn.training.events import Preparing


def held_back(run: Run) -> Ids:
    """Return the tokens of a run's validation text.

    Raises:
        CorpusError: the text is gone or has changed.
    """
    reading = check(CorpusSettings, {})
    with make_reporter(json=False) as reporter:
        return text_to_score(run, None, None, reading, lambda *at: reporter.listen(Preparing(*at))).tokens
