"""Products by the faster library are those of torch."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from charrnn.recurrence.linear import QuickProducts, _Linear, linear
from charrnn.recurrence.products import multiply, pack, product, serves

LARGE = [(64, 128, 256), (300, 70, 65), (2048, 65, 33)]


def normal(*shape, **how):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), **how)


@pytest.mark.parametrize(("rows", "inner", "columns"), [*LARGE, (3, 4, 5), (1, 512, 2048)])
def test_a_product_is_that_of_float64(rows, inner, columns):
    left, right = normal(rows, inner), normal(inner, columns)
    wanted = left.double() @ right.double()
    with torch.no_grad():
        for a in (left, left.t().contiguous().t()):
            for b in (right, right.t().contiguous().t()):
                torch.testing.assert_close(multiply(a, b).double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rows", "inner", "columns"), LARGE)
def test_a_weight_is_packed_once_for_many_products(rows, inner, columns):
    weight = normal(inner, columns)
    packed = pack(weight, rows)
    for seed in range(3):
        left = torch.randn(rows, inner, generator=torch.Generator().manual_seed(seed))
        assert serves(left, weight)
        torch.testing.assert_close(product(left, packed), left @ weight, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize(("lanes", "features", "outputs"), [(32, 64, 96), (16, 100, 65)])
def test_a_linear_layer_and_its_gradients_are_torchs(lanes, features, outputs, biased):
    inputs, weight = normal(20, lanes, features), normal(outputs, features)
    assert serves(inputs, weight.t())
    found = []
    for function in (linear, functional.linear):
        given = [each.clone().requires_grad_() for each in (inputs, weight, *([normal(outputs)] if biased else []))]
        result = function(*given)
        result.square().sum().backward()
        found.append([result.detach(), *(each.grad for each in given)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)


def test_a_linear_layer_may_be_differentiated_twice(monkeypatch):
    monkeypatch.setattr("charrnn.recurrence.linear.affine", functional.linear)  # oneDNN has no float64
    given = [normal(*shape, dtype=torch.float64).requires_grad_() for shape in ((3, 2, 4), (5, 4), (5,))]
    assert gradcheck(_Linear.apply, given)
    assert gradgradcheck(_Linear.apply, given)


def test_code_that_knows_nothing_of_it_gets_the_faster_products():
    layer, inputs = nn.Linear(256, 256), normal(4, 32, 256)
    plain = layer(inputs)
    with QuickProducts():
        quick = layer(inputs)
        few = layer(inputs[0, :2])
    assert type(quick.grad_fn).__name__ == "_LinearBackward"
    assert type(few.grad_fn).__name__ != "_LinearBackward"
    assert type(layer(inputs).grad_fn).__name__ != "_LinearBackward"
    torch.testing.assert_close(quick, plain)


def test_mixed_precision_is_left_to_torch():
    layer, inputs = nn.Linear(256, 256), normal(4, 32, 256)
    with torch.autocast("cpu", dtype=torch.bfloat16), QuickProducts():
        assert layer(inputs).dtype == torch.bfloat16


def test_what_the_library_lacks_torch_does(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    left, right = normal(64, 128), normal(128, 256)
    assert not serves(left, right)
    with torch.no_grad():
        assert multiply(left, right).equal(left @ right)
