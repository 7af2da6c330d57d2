"""A short form of ``make fuzz``, and that it would see a fault."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import stage
from tests.fuzz.campaign import chunks
from tests.fuzz.case import Case, Ending
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.judge import faults
from tests.fuzz.seal import can_seal
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SHOW = Case("home", ("runs", "show", "a"))
GOOD = Ending(0, b"run a\n", b"", 0.1, 10**8)
TOLD = b"charrnn: no run is called 'b'\n"


@pytest.mark.skipif(os.geteuid() == 0 and not can_seal(), reason="root has to be kept from harm, by Landlock")
def test_whatever_is_spoiled_gets_an_answer_or_a_told_error():
    finished = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--cases", "80", "--seed", "8", "--jobs", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


WRONG = {
    "a traceback": (
        Ending(70, b"", b"Traceback ...\nKeyError: 'a'\n", 0.1, 0),
        SHOW,
        "KeyError: 'a' at nowhere of ours",
    ),
    "a signal": (Ending(-11, b"", b"", 0.1, 0), SHOW, "ended by SIGSEGV"),
    "too slow": (Ending(None, b"", b"", 5.1, 0), SHOW, "took more than 5 s"),
    "too large": (Ending(0, b"", b"", 0.1, 501 * 10**6), SHOW, "took 501 MB"),
    "a code": (Ending(3, b"", b"", 0.1, 0), SHOW, "exit code 3"),
    "silence": (Ending(1, b"", b"", 0.1, 0), SHOW, "exit code 1 with 0 lines that tell why"),
    "two lines": (Ending(2, b"", TOLD * 2, 0.1, 0), SHOW, "exit code 2 with 2 lines that tell why"),
    "an end that nobody asked for": (Ending(130, b"", b"", 0.1, 0), SHOW, "and nobody interrupted it"),
    "an escape sequence": (Ending(0, b"\x1b[2J", b"", 0.1, 0), SHOW, r"standard output holds '\x1b'"),
    "one in a message": (Ending(1, b"", b"charrnn: \x9b2J".replace(b"\x9b", b"\xc2\x9b"), 0.1, 0), SHOW, r"'\x9b'"),
    "a library's warning": (Ending(0, b"", b"x.py:1: RuntimeWarning: overflow\n", 0.1, 0), SHOW, "let out: x.py:1"),
    "no JSON": (Ending(0, b'{"loss": NaN}', b"", 0.1, 0), Case("home", ("eval", "--json")), "no JSON"),
    "no UTF-8": (Ending(0, b"\xff", b"", 0.1, 0), SHOW, "standard output is no UTF-8"),
    "unseen damage": (GOOD, Case("home", ("runs", "verify"), damaged=True), "damage was not noticed"),
}


@pytest.mark.parametrize(("ending", "case", "fault"), WRONG.values(), ids=WRONG.keys())
def test_a_fault_is_named(ending, case, fault):
    assert any(fault in each for each in faults(case, ending))


@pytest.mark.parametrize("ending", [GOOD, Ending(1, b"", TOLD, 0.1, 0), Ending(0, b"", b"no runs\n", 0.1, 0)])
def test_an_answer_and_a_told_error_are_none(ending):
    assert faults(SHOW, ending) == []


def test_damage_that_changes_an_answer_is_a_fault():
    case = Case("home", ("score", "words.txt"), damaged=True)
    assert faults(case, GOOD, undamaged=GOOD) == []
    assert faults(case, Ending(0, b"run b\n", b"", 0.1, 0), undamaged=GOOD) == ["damage changed the answer"]


def crash(arguments):
    raise KeyError("a")


def kill(arguments):
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep(arguments):
    signal.pause()


def swell(arguments):
    # From the system itself: what the tests before have freed may hold as much, and is refused to nobody.
    memory = mmap.mmap(-1, 600 * 10**6, flags=mmap.MAP_PRIVATE)
    for _ in range(600):
        memory.write(bytes(10**6))
    return 0


def answer(arguments):
    print(Path("note").read_text(), sys.stdin.readline(), *arguments)
    return 0


@pytest.fixture
def call(tmp_path, monkeypatch):
    (tmp_path / "homes" / "home").mkdir(parents=True)
    monkeypatch.setattr(stage, "SECONDS", 0.5)

    def called(program, case):
        monkeypatch.setattr(stage, "main", program)
        return stage.Stage(Homes(tmp_path / "homes"), tmp_path / "stage").call(case)

    return called


def test_a_case_finds_its_files_arguments_and_input(call):
    case = Case("home", ("a", "b"), {"note": b"spoiled"}, b"typed")
    ending = call(answer, case)
    assert (ending.code, ending.out, ending.err) == (0, b"spoiled typed a b\n", b"")


@pytest.mark.parametrize(
    ("program", "fault"),
    [(crash, "KeyError: 'a'"), (kill, "ended by SIGSEGV"), (sleep, "took more than"), (swell, "took ")],
)
def test_what_a_process_does_wrong_is_seen_and_harms_nobody_else(program, fault, call):
    case = Case("home", ())
    assert any(fault in each for each in faults(case, call(program, case)))


def test_memory_that_the_command_line_asks_for_is_refused(call, monkeypatch):
    monkeypatch.setattr(stage, "PATIENCE", 60)  # it is refused before that, however busy the machine is
    ending = call(swell, Case("home", (), asks=True))
    assert b"Cannot allocate memory" in ending.err


def test_long_work_that_the_command_line_asks_for_is_interrupted(call, monkeypatch):
    monkeypatch.setattr(stage, "PATIENCE", 0.5)
    ending = call(sleep, Case("home", (), asks=True))
    assert ending.interrupted
    assert b"KeyboardInterrupt" in ending.err


def test_cases_follow_from_the_seed():
    assert [Chance(8, "config", 3).value() for _ in range(2)] == [Chance(8, "config", 3).value() for _ in range(2)]
    drawn = [[chance.value() for _ in range(20)] for chance in (Chance(8, "config", 3), Chance(9, "config", 3))]
    assert drawn[0] != drawn[1]


def test_every_case_that_is_asked_for_is_made_and_none_twice():
    asked = list(chunks(20_000, None))
    assert sum(len(each.numbers) for each in asked) >= 20_000
    assert {each.target for each in asked} == TARGETS.keys()
    assert len({(each.target, number) for each in asked for number in each.numbers}) >= 20_000


@pytest.mark.skipif(not can_seal(), reason="the kernel has no Landlock")
def test_a_case_writes_nowhere_but_on_its_stage(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    script = f"""
from pathlib import Path
from tests.fuzz.seal import seal
seal(Path({str(inside)!r}))
Path({str(inside / "file")!r}).write_text("kept")
Path("/dev/null").write_text("gone")
Path({str(outside)!r}).write_text("never")
"""
    finished = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert finished.stderr.strip().endswith(f"PermissionError: [Errno 13] Permission denied: {str(outside)!r}")
    assert (inside / "file").read_text() == "kept"
    assert not outside.exists()
