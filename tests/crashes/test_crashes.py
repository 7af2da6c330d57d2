"""A run that is killed again and again ends as one that nothing happened to; ``make soak`` kills two hundred times."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import charrnn
from charrnn.runs.run import Run
from tests.crashes.checks import Fault, Reference, check_after_death, check_end
from tests.crashes.child import last_saved
from tests.crashes.moments import hash_of
from tests.same_bits import figures, saved
from tests.test_structure import ROOT


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits():
    soak = [sys.executable, "-m", "tests.crashes.soak", "--kills", "20", "--seed", "8"]
    finished = subprocess.run(soak, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "20 kills in " in finished.stdout
    assert finished.stdout.endswith(" 0 faults\n")


class TestWhatIsLookedAt:
    """A proof that cannot fail is none: each promise, broken, is a fault."""

    @pytest.fixture
    def run(self, text_file):
        charrnn.train(text_file, name="mine", steps=12, layers=1, hidden=8, embed=4, seq_len=16, batch_size=8, keep=2)
        return Run(Path("checkpoints/mine"))

    @pytest.fixture
    def reference(self, run):
        weights = hash_of({name: each.numpy() for name, each in run.load().weights.items()})
        return Reference(figures(run.path), saved(run.path), {12: weights}, {}, 1.0)

    def test_nothing_is_found_where_nothing_is_wrong(self, run, reference):
        assert check_after_death(run.path, reference, 12) == 12
        check_end(run.path, reference)

    def test_damage(self, run, reference):
        path = run.saves.latest().path / "training.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(Fault, match="damaged"):
            check_after_death(run.path, reference, 0)

    def test_a_save_that_was_lost(self, run, reference):
        with pytest.raises(Fault, match="step 13 was safe, and now it is 12"):
            check_after_death(run.path, reference, 13)
        run.path.rename("elsewhere")
        with pytest.raises(Fault, match="the run is gone"):
            check_after_death(run.path, reference, 12)

    def test_what_was_said_to_be_saved(self):
        lines = [{"event": "saved", "step": 10}, {"event": "logged", "step": 20}, {"event": "saved", "step": 30}]
        written = "".join(json.dumps(each) + "\n" for each in lines).encode()
        assert last_saved(written) == 30
        assert last_saved(written[:-1]) == 10
        assert last_saved(b"") == 0

    def test_other_weights(self, run, reference):
        with pytest.raises(Fault, match="not those of an undisturbed run"):
            check_after_death(run.path, replace(reference, weights={12: "another hash"}), 0)

    def test_other_figures(self, run, reference):
        line = {**reference.figures[-1], "nats_per_token": 1.0}
        with pytest.raises(Fault, match="of its metrics is"):
            check_end(run.path, replace(reference, figures=[*reference.figures[:-1], line]))

    def test_a_line_twice(self, run, reference):
        path = run.path / "metrics.jsonl"
        path.write_text(path.read_text() + json.dumps(reference.figures[-1]) + "\n")
        with pytest.raises(Fault, match="lines of metrics"):
            check_end(run.path, reference)

    def test_another_tensor_and_another_number(self, run, reference):
        for name in ("training.safetensors/random.cpu", "stale"):
            with pytest.raises(Fault, match=f"1 of what it saved are not the same: {name}"):
                check_end(run.path, replace(reference, saved={**reference.saved, name: b"another"}))
