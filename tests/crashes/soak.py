"""Kills training at random moments: ``python -m tests.crashes.soak --kills 200 --seed 1``.

Each run is trained once undisturbed; then it is killed, looked at and gone on with, again and again, until it has come
to its end or died often enough. The exit code is 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes.checks import Fault, Reference, check_after_death, check_end
from tests.crashes.child import Death, Ending, run_child, warm_up
from tests.crashes.scenario import SOURCE, Scenario, source_options, write_corpus

#: Deaths that a run has to survive, at most.
_DEATHS = 12
#: Kinds of death that come from outside, whatever the process does then.
_BY_LINES, _BY_CLOCK = "outside: by the lines it wrote", "outside: by the clock"
_NONE = Death()
_MEMORY = "/dev/shm"


@dataclass
class Tally:
    """What was seen so far."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumes: int = 0
    steps: int = 0
    again: int = 0
    faults: list[str] = field(default_factory=list)


class Soak:
    """Trains, kills and compares runs in a folder of their own.

    Args:
        folder: for everything.
        seed: what all is drawn from.
        kills: in all.
    """

    def __init__(self, folder: Path, seed: int, kills: int) -> None:
        self._folder = folder
        self._seed = seed
        self._kills = kills
        self._corpus = folder / "words.txt"
        self.tally = Tally()

    def prepare(self) -> None:
        """Write the text, and train what some runs start from."""
        os.environ |= {"CHARRNN_CACHE": str(self._folder / "cache"), "CHARRNN_LOAD_PLUGINS": "", "HF_HUB_OFFLINE": "1"}
        write_corpus(self._corpus, random.Random(self._seed))
        for kind in ("whole", "parts"):
            self._run(kind, ["--name", SOURCE, *source_options()])

    def go(self, only: int | None) -> None:
        """Take one scenario after another until there were enough deaths."""
        number = 0 if only is None else only
        while self.tally.kills.total() < self._kills:
            self._one(number)
            if only is not None:
                break
            number += 1

    def _one(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        scenario = Scenario.draw(number, chance)
        command = ["--name", "run", *scenario.options]
        try:
            whole = self._run("whole", command, report=self._folder / "report.json")
            reference = Reference.of(self._folder / "whole/run", self._folder / "report.json", whole.seconds)
            self._kill_and_go_on(command, reference, chance)
            check_end(self._folder / "parts/run", reference)
            self.tally.runs += 1
        except (Fault, TimeoutError) as fault:
            kept = self._folder / f"fault-{number}"
            shutil.copytree(self._folder / "parts", kept)
            self.tally.faults.append(
                f"scenario {number}: {fault}\n  charrnn train {' '.join(command)}\n  it lies in {kept}; again: "
                f"python -m tests.crashes.soak --seed {self._seed} --only {number}"
            )
        for kind in ("whole", "parts"):
            shutil.rmtree(self._folder / kind / "run", ignore_errors=True)

    def _kill_and_go_on(self, command: list[str], reference: Reference, chance: random.Random) -> None:
        safe: int | None = None
        for _ in range(min(_DEATHS, self._kills - self.tally.kills.total())):
            death = _draw(reference, chance)
            ending = self._run("parts", command if safe is None else ["--name", "run", "--resume"], death)
            self.tally.resumes += safe is not None
            if not ending.killed:
                return  # it came to its end before that moment
            self.tally.kills[death.kind] += 1
            try:
                safe = check_after_death(self._folder / "parts/run", reference, max(safe or 0, ending.saved))
            except Fault as fault:
                raise Fault(f"{fault} (killed at {death})") from fault
            if safe is None:
                shutil.rmtree(self._folder / "parts/run", ignore_errors=True)
            self.tally.again += max(0, ending.step - (safe or 0))
        self._run("parts", command if safe is None else ["--name", "run", "--resume"])
        self.tally.resumes += safe is not None

    def _run(self, kind: str, command: list[str], death: Death = _NONE, report: Path | None = None) -> Ending:
        corpus = [] if "--resume" in command else [str(self._corpus)]
        arguments = ["train", *corpus, *command, "--checkpoints", str(self._folder / kind), "--json"]
        ending = run_child(arguments, self._folder, death, report)
        if ending.code and not ending.killed:
            raise Fault(f"charrnn {' '.join(arguments)} ended with {ending.code}: {ending.told.strip()[-2000:]}")
        self.tally.steps = self.tally.steps + ending.step
        return ending


def _draw(reference: Reference, chance: random.Random) -> Death:
    """Draw a way to die, within the time that a third of the run takes; a group of kinds is as likely as any other."""
    kinds = sorted([*reference.counts, _BY_LINES, _BY_CLOCK])
    group = chance.choice(sorted({kind.partition(":")[0] for kind in kinds}))
    kind = chance.choice([each for each in kinds if each.startswith(f"{group}:")])
    if kind == _BY_LINES:
        return Death(kind, lines=chance.randint(1, max(2, len(reference.figures) // 3)))
    if kind == _BY_CLOCK:
        return Death(kind, seconds=chance.uniform(0, reference.seconds / 3))
    return Death(kind, nth=chance.randint(1, -(-reference.counts[kind] // 3)))


def _table(tally: Tally, seconds: float) -> str:
    width = max(map(len, tally.kills), default=0)
    lines = [f"{kind:{width}}  {count:4}" for kind, count in sorted(tally.kills.items())]
    lines += ["", f"{tally.kills.total()} kills in {tally.runs} runs, {tally.resumes} resumes; "]
    lines[-1] += f"{tally.steps} steps, {tally.again} of them again; {seconds:.0f} seconds; {len(tally.faults)} faults"
    return "\n".join([*lines, *tally.faults])


def main() -> int:
    """Read the command line, and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this scenario alone")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    warm_up()
    begun = time.monotonic()
    # What is killed is the process, and not the machine: memory serves for a disk.
    folder = Path(tempfile.mkdtemp(prefix="charrnn-soak-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    soak = Soak(folder, asked.seed, asked.kills)
    soak.prepare()
    soak.go(asked.only)
    print(_table(soak.tally, time.monotonic() - begun))
    if not soak.tally.faults:
        shutil.rmtree(folder)
    return 1 if soak.tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
