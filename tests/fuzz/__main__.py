"""Make cases, call them, and say what came of it: ``make fuzz``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.campaign import Campaign, Chunk, Judged, chunks
from tests.fuzz.homes import make_homes
from tests.fuzz.seal import can_seal
from tests.fuzz.tally import table
from tests.fuzz.targets import TARGETS

#: Where cases are called.
_SURROUNDINGS = {
    "CHARRNN_LOAD_PLUGINS": "",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "200",
    "CXX": "no-compiler",  # there is none by this name: it would take minutes
    "OMP_STACKSIZE": "256K",  # which counts as memory for each thread that is asked for
}
#: Files there are in memory: saves wait for the disk.
_IN_MEMORY = Path("/dev/shm")


def main() -> int:
    """Run the program; the exit code is 1 where there is a fault."""
    asked = _arguments()
    if os.geteuid() == 0 and not can_seal():
        raise SystemExit("this kernel has no Landlock, which keeps cases from harm: be another user than root")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="charrnn-fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as made:
        place = Path(made)
        os.environ |= {**_SURROUNDINGS, **dict.fromkeys(("HOME", "TMPDIR", "HYPOTHESIS_STORAGE_DIRECTORY"), made)}
        campaign = Campaign(asked.seed, make_homes(place / "homes"), place, keep=asked.case is not None)
        if asked.case is not None:
            (judged,) = campaign.run([Chunk(asked.only, range(asked.case, asked.case + 1))], 1)
            print(_whole(judged))
            return bool(judged.faults)
        for judged in campaign.run(list(chunks(asked.cases, asked.only)), asked.jobs):
            print(_told(judged, asked.seed), flush=True)
    print(table(campaign.tallies))
    print(f"seed {asked.seed}, {time.perf_counter() - start:.0f} s, {asked.jobs} at a time")
    return any(each.faulty for each in campaign.tallies.values())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="that all of them follow from")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--only", choices=TARGETS, help="spoil only this")
    parser.add_argument("--case", type=int, metavar="K", help="call case K of --only again, and show all of it")
    asked = parser.parse_args()
    if asked.case is not None and asked.only is None:
        parser.error("--case is the number of a case of one target; add --only")
    return asked


def _told(judged: Judged, seed: int) -> str:
    called = " ".join(ascii(each)[:200] for each in judged.case.arguments)
    again = f"python -m tests.fuzz --seed {seed} --only {judged.target} --case {judged.number}"
    return f"{'; '.join(judged.faults)}\n  charrnn {called}\n  {again}"


def _whole(judged: Judged) -> str:
    """Show a case, and all that is known of how it ended."""
    case, ending = judged.case, judged.ending
    files = "".join(f"\n{name}:\n{_excerpt(content)}" for name, content in case.files.items())
    return (
        f"charrnn {' '.join(map(ascii, case.arguments))}\nin home {case.home}{files}\nstandard input:\n{case.stdin!r}\n"
        f"exit code {ending.code}, {ending.seconds:.2f} s, {ending.memory / 1e6:.0f} MB\n"
        f"standard output:\n{_excerpt(ending.out)}\nstandard error:\n{_excerpt(ending.err)}\n"
        f"wrong: {'; '.join(judged.faults) or 'nothing'}"
    )


def _excerpt(content: bytes) -> str:
    """Show bytes as text that steers no terminal."""
    shown = content.decode("utf-8", "backslashreplace").encode("unicode_escape").decode().replace("\\n", "\n")
    return shown if len(shown) < 6000 else f"{shown[:3000]}\n... {len(shown) - 6000} characters ...\n{shown[-3000:]}"


if __name__ == "__main__":
    sys.exit(main())
