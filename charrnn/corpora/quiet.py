"""The ``datasets`` library, silent: what it has to say reaches a person through our errors and our progress bar."""

from __future__ import annotations

import logging
from typing import Any


def import_datasets() -> Any:
    """Import ``datasets``, which takes a second."""
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    return datasets
