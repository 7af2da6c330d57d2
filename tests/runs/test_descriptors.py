"""No file stays open where an error ends what it was opened for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from charrnn.errors import RunError
from charrnn.runs.metrics import Metrics
from charrnn.strict_file import open_file, open_to_change


def opened():
    return len(list(Path("/proc/self/fd").iterdir()))


def fails(*_):
    raise OSError(5, "Input/output error")


def test_metrics_that_cannot_be_read_are_closed(tmp_path, monkeypatch):
    class Broken:
        update = fails

    (tmp_path / "metrics.jsonl").write_text("{}")
    monkeypatch.setattr("charrnn.runs.metrics.hashlib.sha256", Broken)
    before = opened()
    with pytest.raises(RunError, match="Input/output error") as raised:
        Metrics(tmp_path / "metrics.jsonl", 2)
    assert opened() == before, raised


@pytest.mark.parametrize("open_", [open_file, open_to_change])
def test_what_is_no_regular_file_or_cannot_be_asked_is_closed(open_, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    before = opened()
    with pytest.raises(OSError, match="no regular file") as raised:
        open_(tmp_path / "pipe")
    assert opened() == before, raised
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fails)
        with pytest.raises(OSError, match="Input/output") as raised:
            open_(tmp_path / "file")
    assert opened() == before, raised
