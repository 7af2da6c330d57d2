"""What helps a model learn: each technique's mathematics, by references of its own in double precision."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

import charrnn
from charrnn.cells.base import Cell
from charrnn.errors import RunError
from charrnn.generation.numpy_network import NumpyNetwork
from charrnn.model import LanguageModel, model_shapes
from charrnn.model.dropout import Dropout
from charrnn.model.recurrent_weights import dropped, recurrent_weights
from charrnn.model.zoneout import Zoneout
from charrnn.plugins import plugins
from charrnn.recurrence import explain
from charrnn.recurrence.engine import step_by_step
from charrnn.settings import ModelSettings, OptimizerSettings
from charrnn.training.averaging import WeightAverage
from charrnn.training.batches import LaneBatches
from charrnn.training.events import Evaluated
from charrnn.training.optimizer import clip_gradient
from tests.conftest import TINY

V, WIDE = 9, 8
STRUCTURES = [
    {"layer_norm": True},
    {"residual": True},
    {"zoneout": 0.3},
    {"tied": True, "embed": WIDE},
    {"layer_norm": True, "residual": True, "zoneout": 0.1, "tied": True, "embed": WIDE, "orthogonal": True},
]


def make_model(cell="lstm", layers=2, embed=5, **settings):
    torch.manual_seed(3)
    shape = ModelSettings(cell=cell, layers=layers, hidden=WIDE, embed=embed, **settings)
    return LanguageModel(shape, V).double(), shape


def random_ids(*shape):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(1))


def normed(values, norm):
    values = values.detach().numpy()
    mean = values.mean(-1, keepdims=True)
    scaled = (values - mean) / np.sqrt(((values - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
    return torch.from_numpy(scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy())


class TestStructure:
    @pytest.mark.parametrize("structure", STRUCTURES, ids=str)
    @pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
    def test_steps_sequences_and_numpy_agree(self, structure, cell):
        model, shape = make_model(cell, **structure)
        model.eval()
        network = NumpyNetwork(shape, V, {name: each.numpy() for name, each in model.state_dict().items()})
        ids = random_ids(12, 3)
        with torch.no_grad():
            whole, last = model(ids, model.initial_state(3))
            table = model.first_projection(torch.arange(V))
            by_step = by_table = model.initial_state(3)
            in_numpy = network.initial_state(3)
            for row, wanted in zip(ids, whole, strict=True):
                for found in (model.step(row, by_step), model.step(row, by_table, table)):
                    torch.testing.assert_close(found[0], wanted)
                by_step, by_table = model.step(row, by_step)[1], model.step(row, by_table, table)[1]
                logits, in_numpy = network.step(row.numpy(), in_numpy)
                np.testing.assert_allclose(logits, wanted.numpy(), atol=1e-10)
            logits, after = network.read(ids.numpy(), network.initial_state(3))
        np.testing.assert_allclose(logits, whole[-1].numpy(), atol=1e-10)
        for leaf, other in zip(sum(after, ()), sum(last, ()), strict=True):
            np.testing.assert_allclose(leaf, other.numpy(), atol=1e-10)

    @pytest.mark.parametrize("structure", [*STRUCTURES, {}], ids=str)
    def test_the_shapes_told_ahead_are_those_of_the_model(self, structure):
        model, shape = make_model(**structure)
        assert model_shapes(shape, V) == {name: tuple(each.shape) for name, each in model.state_dict().items()}

    def test_layer_norm_and_residuals_are_what_their_papers_say(self):
        model, _ = make_model("rnn", embed=WIDE, layer_norm=True, residual=True)
        model.eval()
        with torch.no_grad():
            for norm in model.norms:
                norm.weight.uniform_(0.5, 2)
                norm.bias.uniform_(-1, 1)
            ids = random_ids(4, 2)
            features = model.embedding(ids)
            for cell, norm in zip(model.cells, model.norms, strict=False):
                outputs, _ = cell.kernel(normed(features, norm))
                features = features + outputs
            expected = model.output(normed(features, model.norms[-1]))
            found, _ = model(ids, model.initial_state(2))
        torch.testing.assert_close(found, expected)

    def test_a_residual_is_left_out_where_the_widths_differ(self):
        narrow, _ = make_model("rnn", layers=1, residual=True)
        plain, _ = make_model("rnn", layers=1)
        ids = random_ids(4, 2)
        torch.testing.assert_close(narrow(ids, narrow.initial_state(2))[0], plain(ids, plain.initial_state(2))[0])

    def test_tied_weights_are_one_matrix_that_learns_from_both_ends(self):
        model, _ = make_model(embed=WIDE, tied=True)
        assert model.embedding.weight is model.output.weight
        untied, _ = make_model(embed=WIDE)
        untied.load_state_dict(model.state_dict())
        ids = random_ids(6, 2)
        for each in (model, untied):
            each(ids, each.initial_state(2))[0].square().sum().backward()
        both = untied.embedding.weight.grad + untied.output.weight.grad
        torch.testing.assert_close(model.output.weight.grad, both)

    def test_a_tied_matrix_is_counted_once(self, text_file, cli):
        shape = ["--layers", 1, "--hidden", 8, "--embed", 8, "--steps", 2]
        trained = cli("train", text_file, *TINY, *shape, "--tied", "--name", "mine", "--json")
        [told] = [json.loads(line) for line in trained.out.splitlines() if '"started"' in line]
        [row] = cli("runs", "compare", "--json").json()["runs"]
        assert row["parameters"] == told["parameters"]

    @pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
    def test_recurrent_weights_start_orthogonal_gate_by_gate(self, cell):
        model, _ = make_model(cell, orthogonal=True)
        weights = recurrent_weights(model)
        assert len(weights) == 2
        for weight in weights:
            for block in weight.detach().split(WIDE):
                torch.testing.assert_close(block.T @ block, torch.eye(WIDE).double(), atol=1e-6, rtol=0)

    def test_an_embedding_of_another_width_cannot_be_tied(self, text_file, cli):
        told = cli("train", text_file, *TINY, "--cell", "gru", "--tied", "--embed", 5, "--hidden", 8)
        assert told.code == 2
        assert told.told == "charrnn: --tied: the embedding has 5 features, a layer 8; give --embed 8, or --hidden 5"

    @pytest.mark.parametrize("flag", [["--weight-drop", "0.5"], ["--orthogonal"]])
    def test_a_cell_that_names_no_recurrent_weights_is_told(self, flag, text_file, cli, tmp_path):
        (tmp_path / "nameless.py").write_text(
            "from charrnn import hookimpl\nfrom charrnn.cells.rnn import RNN\n"
            "class Nameless(RNN):\n    recurrent_weights = ()\n"
            "@hookimpl\ndef register_cells(register): register('nameless', Nameless)\n"
        )
        told = cli("train", text_file, *TINY, "--cell", "nameless", *flag, "--plugin", tmp_path / "nameless.py")
        assert told.code == 2
        why = "cell 'nameless' does not say which its recurrent_weights are; leave it out"
        assert told.told == f"charrnn: {flag[0]}: {why}"

    @pytest.mark.parametrize("named", ["kernel.weight_hh", "kernel.bias_hh_l0"])
    def test_a_cell_that_misnames_them_is_told(self, named, text_file, cli, tmp_path):
        (tmp_path / "misnamed.py").write_text(
            "from charrnn import hookimpl\nfrom charrnn.cells.rnn import RNN\n"
            f"class Misnamed(RNN):\n    recurrent_weights = ({named!r},)\n"
            "@hookimpl\ndef register_cells(register): register('misnamed', Misnamed)\n"
        )
        flags = ["--cell", "misnamed", "--orthogonal", "--plugin", tmp_path / "misnamed.py"]
        told = cli("train", text_file, *TINY, *flags)
        assert told.code == 1
        why = "in recurrent_weights, which is none of its matrices: did you mean 'kernel.weight_hh_l0'"
        assert f"Misnamed has '{named}' {why}" in told.told


class TestDropout:
    @pytest.mark.parametrize("variational", [False, True])
    def test_the_mean_stays_and_only_the_rate_is_dropped(self, variational):
        torch.manual_seed(0)
        features = torch.ones(50, 40, 30, dtype=torch.float64)
        found = Dropout(0.25, variational=variational)(features)
        assert set(found.unique().tolist()) == {0.0, 1 / 0.75}
        assert float((found == 0).double().mean()) == pytest.approx(0.25, abs=0.05)

    def test_it_comes_after_the_norm_whose_divisor_it_leaves_alone(self):
        model, _ = make_model(layers=1, layer_norm=True, dropout=0.5)
        ids, state = random_ids(9, 4), model.initial_state(4)
        whole, _ = model.eval().features(ids, state)
        dropped, _ = model.train().features(ids, state)
        kept = dropped != 0
        assert 0.3 < kept.double().mean() < 0.7
        torch.testing.assert_close(dropped[kept], 2 * whole[kept])

    def test_variational_dropout_keeps_its_mask_over_a_sequence(self):
        features = torch.ones(20, 5, 30)
        same = Dropout(0.5, variational=True)(features)
        assert torch.equal(same, same[:1].expand_as(same))
        assert not torch.equal(same[:, 0], same[:, 1])
        other = Dropout(0.5)(features)
        assert not torch.equal(other, other[:1].expand_as(other))

    @pytest.mark.parametrize("variational", [False, True])
    def test_nothing_is_dropped_when_it_has_learned(self, variational):
        features = torch.randn(4, 3, 2)
        assert torch.equal(Dropout(0.9, variational=variational).eval()(features), features)


class TestZoneout:
    def make(self, rate=0.4):
        torch.manual_seed(0)
        return Zoneout(plugins().cells["lstm"].load()(5, WIDE), rate).double()

    def test_it_runs_in_the_engine_as_step_by_step(self):
        cell = self.make()
        inputs, state = torch.randn(7, 3, 5).double(), cell.initial_state(3)
        assert explain(cell, inputs, state) is None
        results = []
        for run in (lambda: cell(inputs, state), lambda: step_by_step(cell, cell.project(inputs), state)):
            cell.zero_grad()
            torch.manual_seed(1)
            outputs, last = run()
            (outputs.square().sum() + last[1].sum()).backward()
            results.append([outputs, *last, *(each.grad.clone() for each in cell.parameters())])
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other)

    def test_each_number_of_the_state_is_the_old_or_the_new_one(self):
        cell = self.make(rate=0.3)
        inputs = torch.randn(1, 400, 5).double()
        before = tuple(torch.randn(400, WIDE).double() for _ in range(2))
        with torch.no_grad():
            _, new = cell.cell.step(cell.cell.project(inputs)[0], before)
            outputs, after = cell(inputs, before)
        for old, fresh, found in zip(before, new, after, strict=True):
            kept = torch.isclose(found, old)
            assert bool((kept | torch.isclose(found, fresh)).all())
            assert float(kept.double().mean()) == pytest.approx(0.3, abs=0.05)
        torch.testing.assert_close(outputs[0], after[0])

    def test_what_has_learned_takes_the_mean(self):
        cell = self.make(rate=0.3).eval()
        inputs, state = torch.randn(6, 3, 5).double(), cell.initial_state(3)
        with torch.no_grad():
            outputs, _ = cell(inputs, state)
            hidden, memory = state
            for row, found in zip(cell.cell.project(inputs), outputs, strict=True):
                _, (new_hidden, new_memory) = cell.cell.step(row, (hidden, memory))
                hidden, memory = 0.3 * hidden + 0.7 * new_hidden, 0.3 * memory + 0.7 * new_memory
                torch.testing.assert_close(found, hidden)

    @pytest.mark.parametrize("training", [True, False])
    def test_a_count_in_the_state_is_left_alone(self, training):
        class Counting(Cell):
            def __init__(self):
                super().__init__(2, 2)
                self.weight = nn.Parameter(torch.ones(2))

            def initial_state(self, batch_size):
                return torch.zeros(batch_size, 2), torch.zeros(batch_size, dtype=torch.int64)

            def step(self, projected, state):
                hidden = torch.tanh(projected * self.weight + state[0])
                return hidden, (hidden, state[1] + 1)

        cell = Zoneout(Counting(), 0.5).train(training)
        _, (_, count) = cell(torch.randn(5, 3, 2), cell.initial_state(3))
        assert count.dtype == torch.int64
        assert count.tolist() == [5, 5, 5]


class TestWeightDrop:
    @pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
    def test_the_gradient_is_that_of_the_model_without_the_weights(self, cell):
        model, _ = make_model(cell)
        whole = copy.deepcopy(model.state_dict())
        ids = random_ids(6, 2)
        torch.manual_seed(5)
        with dropped(model, 0.5):
            masked = copy.deepcopy(model)
            loss = model(ids, model.initial_state(2))[0].square().sum()
            loss.backward()
        assert all(torch.equal(value, whole[name]) for name, value in model.state_dict().items())
        reference = masked(ids, masked.initial_state(2))[0].square().sum()
        reference.backward()
        assert loss.item() == pytest.approx(reference.item())
        theirs = {id(each) for each in recurrent_weights(model)}
        for one, other in zip(model.parameters(), masked.parameters(), strict=True):
            scale = 1.0
            if id(one) in theirs:
                scale = (other.detach() != 0).double() / 0.5
                assert 0.3 < float((scale == 0).double().mean()) < 0.7
                torch.testing.assert_close(other.detach(), one.detach() * scale)
            torch.testing.assert_close(one.grad, other.grad * scale)

    def test_the_weights_come_back_whatever_happens(self):
        model, _ = make_model()
        whole = copy.deepcopy(model.state_dict())
        with pytest.raises(KeyboardInterrupt), dropped(model, 0.9):
            raise KeyboardInterrupt
        assert all(torch.equal(value, whole[name]) for name, value in model.state_dict().items())
        ids = random_ids(3, 1)
        model(ids, model.initial_state(1))[0].sum().backward()
        assert all((each.grad != 0).any() for each in recurrent_weights(model))

    def test_a_matrix_that_is_held_fixed_is_dropped_as_well(self):
        model, _ = make_model("rnn")
        for weight in recurrent_weights(model):
            weight.requires_grad_(False)
        ids = random_ids(6, 2)
        with dropped(model, 0.5):
            assert all((weight == 0).any() for weight in recurrent_weights(model))
            model(ids, model.initial_state(2))[0].sum().backward()
        assert all((weight != 0).all() and weight.grad is None for weight in recurrent_weights(model))

    def test_a_matrix_that_two_cells_name_is_dropped_once(self):
        class Around(Cell):
            recurrent_weights = ("inner.kernel.weight_hh_l0",)

            def __init__(self, inner):
                super().__init__(inner.input_size, inner.hidden_size)
                self.inner = inner

        model = nn.ModuleList([Around(plugins().cells["rnn"].load()(5, WIDE)), nn.Linear(2, 2)])
        [weight] = recurrent_weights(model)
        whole = weight.detach().clone()
        with dropped(model, 0.5):
            assert set((weight / whole).unique().tolist()) == {0.0, 2.0}

    def test_none_dropped_draws_nothing(self):
        model, _ = make_model()
        before = torch.get_rng_state()
        with dropped(model, 0.0):
            pass
        assert torch.equal(torch.get_rng_state(), before)


class TestAverage:
    @given(decay=st.floats(0.01, 0.999), steps=st.integers(1, 30))
    def test_it_is_the_weighted_mean_of_the_weights(self, decay, steps):
        model = nn.Linear(2, 2).double()
        average = WeightAverage(model, decay)
        expected = model.weight.detach().numpy().copy()
        for step in range(1, steps + 1):
            with torch.no_grad():
                model.weight.normal_()
            average.update(step)
            share = min(decay, step / (step + 9))
            expected = share * expected + (1 - share) * model.weight.detach().numpy()
        now = model.weight.detach().clone()
        with average.in_place():
            np.testing.assert_allclose(model.weight.detach().numpy(), expected, atol=1e-12)
        assert torch.equal(model.weight, now)
        other = WeightAverage(model, decay)
        other.restore(average.tensors())
        with other.in_place():
            np.testing.assert_allclose(model.weight.detach().numpy(), expected, atol=1e-12)

    def test_a_save_of_another_model_is_refused(self):
        average = WeightAverage(nn.Linear(2, 2), 0.9)
        with pytest.raises(RunError, match="average of weight is missing or of another shape"):
            average.restore({"average.weight": torch.zeros(3, 2)})

    def test_the_run_keeps_the_average_and_training_goes_on_from_the_weights(self, text_file, cli):
        assert cli("train", text_file, *TINY, "--steps", 30, "--ema", "0.9", "--name", "mine").code == 0
        [save] = Path("checkpoints/mine/saves").iterdir()
        weights, training = (load_file(save / f"{name}.safetensors") for name in ("weights", "training"))
        for name, value in load_file("checkpoints/mine/model.safetensors").items():
            torch.testing.assert_close(value, training[f"average.{name}"])
            assert not torch.equal(value, weights[name])

    def test_who_hears_of_an_evaluation_or_a_sample_sees_the_average(self, text_file):
        seen = {}

        class Watching:
            def keep(self, hook, model):
                seen[hook] = {name: each.detach().clone() for name, each in model.named_parameters()}

            @charrnn.hookimpl
            def evaluated(self, model):
                self.keep("evaluated", model)

            @charrnn.hookimpl
            def sampled(self, model):
                self.keep("sampled", model)

            @charrnn.hookimpl
            def run_finished(self, model):
                self.keep("run_finished", model)

        small = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
        charrnn.train(text_file, **small, steps=4, ema=0.9, name="mine", observers=[Watching()])
        kept = load_file("checkpoints/mine/model.safetensors")
        for name, value in kept.items():
            assert torch.equal(seen["evaluated"][name], value)
            assert torch.equal(seen["sampled"][name], value)
            assert not torch.equal(seen["run_finished"][name], value)

    def test_who_breaks_off_an_evaluation_leaves_the_weights_in_place(self, text_file):
        seen = []

        def listen(event):
            if isinstance(event, Evaluated):
                raise KeyboardInterrupt

        class Watching:
            @charrnn.hookimpl
            def step_finished(self, model):
                self.last = [each.detach().clone() for each in model.parameters()]

            @charrnn.hookimpl
            def run_finished(self, model):
                pairs = zip(self.last, model.parameters(), strict=True)
                seen.append(all(torch.equal(one, other) for one, other in pairs))

        small = {"layers": 1, "hidden": 16, "embed": 8, "seq_len": 16, "batch_size": 8}
        with pytest.raises(KeyboardInterrupt):
            charrnn.train(text_file, **small, steps=4, ema=0.9, listen=listen, observers=[Watching()])
        assert seen == [True]


class TestOffsets:
    @given(
        tokens=st.integers(1, 300), seq_len=st.integers(1, 40), batch_size=st.integers(1, 9), seed=st.integers(0, 99)
    )
    def test_each_epoch_reads_the_corpus_from_a_place_of_its_own(self, tokens, seq_len, batch_size, seed):
        batch_size = min(batch_size, tokens)
        ids = np.arange(tokens, dtype=np.uint16)
        batches = LaneBatches(ids, seq_len, batch_size, 999, torch.device("cpu"), offset_seed=seed)
        for _ in range(3):
            chunks = [batches.next() for _ in range(batches.per_epoch)]
            assert max(len(inputs) for inputs, _ in chunks) <= seq_len
            targets = torch.cat([each for _, each in chunks]).T.flatten().numpy()
            first = int(targets[0])
            assert first < seq_len
            np.testing.assert_array_equal(targets, np.arange(first, first + len(targets)))
            assert len(targets) > tokens - seq_len - batch_size
            again = LaneBatches(
                ids, seq_len, batch_size, 999, torch.device("cpu"), batches.position - len(chunks), offset_seed=seed
            )
            assert torch.equal(again.next()[1], chunks[0][1])

    def test_offsets_differ_from_epoch_to_epoch(self):
        ids = np.arange(500, dtype=np.uint16)
        batches = LaneBatches(ids, 50, 2, 999, torch.device("cpu"), offset_seed=0)
        firsts = set()
        for _ in range(20):
            firsts.add(int(batches.next()[1][0, 0]))
            for _ in range(batches.per_epoch - 1):
                batches.next()
        assert len(firsts) > 5


@given(st.floats(0.01, 3), st.integers(0, 2**31))
def test_clipping_by_value_bounds_each_number(largest, seed):
    torch.manual_seed(seed)
    model = nn.Linear(3, 2).double()
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = [parameter.grad.numpy().copy() for parameter in model.parameters()]
    norm, cut = clip_gradient(model, OptimizerSettings(clip=0, clip_value=largest))
    assert norm.item() == pytest.approx(np.linalg.norm(np.concatenate([each.flatten() for each in before])))
    assert bool(cut) == any((np.abs(each) > largest).any() for each in before)
    for parameter, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), np.clip(old, -largest, largest))
