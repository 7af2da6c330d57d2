"""Whatever stands in the place of a run's file or folder, no command waits for it or writes through it."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from charrnn.atomic import write_file
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.forging import save_of
from tests.golden.make import HERE, write_corpus

RUN = Path("checkpoints/mine")
#: Everything in a run; the save is that which counts.
NAMES = [
    *("config.json", "latest", "metrics.jsonl", "model.safetensors", "README.md", ".lock", ".owner"),
    *("tokenizer", "tokenizer/alphabet.json", "saves", "SAVE"),
    *(f"SAVE/{part}" for part in ("weights.safetensors", "best.safetensors", "training.safetensors")),
    *("SAVE/state.json", "SAVE/manifest.json"),
]
COMMANDS = {
    "resume": ("train", "--resume", "--name", "mine", "--steps", 10),
    "verify": ("runs", "verify", "mine"),
    "mend": ("runs", "verify", "mine", "--mend"),
    "rm": ("runs", "rm", "mine", "--yes"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory, text):
    """A run of two saves, made once."""
    import charrnn

    folder = tmp_path_factory.mktemp("made")
    (folder / "words.txt").write_text(text)
    sizes = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
    charrnn.train(str(folder / "words.txt"), name="mine", checkpoints=folder, **sizes, steps=8, eval_every=4, keep=2)
    return folder / "mine"


@pytest.fixture
def run(made):
    return lambda: _copied(made)


def _copied(made):
    shutil.rmtree("checkpoints", ignore_errors=True)
    shutil.copytree(made, RUN)
    return RUN


@pytest.fixture(autouse=True)
def patience():
    """Let whoever waits for a pipe fail."""

    def waited(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, waited)
    signal.setitimer(signal.ITIMER_REAL, 30)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def pipe(path, elsewhere):
    os.mkfifo(path)


def link_to_a_device(path, elsewhere):
    path.symlink_to("/dev/full")  # which tells that it was written to


def link_to_what_was_there(path, elsewhere):
    path.symlink_to(elsewhere.resolve())


def directory(path, elsewhere):
    path.mkdir()
    (path / "kept").write_text("kept")


def contents(path):
    if not path.is_dir():
        return path.read_bytes()
    return {each.relative_to(path): each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize("put", [pipe, link_to_a_device, link_to_what_was_there, directory])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_of_ours_is_refused_or_replaced(name, put, run, cli):
    for command, arguments in COMMANDS.items():
        path = run() / name.replace("SAVE", f"saves/{save_of(RUN).name}")
        elsewhere = Path("elsewhere")
        if path.exists():
            shutil.move(path, elsewhere)
        else:
            elsewhere.write_text("kept")
        before = contents(elsewhere)
        put(path, elsewhere)

        result = cli(*arguments)

        assert contents(elsewhere) == before, command
        assert "Traceback" not in result.err, command
        assert "No space left" not in result.err, command
        assert result.code in (0, 1), command
        if result.code and command in ("resume", "rm"):
            assert result.err.splitlines()[-1].startswith("charrnn: "), command
            assert "None" not in result.err.splitlines()[-1], command
        elif result.code:
            assert "run mine: damaged" in result.out or RUN.name in result.err.splitlines()[-1], command
        elif command == "rm":
            assert not list(Path("checkpoints").iterdir())
        elif command == "resume":
            assert Run(RUN).state()["step"] == 10
            assert not verify(Run(RUN)).damage
        shutil.rmtree(elsewhere) if elsewhere.is_dir() else elsewhere.unlink()


def tree_with(name):
    """A directory elsewhere, which nothing may change."""
    folder = Path(name)
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder.resolve()


def test_a_link_in_the_place_of_a_save_of_the_first_format_is_not_written_through(cli):
    shutil.copytree(HERE / "format-1", RUN)
    write_corpus(Path())
    save = save_of(RUN)
    target = shutil.move(save, Path("target"))
    save.symlink_to(target.resolve())
    before = contents(target)
    for command in (COMMANDS["verify"], COMMANDS["mend"], ("train", "--resume", "--name", "mine", "--steps", 40)):
        result = cli(*command)
        assert result.code == 1
        assert "which is a link; put the folder in its place" in result.out + result.err
        assert contents(target) == before


@pytest.mark.parametrize("name", ["00000004", "00000010", ".00000010.unfinished", ".removed-00000004"])
def test_a_link_beside_the_save_that_counts_is_not_followed_and_does_not_end_training(name, run, cli):
    elsewhere = tree_with("elsewhere")
    path = run() / "saves" / name
    if path.exists():
        shutil.rmtree(path)
    path.symlink_to(elsewhere)
    resumed = cli(*COMMANDS["resume"], "--keep", 1)
    assert resumed.code == 0, resumed.err
    assert contents(elsewhere) == {Path("kept"): b"kept"}
    assert Run(RUN).state()["step"] == 10
    assert not verify(Run(RUN)).damage


def test_files_that_are_none_of_the_tokenizer_are_named_up_to_a_bound(run, cli):
    for number in range(1000):
        (run() if not number else RUN).joinpath(f"tokenizer/f{number:03}").write_text("")
    told = cli(*COMMANDS["verify"])
    assert told.code == 1
    assert told.out.count("is no file of the tokenizer") == 20
    assert f"{RUN / 'tokenizer'} holds 980 more files that are none of the tokenizer's" in told.out


def test_a_tokenizer_that_is_a_link_is_told_of_and_not_looked_into(run, cli):
    elsewhere = tree_with("elsewhere")
    shutil.copytree(run() / "tokenizer", elsewhere, dirs_exist_ok=True)
    shutil.rmtree(RUN / "tokenizer")
    (RUN / "tokenizer").symlink_to(elsewhere)
    told = cli(*COMMANDS["verify"])
    assert told.code == 1
    assert f"{RUN / 'tokenizer'} is a link, and is not followed; put the folder in its place" in told.out
    assert "kept" not in told.out
    assert f"{RUN / 'tokenizer'} is a link" in cli("sample", "mine", "--length", 5).told


def test_a_folder_in_a_file_s_place_keeps_a_run_from_being_mended_in_a_line(run, cli):
    (run() / "latest").unlink()
    (RUN / "latest").mkdir()
    assert "cannot be mended: latest is a directory; move that away" in cli(*COMMANDS["mend"]).err.splitlines()[-1]


def test_a_trace_is_not_written_through_a_link(run, cli):
    (run() / "profile").mkdir()
    Path("elsewhere").write_text("kept")
    for name in ("trace.unfinished", "trace.unfinished.tmp"):
        (RUN / "profile" / name).symlink_to(Path("elsewhere").resolve())
    assert cli(*COMMANDS["resume"], "--profile", 1).code == 0
    assert Path("elsewhere").read_text() == "kept"
    assert (RUN / "profile/trace.json").is_file()
    assert not list(RUN.glob("profile/.*"))


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    for name in ("link", "lost"):
        write_file(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"
        assert not (tmp_path / name).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()
