"""Plugins: what is built in comes the same way as anyone's, and a broken one harms nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn import builtin
from charrnn.errors import PluginError, UsageError
from charrnn.plugins import Plugins, PluginWarning
from charrnn.plugins.manager import BUILTIN
from charrnn.registry import Owner, Registry
from tests.conftest import TINY
from tests.forging import forge_config, put

CELL = """
import torch
from charrnn import Cell, hookimpl

class Average(Cell):
    def __init__(self, input_size, hidden_size, rate: float = 0.5):
        super().__init__(input_size, hidden_size)
        self.rate = rate
        self.input = torch.nn.Linear(input_size, hidden_size)

    def project(self, inputs):
        return self.input(inputs).tanh()

    def step(self, projected, state):
        hidden = self.rate * state[0] + (1 - self.rate) * projected
        return hidden, (hidden,)

@hookimpl
def register_cells(register):
    register("average", Average, summary="leaky average")
"""

FAILING = CELL.replace("hidden = self.rate *", "raise ValueError('no such gate')\n        hidden = self.rate *")


def cell_named(name):
    return CELL.replace('"average"', f'"{name}"')


def names(registry):
    return [entry.name for entry in registry]


def warned(result):
    return [line for line in result.err.splitlines() if "warning" in line]


class TestWaysIn:
    def test_an_installed_cell_trains_and_is_recorded(self, installed, text_file, program):
        installed("my_cells", CELL)
        options = ["--cell", "average", "--cell-option", "rate=0.25"]
        trained = program("train", text_file, *options, *TINY, "--steps", 4, "--name", "mine")
        assert trained.code == 0, trained.err
        record = program("runs", "show", "mine", "--json").json()["plugins"]["cell"]
        assert len(record.pop("sha256")) == 64
        assert record == {"name": "average", "plugin": "my_cells", "distribution": "my_cells", "version": "1.2"}
        assert program("sample", "--length", 5).code == 0

    def test_a_file_by_flag_trains_and_samples(self, tmp_path, text_file, program):
        (tmp_path / "mine.py").write_text(CELL)
        trained = program("train", text_file, "--plugin", "mine.py", "--cell", "average", *TINY, "--steps", 2)
        assert trained.code == 0, trained.err
        assert program("sample", "--length", 5, "--plugin", tmp_path / "mine.py").code == 0
        record = program("runs", "show", "words-average", "--json").json()
        assert record["plugins"]["cell"]["plugin"] == "mine"
        assert str(tmp_path) not in json.dumps(record["plugins"])

    def test_the_flag_stands_before_the_command_as_well(self, tmp_path, cli):
        (tmp_path / "mine.py").write_text(CELL)
        assert cli("--plugin", "mine.py", "plugins", "show", "average").code == 0

    def test_a_module_by_flag(self, installed, cli, tmp_path):
        (tmp_path / "site" / "my_module.py").write_text(CELL)
        shown = cli("plugins", "show", "average", "--plugin", "my_module", "--json")
        assert shown.json()[0]["plugin"] == "my_module"

    def test_a_config_file_names_plugins_from_where_it_is(self, tmp_path, text_file, cli):
        folder = tmp_path / "configs"
        folder.mkdir()
        (folder / "mine.py").write_text(CELL)
        (folder / "mine.toml").write_text('plugin = ["mine.py"]\ncell = "average"\n')
        assert cli("train", text_file, "--config", folder / "mine.toml", *TINY, "--steps", 2).code == 0

    def test_a_folder_by_environment(self, tmp_path, cli, monkeypatch):
        folder = tmp_path / "folder"
        (folder / "package").mkdir(parents=True)
        (folder / "single.py").write_text(CELL)
        (folder / "package" / "__init__.py").write_text(
            cell_named("packaged").replace("class", "from .own import X\nclass")
        )
        (folder / "package" / "own.py").write_text("X = 1\n")
        (folder / "_private.py").write_text("1 / 0")
        (folder / "notes.txt").write_text("not a plugin")
        monkeypatch.delenv("CHARRNN_LOAD_PLUGINS")
        monkeypatch.setenv("CHARRNN_PLUGINS_DIR", str(folder))
        found = {row["plugin"]: row for row in cli("plugins", "list", "--json").json()}
        assert found["single"]["offers"] == {"cell": ["average"]}
        assert found["package"]["offers"] == {"cell": ["packaged"]}
        assert "_private" not in found

    def test_nothing_in_the_working_directory_is_run(self, tmp_path, text_file, program):
        for name in ("plugin", "average", "conftest", "sitecustomize", "torch", "typer", "pluggy"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit('was run')")
        (tmp_path / "plugins").mkdir()
        (tmp_path / "plugins" / "mine.py").write_text("raise SystemExit('was run')")
        for arguments in (["--help"], ["plugins", "list"], ["train", text_file, *TINY, "--steps", 1]):
            result = program(*arguments)
            assert result.code == 0, result.err
            assert "was run" not in result.err

    @pytest.mark.parametrize(("setting", "expected"), [(None, True), ("", False), ("my_cells", True), ("other", False)])
    def test_installed_plugins_are_chosen_by_environment(self, setting, expected, installed, monkeypatch, recwarn):
        installed("my_cells", CELL)
        installed("my_more", cell_named("more"))
        if setting is None:
            monkeypatch.delenv("CHARRNN_LOAD_PLUGINS")
        else:
            monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", setting)
        found = Plugins()
        assert ("average" in found.cells) == expected
        assert ("more" in found.cells) == (setting is None)
        told = [str(each.message) for each in recwarn if each.category is PluginWarning]
        assert ["CHARRNN_LOAD_PLUGINS names 'other': " in each for each in told] == (
            [True] if setting == "other" else []
        )

    def test_a_trace_shows_what_is_loaded_and_asked(self, tmp_path, program):
        (tmp_path / "mine.py").write_text(CELL)
        traced = program("plugins", "show", "average", "--plugin", "mine.py", env={"CHARRNN_TRACE_PLUGINS": "1"})
        assert "charrnn: plugin 'mine': loaded from 'mine.py' in " in traced.err
        assert "charrnn: plugin 'mine': calling register_cells" in traced.err
        assert "charrnn: plugin 'mine': registered the cell 'average'" in traced.err

    @pytest.mark.parametrize(
        ("target", "told"),
        [
            ("missing.py", "--plugin 'missing.py': there is no such file"),
            ("words.txt", "--plugin 'words.txt': there is no such module"),
            ("./words.txt", "should be a .py file, or the folder of a package"),
            ("no.such.module", "there is no such module; install it, or give the path of a .py file"),
            ("beside", "'beside.py' in this folder is named as --plugin beside.py"),
        ],
    )
    def test_what_is_no_plugin_is_told(self, target, told, tmp_path, text_file, program):
        (tmp_path / "beside.py").write_text("1 / 0")
        result = program("plugins", "list", "--plugin", target)
        assert result.code == 2
        assert told in result.told


class TestIsolation:
    """Each is one line that names the plugin and the reason, and the rest goes on."""

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("raise RuntimeError('no good')", "was left out: RuntimeError: no good"),
            ("import sys\nsys.exit(3)", "was left out: SystemExit: 3"),
            ("def f(:\n", "was left out: SyntaxError: "),
            (
                "from charrnn import hookimpl\n@hookimpl\ndef register_cells(reg): pass",
                "was left out: PluginValidation",
            ),
            (
                "from charrnn import hookimpl\n@hookimpl\ndef register_cell(register): pass",
                "implements 'register_cell', which is no hook: did you mean 'register_cells'",
            ),
            ("def register_cells(register): pass", "has register_cells without a mark; write @charrnn.hookimpl"),
            ("x = 1", "implements no hook; write one of"),
            (
                "from charrnn import hookimpl\n@hookimpl(wrapper=True)\ndef register_cells(register): yield",
                "was left out: 'register_cells' is a hook wrapper",
            ),
            (
                "from charrnn import hookimpl\n@hookimpl\ndef register_cells(register): 1 / 0",
                "failed in register_cells: ZeroDivisionError: division by zero",
            ),
            (
                "from charrnn import hookimpl\n@hookimpl\ndef register_cells(register): register('x', 3)",
                "cannot register a cell: the cell 'x' is 3, neither a class nor 'package.module:Name'",
            ),
            (
                "from charrnn import hookimpl\n@hookimpl\ndef register_cells(register): register('a b', 'm:C')",
                "cannot register a cell: 'a b' is no name for a cell",
            ),
        ],
    )
    def test_a_broken_plugin_is_one_line(self, source, told, installed, program):
        installed("my_broken", source)
        installed("my_cells", CELL)
        result = program("plugins", "show", "average")
        assert result.code == 0, result.err
        (line,) = warned(result)
        assert line.startswith("charrnn: warning: plugin 'my_broken' (my_broken 1.2)")
        assert told in line
        assert "Traceback" not in result.err

    @pytest.mark.parametrize(
        "source",
        [
            "raise RuntimeError('no good')",
            "from charrnn import hookimpl\n@hookimpl\ndef register_cells(register): 1 / 0",
        ],
    )
    def test_its_author_sees_the_traceback(self, source, installed, program):
        installed("my_broken", source)
        result = program("plugins", "list", env={"CHARRNN_RAISE_PLUGIN_ERRORS": "1"})
        assert result.code == 1
        assert "Traceback" in result.err
        assert "my_broken.py" in result.err

    @pytest.mark.parametrize(("requires", "fits"), [(">=0.1,<0.2", True), (">=7", False), ("", True)])
    def test_a_plugin_for_another_charrnn_is_left_out(self, requires, fits, installed):
        installed("my_cells", CELL, requires=f"charrnn_cli{requires}")
        if fits:
            assert "average" in Plugins().cells
            return
        with pytest.warns(PluginWarning, match=r"left out: it was built for charrnn_cli >=7, and this is 0"):
            assert "average" not in Plugins().cells

    def test_so_is_a_file_and_it_is_not_run(self, tmp_path, cli):
        block = '# /// script\n# dependencies = [\n#   "charrnn-cli>=7",\n# ]\n# ///\n'
        (tmp_path / "mine.py").write_text(block + "print('was run')")
        result = cli("plugins", "show", "lstm", "--plugin", "mine.py")
        assert result.code == 0
        assert "was run" not in result.out
        assert "'mine.py' was left out: it was built for charrnn-cli >=7" in result.told

    def test_a_taken_name_is_refused_and_both_owners_are_named(self, installed):
        installed("my_cells", cell_named("lstm") + '    register("second", Average)\n')
        with pytest.warns(PluginWarning) as told:
            found = Plugins().cells
        assert [str(each.message) for each in told] == [
            "plugin 'my_cells' (my_cells 1.2) cannot register a cell: the cell 'lstm' is plugin 'builtin' "
            f"({BUILTIN.distribution} {BUILTIN.version})'s already, and stays that"
        ]
        assert found["lstm"].owner == BUILTIN
        assert found["second"].owner.plugin == "my_cells"

    def test_the_first_by_name_keeps_what_two_claim(self, installed, recwarn):
        for name in ("my_b", "my_a", "my_c"):
            installed(name, CELL)
        assert Plugins().cells["average"].owner.plugin == "my_a"
        assert ["my_b" in str(each.message) for each in recwarn if each.category is PluginWarning] == [True, False]

    def test_two_files_of_one_name(self, tmp_path, cli):
        (tmp_path / "other").mkdir()
        for folder in (tmp_path, tmp_path / "other"):
            (folder / "mine.py").write_text(CELL)
        result = cli("plugins", "show", "average", "--plugin", "mine.py", "--plugin", "other/mine.py")
        assert result.code == 2
        assert "--plugin 'other/mine.py': the plugin 'mine' is there already, from 'mine.py'; rename" in result.told
        assert cli("plugins", "show", "average", "--plugin", "mine.py", "--plugin", "./mine.py").err == ""

    def test_a_cell_that_fails_is_its_plugin_s_fault(self, installed, text_file, program):
        installed("my_cells", FAILING)
        arguments = ["train", text_file, "--cell", "average", *TINY, "--steps", 2]
        result = program(*arguments)
        assert result.code == 1
        assert "cell 'average' of plugin 'my_cells' (my_cells 1.2) failed: ValueError: no such gate" in result.err
        assert "Traceback" not in result.err
        assert "no such gate" in program(*arguments, env={"CHARRNN_RAISE_PLUGIN_ERRORS": "1"}).err.split("Traceback")[1]

    def test_a_target_that_is_no_cell_is_told(self, installed, text_file, cli):
        installed("my_cells", cell_named("list").replace("Average, summary", "list, summary"))
        told = cli("train", text_file, "--cell", "list", *TINY).told
        assert "cell 'list' of plugin 'my_cells' (my_cells 1.2) should be a subclass of charrnn.Cell" in told

    def test_a_target_that_leads_nowhere_is_told(self):
        registry = Registry("cell")
        registry.add("x", "charrnn.nowhere:X", Owner("p", "d", "1"))
        with pytest.raises(
            PluginError, match=r"cell 'x' of plugin 'p' \(d 1\) cannot be loaded from 'charrnn\.nowhere:X'"
        ):
            registry["x"].load()
        with pytest.raises(UsageError, match="there are: x"):
            registry["something else"]


class TestProvenance:
    @pytest.fixture
    def run(self, installed, text_file, cli):
        installed("my_cells", CELL)
        assert cli("train", text_file, "--cell", "average", *TINY, "--steps", 2, "--name", "mine").code == 0

    def test_a_missing_plugin_is_named_with_where_it_came_from(self, run, cli, program, monkeypatch, text_file):
        monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "")
        for arguments in (["sample"], ["eval"], ["train", "--resume"], ["train", text_file, "--init-from", "mine"]):
            result = program(*arguments)
            assert result.code == 1
            assert "run 'mine' needs the cell 'average' of the plugin 'my_cells', which is not here" in result.told
            assert "it came in my_cells 1.2, which is to be installed only if you trust it" in result.told
            assert "pip" not in result.told

    def test_a_missing_file_is_named_too(self, tmp_path, text_file, program):
        (tmp_path / "mine.py").write_text(CELL)
        assert program("train", text_file, "--plugin", "mine.py", "--cell", "average", *TINY, "--steps", 1).code == 0
        assert "was a file, which is to be given by --plugin only if you trust it" in program("sample").told
        assert "mine.py" not in program("sample").told

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"version": "1.3"}, "the plugin 'my_cells' of my_cells 1.2; here it is of my_cells 1.3"),
            ({"source": CELL + "# changed\n"}, "the plugin 'my_cells' as it was; its code has changed since"),
            ({}, None),
        ],
    )
    def test_another_version_warns(self, change, told, run, installed, program):
        installed("my_cells", **{"source": CELL, **change})
        result = program("sample", "--length", 3)
        assert result.code == 0
        assert warned(result) == (
            [f"charrnn: warning: run 'mine' was made with {told}, and may give other results"] if told else []
        )

    def test_another_owner_of_the_name_warns(self, run, installed, program, monkeypatch):
        installed("my_others", CELL)
        monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "my_others")
        (line,) = warned(program("sample", "--length", 3))
        assert "the cell 'average' of the plugin 'my_cells'; here that name is plugin 'my_others'" in line

    def test_a_run_without_the_plugin_can_still_be_listed(self, run, program, monkeypatch):
        monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "")
        assert "average 1x16" in program("runs", "list").out
        assert program("runs", "show", "mine").code == 0

    def test_a_record_cannot_carry_a_command(self, run, cli):
        path = Path("checkpoints/mine/config.json")
        forge_config(path.parent, put("plugins", "cell", "distribution", value="x; rm -rf ~ \x1b[31m"))
        assert "is damaged" in cli("sample").told


class TestCommands:
    COMMAND = """
from charrnn import hookimpl

@hookimpl
def register_commands(app):
    @app.command()
    def greet(name: str = "you", fail: bool = False):
        "Say hello."
        if fail:
            raise ValueError("cannot greet")
        print("hello", name)

    @app.command()
    def train():
        "Take a name that is taken."
"""

    def test_a_plugin_adds_a_command(self, installed, program):
        installed("my_commands", self.COMMAND)
        shown = program("--help")
        assert shown.out.rstrip().endswith("greet  Say hello.")
        assert "plugin 'my_commands' (my_commands 1.2) cannot register a command: the command 'train'" in shown.told
        assert program("greet", "--name", "world").out == "hello world\n"

    def test_one_that_fails_is_one_line(self, installed, program):
        installed("my_commands", self.COMMAND)
        result = program("greet", "--fail")
        assert result.code == 1
        assert (
            "plugin 'my_commands' (my_commands 1.2) failed in greet, my_commands.py line 10: ValueError: cannot greet"
            in result.err
        )
        assert "Traceback" not in result.err

    def test_a_misspelt_one_is_near(self, installed, program):
        installed("my_commands", self.COMMAND)
        result = program("gret")
        assert result.code == 2
        assert "greet" in result.err

    def test_a_file_without_commands_is_not_run_for_the_help(self, tmp_path, cli):
        (tmp_path / "mine.py").write_text("raise RuntimeError('was run')")
        shown = cli("--plugin", "mine.py", "--help")
        assert shown.code == 0
        assert shown.err == ""


class TestObservers:
    OBSERVER = """
import json
from charrnn import hookimpl

def note(**what):
    with open("notes.jsonl", "a") as file:
        file.write(json.dumps(what) + "\\n")

@hookimpl
def run_started(run, model, event):
    note(hook="run_started", run=run.name, parameters=sum(p.numel() for p in model.parameters()), told=event.parameters)

@hookimpl
def step_finished(step, loss):
    note(hook="step_finished", step=step, loss=float(loss))

@hookimpl
def evaluated(event):
    note(hook="evaluated", step=event.step)

@hookimpl
def run_finished(run, event):
    note(hook="run_finished", finished=event is not None)
"""

    def notes(self):
        return [json.loads(line) for line in Path("notes.jsonl").read_text().splitlines()]

    def test_they_hear_of_all(self, installed, text_file, program):
        installed("my_observer", self.OBSERVER)
        assert program("train", text_file, *TINY, "--steps", 3, "--eval-every", 2, "--name", "mine").code == 0
        told = self.notes()
        assert [each["hook"] for each in told] == [
            "run_started",
            "step_finished",
            "step_finished",
            "evaluated",
            "step_finished",
            "evaluated",
            "run_finished",
        ]
        assert told[0]["run"] == "mine"
        assert told[0]["parameters"] == told[0]["told"]
        assert [each["step"] for each in told if "step" in each] == [1, 2, 2, 3, 3]
        assert told[-1]["finished"]

    def test_they_change_no_bit(self, installed, text_file, cli):
        assert cli("train", text_file, *TINY, "--steps", 3, "--name", "without").code == 0
        installed("my_observer", self.OBSERVER)
        assert cli("train", text_file, *TINY, "--steps", 3, "--name", "with").code == 0
        weights = [Path(f"checkpoints/{name}/model.safetensors").read_bytes() for name in ("without", "with")]
        assert weights[0] == weights[1]

    def test_one_that_raises_is_told_once_and_hears_no_more(self, installed, text_file, program):
        installed("my_observer", self.OBSERVER.replace("step=step, loss", "step=1 / (step - 2), loss"))
        result = program("train", text_file, *TINY, "--steps", 5)
        assert result.code == 0
        (line,) = warned(result)
        assert (
            "plugin 'my_observer' (my_observer 1.2) failed in step_finished, and observes this run no more: Zero"
            in line
        )
        assert [each["hook"] for each in self.notes()] == ["run_started", "step_finished", "evaluated"]

    def test_they_hear_of_an_end_before_the_end(self, installed, text_file, program):
        installed("my_observer", self.OBSERVER)
        result = program("train", text_file, *TINY, "--steps", 500, "--lr", 50, "--optimizer", "sgd", "--clip", 0)
        assert result.code == 1, result.err
        assert self.notes()[-1] == {"hook": "run_finished", "finished": False}


class TestWarpers:
    WARPER = """
import numpy as np
from charrnn import Warper, hookimpl

class Only(Warper):
    def __init__(self, tokenizer, character: str = "e", count: int = 1):
        super().__init__(tokenizer)
        self.id = int(tokenizer.encode(character)[0])

    def warp(self, logits, history):
        warped = np.full_like(logits, -np.inf)
        warped[:, self.id] = logits[:, self.id]
        return warped if history.shape[1] < 7 else np.full_like(logits, -np.inf)

@hookimpl
def register_warpers(register):
    register("only", Only, summary="one character only")
"""

    def test_it_reshapes_what_is_drawn(self, installed, trained, cli):
        installed("my_warper", self.WARPER)
        arguments = ["sample", "--checkpoints", trained, "--warper", "only", "--length", 5]
        assert cli(*arguments).out == "eeeee\n"
        assert cli(*arguments, "--warper-option", "character=t", "--prompt", "ab").out == "abttttt\n"

    def test_one_that_leaves_nothing_is_told(self, installed, trained, cli):
        installed("my_warper", self.WARPER)
        result = cli("sample", "--checkpoints", trained, "--warper", "only", "--length", 10)
        assert result.code == 1
        assert "warper 'only' of plugin 'my_warper' (my_warper 1.2) leaves no token that could come next" in result.told

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--warper", "onyl"], "no warper is called 'onyl': did you mean 'only'?"),
            (["--warper", "only", "--warper-option", "charcter=a"], "did you mean 'character'"),
            (["--warper", "only", "--warper-option", "count=many"], "option count=many of warper 'only'"),
            (["--warper-option", "character=a"], "--warper-option says nothing without --warper"),
        ],
    )
    def test_wrong_ones_are_told(self, arguments, told, installed, trained, cli):
        installed("my_warper", self.WARPER)
        result = cli("sample", "--checkpoints", trained, *arguments)
        assert result.code == 2
        assert told in result.told


class TestNumpyForms:
    """A plugin's cell that steps in NumPy generates without torch."""

    HOOKS = """
        from charrnn import hookimpl

        @hookimpl
        def register_cells(register):
            register("mine", "charrnn.cells.rnn:RNN", numpy="{form}")
        """

    def train(self, installed, text_file, cli, form):
        installed("my_numpy_cell", self.HOOKS.format(form=form))
        return cli("train", text_file, "--cell", "mine", *TINY, "--steps", 2)

    def test_it_generates_and_is_scored_without_torch(self, installed, text_file, cli):
        assert self.train(installed, text_file, cli, "charrnn.cells.numpy_forms.rnn:RNN").code == 0
        probe = "import sys; sys.modules['torch'] = None; from charrnn.cli import main; sys.exit(main(sys.argv[1:]))"
        for arguments in (["sample", "--length", "9"], ["score", "words.txt"]):
            finished = subprocess.run([sys.executable, "-c", probe, *arguments], capture_output=True, text=True)
            assert finished.returncode == 0, finished.stderr

    @pytest.mark.parametrize(
        ("form", "told"),
        [
            ("charrnn.cells.rnn:RNN", "should be a subclass of charrnn.NumpyCell"),
            ("charrnn.cells.numpy_forms.rnn:RNM", "cannot be loaded from 'charrnn.cells.numpy_forms.rnn:RNM'"),
        ],
    )
    def test_one_that_is_none_is_told_as_the_plugin_s(self, form, told, installed, text_file, cli):
        trained = self.train(installed, text_file, cli, form)
        assert trained.err.count("finished after 2 steps") == 1
        for arguments in (["sample"], ["plugins", "check", "mine"]):
            result = cli(*arguments)
            assert result.code == 1
            assert "cell 'mine' of plugin 'my_numpy_cell'" in result.told
            assert told in result.told

    def test_one_that_differs_is_found_by_the_kit_and_one_that_fails_is_named(self, installed, text_file, cli):
        installed(
            "my_wrong_form",
            """
            from charrnn.cells.numpy_forms.rnn import RNN

            class Wrong(RNN):
                def step(self, projected, state):
                    if len(projected) == 1:
                        raise ValueError("one lane is not enough")
                    output, state = super().step(projected, state)
                    return output * 2, state
            """,
        )
        assert self.train(installed, text_file, cli, "my_wrong_form:Wrong").code == 0
        assert "cell 'mine' of plugin 'my_numpy_cell' (my_numpy_cell 1.2) failed: ValueError" in cli("sample").told
        checked = cli("plugins", "check", "mine", "--no-speed")
        assert checked.code == 1
        assert "BROKEN" in next(line for line in checked.out.splitlines() if "steps as the cell does" in line)

    @pytest.mark.parametrize(
        ("returned", "told"),
        [
            ("output[:, :-1], state", "outputs"),
            ("output, None", "no tuple"),
            ("output.astype(float), state", "float64"),
        ],
    )
    def test_one_that_returns_wrong_things_is_named(self, returned, told, installed, text_file, cli):
        installed(
            "my_odd_form",
            f"""
            from charrnn.cells.numpy_forms.rnn import RNN

            class Odd(RNN):
                def step(self, projected, state):
                    output, state = super().step(projected, state)
                    return {returned}
            """,
        )
        assert self.train(installed, text_file, cli, "my_odd_form:Odd").code == 0
        result = cli("sample", "--length", 3)
        assert "cell 'mine' of plugin 'my_numpy_cell'" in result.told
        assert told in result.told

    def test_only_cells_have_one(self, installed, cli):
        installed(
            "my_strange_warper",
            """
            from charrnn import hookimpl

            @hookimpl
            def register_warpers(register):
                register("strange", "my_strange_warper:X", numpy="my_strange_warper:X")
            """,
        )
        result = cli("plugins", "list")
        assert "has a NumPy form, which only a cell can have" in result.err


def test_the_built_in_names_come_through_the_hooks():
    found = Plugins()
    for kind in ("cells", "tokenizers", "warpers"):
        registry, offered = found.registry(kind), []
        getattr(builtin, f"register_{kind}")(lambda name, *_, offered=offered, **__: offered.append(name))
        assert sorted(offered) == names(registry)
        assert all(entry.owner == BUILTIN and entry.summary for entry in registry)


def test_options_are_shown_with_types_and_defaults(cli):
    (shown,) = cli("plugins", "show", "rnn", "--json").json()
    assert shown["options"] == [{"name": "activation", "type": "tanh|relu|sigmoid", "default": "tanh"}]
    assert "--cell-option" in cli("plugins", "show", "rnn").out
    result = cli("plugins", "show", "rnm")
    assert result.code == 2
    assert "nothing is called 'rnm', and no plugin: did you mean 'rnn'?" in result.told


def test_the_shell_completes_registered_names(installed, program):
    installed("my_cells", CELL)
    for words, expected in (
        ("charrnn train x --cell av", "average"),
        ("charrnn train x --tokenizer se", "sentencepiece"),
        ("charrnn train py", "pystdlib"),
        ("charrnn plugins show ls", "lstm"),
        ("charrnn plug", "plugins"),
    ):
        env = {"_CHARRNN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        assert expected in program(env=env).out, words


def test_python_adds_a_plugin(tmp_path, text_file):
    import charrnn

    (tmp_path / "mine.py").write_text(CELL)
    charrnn.add_plugin(tmp_path / "mine.py")
    session = charrnn.train(text_file, cell="average", layers=1, hidden=8, embed=8, seq_len=8, batch_size=4, steps=2)
    assert len(session.generate(length=5)) == 5
    assert session.run.config.plugins["cell"].plugin == "mine"


def test_a_tokenizer_that_fails_while_sampling_is_named(installed, text_file, program):
    source = """
    from charrnn import hookimpl
    from charrnn.tokenizers.byte import ByteTokenizer

    class Choosy(ByteTokenizer):
        def encode(self, text):
            if text == "never":
                raise LookupError("not this")
            return super().encode(text)

    @hookimpl
    def register_tokenizers(register):
        register("choosy", Choosy)
    """
    installed("my_choosy", source)
    assert program("train", text_file, "--tokenizer", "choosy", *TINY, "--steps", 1).code == 0
    result = program("sample", "--prompt", "never")
    assert result.code == 1
    assert (
        "plugin 'my_choosy' (my_choosy 1.2) failed in encode, my_choosy.py line 8: LookupError: not this" in result.told
    )


@pytest.mark.parametrize("name", ["my file.json", ".hidden", "ends\\n"])
def test_a_tokenizer_s_file_that_no_run_can_hold_is_told_and_no_run_is_made(name, installed, text_file, cli):
    source = f"""
    from charrnn import hookimpl
    from charrnn.tokenizers.byte import ByteTokenizer

    class Odd(ByteTokenizer):
        def save(self, directory):
            super().save(directory)
            (directory / "{name}").write_text("")

    @hookimpl
    def register_tokenizers(register):
        register("odd", Odd)
    """
    installed("my_odd", source)
    result = cli("train", text_file, "--tokenizer", "odd", *TINY, "--steps", 1, "--name", "mine")
    assert result.code == 1
    assert "a run cannot hold a file called" in result.err.splitlines()[-1]
    assert not Path("checkpoints/mine").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("return hidden[:, :3], (hidden,)", "ValueError: its step returns outputs [8, 3], not [8, 16]"),
        (
            "return hidden.double(), (hidden,)",
            "ValueError: its step returns torch.float64, and was given torch.float32",
        ),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise BaseException('a panic')", "BaseException: a panic"),
    ],
)
def test_what_a_cell_does_against_its_contract_is_its_plugin_s_fault(change, told, installed, text_file, program):
    installed("my_cells", CELL.replace("return hidden, (hidden,)", change))
    result = program("train", text_file, "--cell", "average", *TINY, "--steps", 2)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert f"cell 'average' of plugin 'my_cells' (my_cells 1.2) failed: {told}" in result.err


def test_the_commands_on_plugins_tell_errors_as_all_do(installed, program):
    installed("my_broken", "raise ValueError('no good')")
    shown = program("plugins", "list", env={"CHARRNN_RAISE_PLUGIN_ERRORS": "1"}).err
    assert "ValueError: no good" in shown
    assert "TypeError" not in shown


def test_a_corpus_whose_code_changed_is_packed_anew(installed, program):
    source = """
    from charrnn import Corpus, hookimpl

    class Mine(Corpus):
        name = "mine"

        def __init__(self, settings):
            pass

        def splits(self):
            return ("train",)

        def read(self, split):
            yield "abc " * 600

        def provenance(self):
            return {"source": "mine"}

    @hookimpl
    def register_corpora(register):
        register("mine", Mine)
    """
    installed("my_corpus", source)
    first = program("corpora", "build", "mine", "--json").json()["splits"]["train"]["tokens"]
    installed("my_corpus", source.replace("600", "700"))
    assert program("corpora", "build", "mine", "--json").json()["splits"]["train"]["tokens"] > first


def test_a_plugin_that_offers_nothing_to_check_is_told(tmp_path, cli):
    (tmp_path / "mine.py").write_text(TestCommands.COMMAND.replace('"Take a name that is taken."', '"x"'))
    result = cli("plugins", "check", "mine.py")
    assert result.code == 2
    assert "the plugin 'mine' offers no cell, tokenizer, corpus or warper" in result.told
