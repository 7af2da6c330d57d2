"""Who observes one run: TensorBoard, the profiler, and objects of one's own."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

import charrnn
from charrnn.errors import UsageError
from charrnn.observers.profiler import Profiler
from charrnn.observers.tensorboard import TensorBoard
from charrnn.plugins import PluginWarning
from charrnn.reporting.plain import PlainReporter
from charrnn.reporting.profile import profiled
from charrnn.training.events import Evaluated, Operation, Profiled, Started
from tests.conftest import TINY
from tests.test_readme import ROOT, blocks, commands, quick

PAGE = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
SHAPE = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
STEP = {"data", "forward", "backward", "optimizer"}


def model(run):
    return Path(f"checkpoints/{run}/model.safetensors").read_bytes()


def metrics(run, kind):
    lines = map(json.loads, Path(f"checkpoints/{run}/metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == kind]


def trace(run):
    return json.loads(Path(f"checkpoints/{run}/profile/trace.json").read_text())["traceEvents"]


def written(run):
    """Read a run's events back by TensorBoard's own reader."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(
        f"checkpoints/{run}/tensorboard", size_guidance={"scalars": 0, "tensors": 0, "histograms": 0}
    )
    events.Reload()
    return events


def texts(events, tag):
    return {each.step: each.tensor_proto.string_val[0].decode() for each in events.Tensors(f"{tag}/text_summary")}


class Bystander:
    def __init__(self, fails_at=0):
        self.fails_at = fails_at
        self.heard = []

    @charrnn.hookimpl
    def phase_started(self, phase):
        self.heard.append(phase)

    @charrnn.hookimpl
    def step_finished(self, step, loss):
        self.heard.append(step)
        if step == self.fails_at:
            raise RuntimeError("enough")

    @charrnn.hookimpl
    def sampled(self, event):
        self.heard.append(event.text)


class Breaking:
    def __init__(self, at):
        self.at = at

    @charrnn.hookimpl
    def step_finished(self, step):
        if step == self.at:
            raise KeyboardInterrupt


class TestObserversOfOneRun:
    def test_they_hear_of_each_part_of_it_and_of_no_other_run(self, text_file):
        one = Bystander()
        charrnn.train(text_file, steps=2, eval_every=2, **SHAPE, observers=[one])
        (sample,) = (each for each in one.heard if each not in STEP | {1, 2, "evaluation", "save", "sample"})
        step = ["data", "forward", "backward", "optimizer"]
        assert one.heard == [*step, 1, *step, 2, "evaluation", "save", "sample", sample]
        assert len(sample) == 240
        charrnn.train(text_file, steps=1, **SHAPE)
        assert one.heard[-1] == sample

    def test_one_that_raises_is_told_of_and_dropped_and_its_like_are_not(self, text_file):
        good, bad = Bystander(), Bystander(fails_at=2)
        with pytest.warns(
            PluginWarning, match="observer 'Bystander' failed in step_finished, and observes this run no"
        ):
            charrnn.train(text_file, steps=4, **SHAPE, observers=[bad, good])
        assert [each for each in good.heard if isinstance(each, int)] == [1, 2, 3, 4]
        assert bad.heard[-1] == 2

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("def step_finised(self): pass", "'step_finised', which is no hook: did you mean 'step_finished'"),
            ("def logged(self, evnt): pass", "evnt"),
            ("fine = 1", "implements no hook"),
        ],
    )
    def test_one_that_would_never_be_called_is_refused_before_the_run(self, source, message, text_file):
        mark = "@mark\n    " if source.startswith("def") else ""
        names = {"mark": charrnn.hookimpl}
        exec(f"class Mine:\n    {mark}{source}", names)
        with pytest.raises(UsageError, match=f"observer 'Mine'.*{message}") as told:
            charrnn.train(text_file, steps=1, **SHAPE, observers=[names["Mine"]()])
        assert "\n" not in str(told.value)
        assert not Path("checkpoints").exists()

    def test_a_class_is_refused_where_an_object_is_meant(self, text_file):
        with pytest.raises(UsageError, match=r"observer 'Bystander' is a class; give an object of it: Bystander\(\)"):
            charrnn.train(text_file, steps=1, **SHAPE, observers=[Bystander])

    def test_who_was_told_of_no_start_is_told_of_no_end(self, text_file):
        heard = []

        class Ends:
            @charrnn.hookimpl
            def run_started(self):
                heard.append("started")

            @charrnn.hookimpl
            def run_finished(self):
                heard.append("finished")

        def listen(event):
            if isinstance(event, stops_at):
                raise KeyboardInterrupt

        for stops_at, expected in ((Started, []), (Evaluated, ["started", "finished"]), ((), ["started", "finished"])):
            with nullcontext() if not stops_at else pytest.raises(KeyboardInterrupt):
                charrnn.train(text_file, steps=1, **SHAPE, listen=listen, observers=[Ends()])
            assert heard == expected
            heard.clear()


class TestTensorBoard:
    def test_it_has_what_the_metrics_have_and_changes_no_bit(self, text_file, cli):
        train = ["train", text_file, *TINY, "--dropout", "0.2", "--steps", 40, "--eval-every", 20]
        assert cli(*train, "--name", "without").code == 0
        result = cli(*train, "--name", "with", "--tensorboard")
        assert result.code == 0, result.err
        assert "warning" not in result.err
        assert model("without") == model("with")

        events = written("with")
        for tag, kind, key in (
            ("train/nats_per_token", "train", "loss"),
            ("train/gradient_norm", "train", "grad_norm"),
            ("train/learning_rate", "train", "lr"),
            ("train/chars_per_second", "train", "chars_per_second"),
            ("validation/nats_per_token", "validation", "nats_per_token"),
            ("validation/bits_per_char", "validation", "bits_per_char"),
        ):
            expected = [(line["step"], pytest.approx(line[key])) for line in metrics("with", kind)]
            assert [(each.step, each.value) for each in events.Scalars(tag)] == expected, tag

    def test_gradients_samples_and_settings(self, text_file):
        steps = {}

        class Gradients:
            @charrnn.hookimpl
            def evaluated(self, model, event):
                steps[event.step] = {name: each.grad.double().pow(2).sum() for name, each in model.named_parameters()}

        charrnn.train(text_file, steps=4, eval_every=2, **SHAPE, name="mine", observers=[TensorBoard(), Gradients()])
        events = written("mine")
        for step, parameters in steps.items():
            for name, squares in parameters.items():
                found = {each.step: each.histogram_value for each in events.Histograms(f"gradient/{name}")}
                assert found[step].sum_squares == pytest.approx(float(squares))
        samples = texts(events, "sample")
        assert list(samples) == [2, 4]
        assert samples[2] != samples[4]
        assert all(line.startswith("    ") for each in samples.values() for line in each.split("\n"))
        assert {"    hidden = 16", '    device = "cpu"'} <= set(texts(events, "settings")[0].split("\n"))

    def test_a_resumed_run_draws_no_step_twice(self, text_file):
        """It breaks off at step 35, and goes on from the save at 20."""
        with pytest.raises(KeyboardInterrupt):
            charrnn.train(
                text_file, **SHAPE, steps=40, eval_every=20, name="mine", observers=[TensorBoard(), Breaking(35)]
            )
        assert [each.step for each in written("mine").Scalars("train/nats_per_token")] == [10, 20, 30]
        charrnn.train(name="mine", resume=True, observers=[TensorBoard()])
        found = written("mine").Scalars("train/nats_per_token")
        assert [(each.step, each.value) for each in found] == [
            (line["step"], pytest.approx(line["loss"])) for line in metrics("mine", "train")
        ]
        assert len(list(Path("checkpoints/mine/tensorboard").iterdir())) == 2

    def test_without_the_package_one_line_says_what_to_do_before_anything_is_trained(self, text_file, cli, monkeypatch):
        for name in [each for each in sys.modules if each.startswith("torch.utils.tensorboard")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "tensorboard", None)
        result = cli("train", text_file, *TINY, "--steps", 1, "--tensorboard")
        assert result.code == 2
        assert "--tensorboard needs the tensorboard package: pip install tensorboard" in result.told
        assert not Path("checkpoints").exists()


class TestProfile:
    def test_it_traces_so_many_steps_of_the_same_path_and_changes_no_bit(self, text_file, cli):
        train = ["train", text_file, *TINY, "--cell", "gru", "--steps", 12, "--eval-every", 7]
        assert cli(*train, "--name", "without").code == 0
        result = cli(*train, "--name", "with", "--profile", 4)
        assert result.code == 0, result.err
        assert model("without") == model("with")
        assert "profile of 4 steps; look at it in" in result.err
        assert "were asked for" not in result.err
        rows = {line.split()[0]: line.split()[1] for line in result.err.splitlines() if line.startswith("  ")}
        assert all(rows[each] == "4" for each in STEP)

        names = [each["name"] for each in trace("with") if each.get("ph") == "X"]
        ranges = {each["name"] for each in trace("with") if each.get("cat") == "user_annotation"}
        assert ranges >= STEP
        assert not ranges & {"evaluation", "save", "sample"}
        # The engine's own function and its backward pass, once a step: no cell ran step by step under autograd.
        assert names.count("_Recurrence") == names.count("_RecurrenceBackward") == 4

    @pytest.mark.parametrize(("steps", "asked", "traced"), [(8, 100, 8), (1, 1, 1), (7, 4, 4)])
    def test_a_run_of_few_steps_is_traced_as_far_as_it_goes(self, steps, asked, traced, text_file):
        told = []
        charrnn.train(text_file, steps=steps, **SHAPE, name="mine", observers=[Profiler(asked, told.append)])
        (event,) = told
        assert (event.steps, event.asked) == (traced, asked)
        assert [each["name"] for each in trace("mine") if each.get("cat") == "user_annotation"].count(
            "forward"
        ) == traced
        assert ("the run ended before" in profiled(event)) == (traced < asked)

    def test_a_run_that_ends_before_the_trace_says_so(self, text_file):
        told = []
        charrnn.train(text_file, time=1e-3, **SHAPE, name="mine", observers=[Profiler(2, told.append)])
        assert "before a trace began" in told[0].text
        assert not Path("checkpoints/mine/profile").exists()

    def test_json_lines_have_it_as_an_event(self, text_file, cli):
        result = cli("train", text_file, *TINY, "--steps", 6, "--profile", 2, "--json")
        assert result.err == ""
        (event,) = (each for each in map(json.loads, result.out.splitlines()) if each["event"] == "profiled")
        assert {each["name"] for each in event["phases"]} == STEP
        assert len(event["operations"]) == 10
        assert event["operations"][0]["seconds"] >= event["operations"][1]["seconds"] > 0

    def test_the_table_shows_a_gpu_s_kernels_and_steers_no_terminal(self, capsys):
        event = Profiled(
            *(2, 2, Path("trace.json"), 0.5, 2.0),
            phases=(Operation("forward", 2, 0.25, 0.0),),
            operations=(Operation("plugin::\x1b[2J" + "long" * 20, 1234, 0.125, 1.5),),
        )
        PlainReporter().listen(event)
        lines = capsys.readouterr().err.splitlines()
        assert lines[3].split() == ["operation", "calls", "ms", "share", "GPU", "ms", "share"]
        assert lines[4].split()[1:] == ["1,234", "125.0", "25.0%", "1,500.0", "75.0%"]
        assert lines[4].startswith("  plugin::␛[2J")
        assert len({len(line) for line in lines[1:]}) == 1

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_on_a_gpu_kernels_are_counted(self, text_file):
        told = []
        charrnn.train(text_file, steps=8, device="cuda", **SHAPE, observers=[Profiler(2, told.append)])
        assert told[0].device_seconds > 0

    def test_of_no_steps_is_wrong_usage(self, text_file, cli):
        result = cli("train", text_file, "--profile", 0)
        assert result.code == 2
        assert "--profile" in result.told


def test_nobody_who_is_not_asked_for_is_imported(text_file):
    probe = (
        "import sys; from charrnn.cli import main; main(sys.argv[1:]); "
        "print([name for name in sys.modules if name.startswith(('charrnn.observers', 'tensorboard'))])"
    )
    command = [sys.executable, "-c", probe, "train", str(text_file), *TINY, "--steps", "2"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.stdout.splitlines()[-1] == "[]", finished.stderr


def test_the_page_is_true(text_file, cli):
    text_file.rename("corpus.txt")
    for command in commands(PAGE):
        words = quick(command)
        if command.startswith("charrnn "):
            assert cli(*words, *TINY[: 0 if "--resume" in words else None]).code == 0, command
    (code,) = blocks("python", PAGE)
    exec(code.replace("steps=100", f"steps=10, **{SHAPE}"), {})
    for name in re.findall(r"`charrnn\.(observers\.\w+)\.(\w+)\(", PAGE):
        assert hasattr(importlib.import_module(f"charrnn.{name[0]}"), name[1])
    for tag in re.findall(r"`((?:train|validation)/\w+)`", PAGE):
        assert tag in (ROOT / "charrnn/observers/tensorboard.py").read_text()
