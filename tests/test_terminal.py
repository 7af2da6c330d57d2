"""What strangers wrote is shown on a terminal, and steers none: texts, names, settings, messages."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import subprocess
import sys
from threading import Thread
from xml.etree import ElementTree

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import charrnn
from charrnn.cli import main
from charrnn.cli.completion import complete_any, complete_runs
from charrnn.controls import printable
from charrnn.reporting.console import SafeConsole
from charrnn.runs.card import model_card
from tests.conftest import TINY
from tests.forging import forge_config, put
from tests.terminal import Shown, controls, on_a_terminal, read_screen

#: A title, a blinking colour, a cleared screen by one control character, turned directions, keys, the line's start.
STRANGE = "\x1b]0;owned\x07\x1b[05;35mred\x9b2J\u202eturned\u2066\x7f\x08\r"
SHOWN = "␛]0;owned␇␛[05;35mred\ufffd2J\ufffdturned\ufffd␡␈␍"
TEXT = f"{STRANGE}.txt"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A folder of a stranger's: a text, runs that learned it, a recipe and plugins, and all that they are called."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / TEXT).write_text(f"{STRANGE}\n" * 200, encoding="utf-8", newline="")
    os.environ["CHARRNN_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    shape = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
    made = charrnn.train(folder / TEXT, name="other", checkpoints=folder / "runs", steps=40, lr=0.01, **shape).run
    strange = shutil.copytree(made.path, folder / "runs" / STRANGE)
    forge_config(strange, put("corpus", "name", value=STRANGE))
    forge_config(strange, put("corpus", "provenance", "licence", value=STRANGE))
    (folder / "corpora").mkdir()
    fields = ("summary", "licence", "language", "citation")
    facts = "".join(f"{field} = {json.dumps(STRANGE)}\n" for field in fields)
    (folder / "corpora" / "odd.toml").write_text(f'{facts}source = "standard-library"\nsize = "1 MB"\n')
    (folder / "corpora" / f"{STRANGE}.toml").write_text(facts)
    (folder / "failing.py").write_text(f"raise RuntimeError({STRANGE!r})\n")
    (folder / "odd.py").write_text(
        "from charrnn import hookimpl\n\n\n@hookimpl\ndef register_cells(register):\n"
        f"    register('odd', 'charrnn.cells.lstm:LSTM', summary={STRANGE!r})\n"
    )
    return folder


class Keyboard(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(stranger, monkeypatch):
    """Call the command line on a terminal, where the stranger's things are; ``piped`` is its standard output's."""
    monkeypatch.chdir(stranger)
    monkeypatch.setenv("CHARRNN_CHECKPOINTS", "runs")
    monkeypatch.setenv("TERM", "xterm")

    def call(*arguments, typed="", piped=False):
        primary, secondary = pty.openpty()
        sent = []
        reader = Thread(target=lambda: sent.append(read_screen(primary)))
        reader.start()
        with monkeypatch.context() as patch, os.fdopen(secondary, "w", encoding="utf-8") as terminal:
            patch.setattr(sys, "stdout", out := io.StringIO() if piped else terminal)
            patch.setattr(sys, "stderr", terminal)
            patch.setattr(sys, "stdin", Keyboard(typed))
            code = main([str(each) for each in arguments])
        reader.join()
        return Shown(code, sent[0], out.getvalue() if piped else "")

    return call


COMMANDS = {
    "a live view": ("train", "--resume", "--name", STRANGE, "--steps", 41),
    "a run that is made": ("train", TEXT, "--checkpoints", STRANGE, *TINY, "--steps", 2, "--tokenizer", "byte"),
    "a text": ("sample", STRANGE, "--length", 200, "--temp", 1, "--seed", 1),
    "a prompt": ("sample", STRANGE, "--prompt", STRANGE, "--length", 1),
    "a prompt from a file": ("sample", STRANGE, "--prompt-file", TEXT, "--length", 1),
    "prompts": ("sample", STRANGE, "--prompts", TEXT, "--length", 1, "--novelty"),
    "beams": ("sample", STRANGE, "--beam", 2, "--num", 2, "--length", 20, "--prompt", STRANGE),
    "a score": ("score", TEXT, "--run", STRANGE),
    "a heatmap": ("score", TEXT, "--heatmap"),
    "a page": ("score", TEXT, "--html", f"{STRANGE}.html"),
    "an evaluation": ("eval", STRANGE),
    "runs": ("runs", "list"),
    "a run": ("runs", "show", STRANGE),
    "a plot": ("runs", "plot", STRANGE, "other"),
    "a picture": ("runs", "plot", STRANGE, "--svg", f"{STRANGE}.svg"),
    "a comparison": ("runs", "compare"),
    "a question": ("runs", "rm", STRANGE),
    "a run that is whole": ("runs", "verify", STRANGE),
    "corpora": ("corpora", "list"),
    "a recipe": ("corpora", "show", "odd", "--sample-bytes", "1k"),
    "a recipe that is wrong": ("corpora", "check", f"corpora/{STRANGE}.toml"),
    "a corpus": ("corpora", "show", TEXT),
    "plugins": ("--plugin", "odd.py", "plugins", "show", "odd"),
    "a plugin that fails": ("--plugin", "failing.py", "plugins", "list"),
    "a run that is not there": ("sample", f"no {STRANGE}"),
    "a file that is not there": ("train", f"no {STRANGE}"),
    "a flag that is not there": ("sample", f"--{STRANGE}"),
}


#: Of those that do not end with 0.
CODES = {
    "a question": 130,
    "a recipe that is wrong": 1,
    "a run that is not there": 1,
    "a file that is not there": 1,
    "a flag that is not there": 2,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_strangers_wrote_is_shown(name, screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    shown = screen(*COMMANDS[name], typed="no\n")
    assert shown.code == CODES.get(name, 0)
    assert shown.controls == []
    assert "\x1b[05;35m" not in shown.screen
    assert any(sign in shown.screen for sign in ("␛", "U+001B", "\\x1b"))


@pytest.mark.parametrize("way", ["--interactive", "--loop"])
def test_writing_together_shows_it_as_well(way, screen):
    flags = ("sample", STRANGE, way, "--prompt", STRANGE, "--length", 40, "--temp", 1, "--seed", 1)
    lines = f"{STRANGE[:-1]}\n\n/text\n/{STRANGE[:-1]}\n/quit\n"
    shown = screen(*flags, typed=lines)
    assert shown.controls == []
    assert shown.screen.count("␛]0;owned␇") >= 3
    raw = screen(*flags, "--raw", typed=lines)
    assert raw.screen.count("\x1b]0;owned\x07") >= 3
    piped = screen(*flags, typed=lines, piped=True)
    assert piped.controls == []
    assert "\x1b" in piped.piped
    assert "> " not in piped.piped


def test_raw_sends_a_terminal_the_text_as_it_is(stranger):
    asked = ("sample", STRANGE, "--checkpoints", stranger / "runs", "--prompt", STRANGE, "--seed", 1, "--temp", 1)
    piped = on_a_terminal(*asked, only="stderr").piped
    assert piped.startswith(STRANGE)
    sent = on_a_terminal(*asked, "--raw").screen
    assert sent.replace("\r\n", "\n") == piped
    shown = on_a_terminal(*asked).screen
    assert shown.replace("\r\n", "\n") == printable(piped)
    assert shown.startswith(SHOWN)


def test_raw_and_json_contradict_each_other(cli, trained):
    told = cli("sample", "--checkpoints", trained, "--raw", "--json")
    assert told.code == 2
    assert "--raw sends a terminal the text as it is, and --json is escaped" in told.told


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", STRANGE, "--length", 100, "--prompt", f"{STRANGE}字\ud800", "--json"),
        ("score", TEXT, "--per-char"),
        ("runs", "show", STRANGE, "--json"),
        ("corpora", "show", TEXT, "--json"),
        ("train", TEXT, "--checkpoints", STRANGE, *TINY, "--steps", 2, "--json"),
    ],
)
def test_json_is_ascii(arguments, screen):
    shown = screen(*arguments, piped=True)
    assert shown.piped.isascii()
    assert controls(shown.piped) == []
    assert "\\u001b" in shown.piped
    assert all(isinstance(json.loads(line), dict) for line in shown.piped.splitlines())


def test_pages_pictures_and_cards_hold_no_control_characters(screen, stranger):
    screen("score", TEXT, "--html", "page.html")
    screen("runs", "plot", STRANGE, "--svg", "plot.svg")
    run = charrnn.load(STRANGE, checkpoints=stranger / "runs").run
    card = model_card(run.name, run.config, run.state())
    page, plot = ((stranger / name).read_text(encoding="utf-8") for name in ("page.html", "plot.svg"))
    assert [*controls(page), *controls(plot), *controls(card)] == []
    assert f"<title>{SHOWN}.txt, by " in page
    assert SHOWN in card
    ElementTree.fromstring(plot)


def test_bytes_of_a_file_s_name_that_are_no_utf8_are_shown(program, tmp_path):
    (tmp_path / "a\udcff\udc9b2J.txt").write_text("some text\n" * 100)
    shown = program("corpora", "show", b"a\xff\x9b2J.txt", "--json")
    assert shown.code == 0
    told = program("sample", b"a\xff\x9b2J").told
    assert "'a\\udcff\\udc9b2J'" in told


def test_rich_styles_and_steers_but_what_it_is_given_does_not():
    console = SafeConsole(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    table = Table(title=STRANGE, caption=Text(STRANGE))
    table.add_column(STRANGE, style="bold")
    table.add_row("[link=https://example.org]a[/link] :smile: [red]b[/red]")
    table.add_row(Text(STRANGE, style="red"))
    with console.status(STRANGE):
        console.print(table, Panel(STRANGE, title=STRANGE), STRANGE, Text(STRANGE))
    sent = console.file.getvalue()
    assert Shown(0, sent).controls == []
    assert "\x1b[05;35m" not in sent
    assert "[link=https://example.org]a[/link] :smile: [red]b[/red]" in sent
    assert "\x1b[1;31m" in sent
    assert "\x1b[?25l" in sent


def test_a_picture_of_a_control_character_has_its_place_in_a_table():
    console = SafeConsole(file=io.StringIO(), width=100)
    table = Table()
    table.add_row("\x1b\x07\x9b", "b")
    table.add_row("1234", "b")
    console.print(table)
    assert len({len(line) for line in console.file.getvalue().splitlines()}) == 1


def test_a_fault_of_ours_steers_nothing_either(tmp_path):
    source = (
        "import charrnn.cli, charrnn.__main__ as program\n"
        f"def fail(): raise RuntimeError({STRANGE!r})\ncharrnn.cli.main = fail\nprogram.run()\n"
    )
    failed = subprocess.run([sys.executable, "-c", source], capture_output=True)
    assert failed.returncode == 1
    told = failed.stderr.decode()
    assert told.startswith("Traceback")
    assert f"RuntimeError: {SHOWN}" in told
    assert controls(told) == []


def test_shells_are_offered_names_and_nothing_that_they_would_run(screen, stranger, tmp_path, monkeypatch, program):
    bad = [
        STRANGE,
        "$(touch owned)",
        "`touch owned`",
        "\\$(touch owned)",
        "a;b",
        "a\nb",
        "--plugin=owned.py",
        "a'b",
        '"',
    ]
    for name in ("other", "my run-2.1", *bad):
        shutil.copytree(stranger / "runs" / "other", tmp_path / "some" / name)
    monkeypatch.setenv("CHARRNN_CHECKPOINTS", str(tmp_path / "some"))
    assert {name for name, _ in complete_runs("")} == {"other", "my run-2.1"}
    assert complete_runs("o") == [("other", "a run")]
    monkeypatch.chdir(stranger)
    (offered,) = (summary for name, summary in complete_any("odd"))
    assert offered.startswith("corpus: ")
    assert controls(offered) == []
    asked = {"_CHARRNN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "charrnn sample "}
    shown = program(env=asked).out
    assert '"other":"a run"' in shown
    assert "owned" not in shown


class TestAQuestion:
    @pytest.fixture
    def run(self, trained, tmp_path):
        return shutil.copytree(trained / "words", tmp_path / "words")

    def test_that_nobody_answers_is_told(self, run, program):
        result = program("runs", "rm", run)
        assert result.code == 2
        question, told = result.err.splitlines()
        assert question == f"Remove {run} and all that is in it? [y/N]: "
        assert told == "charrnn: there is no answer on standard input; --yes removes it without asking"
        assert run.exists()

    @pytest.mark.parametrize("answer", [b"\n", b"no\n", b"\xff\n", b"yesno\n"])
    def test_without_a_yes_nothing_is_done(self, answer, run, program):
        result = program("runs", "rm", run, stdin=answer, env={"PYTHONIOENCODING": "utf-8:strict"})
        assert result.code == 130
        assert "Traceback" not in result.err
        assert run.exists()

    @pytest.mark.parametrize("answer", [b"y\n", b"YES"])
    def test_a_yes_is_one(self, answer, run, program):
        assert program("runs", "rm", run, stdin=answer).code == 0
        assert not run.exists()


def test_the_help_says_how_to_send(cli):
    assert "--raw" in cli("sample", "--help").out
