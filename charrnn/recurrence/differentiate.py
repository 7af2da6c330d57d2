"""The derivative of a step, as a program of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, fx

from charrnn.recurrence.program import Program, ancestors, closure, ends, extract, is_part, make_graph
from charrnn.recurrence.simplify import drop, simplify

_aten = torch.ops.aten


def differentiate(program: Program, examples: Sequence[Tensor]) -> tuple[Program, Program, list[fx.Node]]:
    """Derive the program of the backward pass.

    Args:
        program: whose loop is to be differentiated.
        examples: a value of each of its inputs.

    Returns:
        The program once more, with what the backward pass needs in its graph; the backward program, whose stepped
        inputs are the values kept, then the gradients of ``emitted``, whose carried inputs are the gradients of
        ``following``, and which emits the gradients of ``stepped``; and the nodes of the first whose values are kept.
    """
    module = fx.GraphModule(program.root, program.graph)
    count = len(examples)

    def joint(*inputs: Tensor) -> list[Tensor | None]:
        primals = [each.detach() for each in inputs[:count]]
        sought = [each.requires_grad_() for each in primals if each.is_floating_point() or each.is_complex()]
        with torch.enable_grad():
            outputs = module.forward(*primals)
            pairs = [each for each in zip(outputs, inputs[count:], strict=True) if each[0].requires_grad]
            made, gradients = zip(*pairs, strict=True)
            found = iter(torch.autograd.grad(made, sought, gradients, allow_unused=True))
        return [*outputs, *(next(found) if each.requires_grad else None for each in primals)]

    with torch.no_grad():
        outputs = module.forward(*examples)
    traced = make_graph(joint, *examples, *map(torch.zeros_like, outputs))
    graph = traced.graph
    # Autograd has done with what it cut off.
    drop(graph, _aten.detach.default, _aten.alias.default)
    placeholders, results = ends(graph)
    primals, gradients = placeholders[:count], placeholders[count:]
    cuts = (len(program.fixed), len(program.fixed) + len(program.stepped))
    fixed, stepped, carried = primals[: cuts[0]], primals[cuts[0] : cuts[1]], primals[cuts[1] :]
    made, derived = results[: len(outputs)], results[len(outputs) :]
    forward = Program(traced, graph, fixed, stepped, carried, made[: len(carried)], made[len(carried) :])

    # What has no part in the outputs has a gradient like the others: zeros.
    with graph.inserting_before(graph.output_node()):
        for index, node in enumerate([*stepped, *gradients[: len(carried)]], cuts[0]):
            if derived[index] is None:
                derived[index] = graph.call_function(_aten.zeros_like.default, (node,))
    before = ancestors(made) & closure(graph, [*stepped, *carried]) | {*stepped, *carried}
    before |= {node for node in graph.nodes if is_part(node) and node.args[0] in before}
    after = ancestors(_nodes(derived)) - before
    used = {each for node in after for each in node.all_input_nodes} | set(_nodes(derived))
    kept = [node for node in graph.nodes if node in before and node in used]
    inputs = [*fixed, *kept, *gradients[len(carried) :], *gradients[: len(carried)]]
    targets = [*derived[cuts[1] :], *derived[cuts[0] : cuts[1]], *derived[: cuts[0]]]
    copy, copied = extract(graph, inputs, _nodes(targets))
    roles = [copied[node] for node in inputs]
    simplify(copy, roles[-len(carried) :])
    found = iter(ends(copy)[1])
    image = [None if node is None else next(found) for node in targets]
    split = len(inputs) - len(carried)
    backward = Program(
        root=traced,
        graph=copy,
        fixed=roles[: len(fixed)],
        stepped=roles[len(fixed) : split],
        carried=roles[split:],
        following=_nodes(image[: len(carried)]),
        emitted=_nodes(image[len(carried) : len(carried) + len(stepped)]),
        summed=image[len(carried) + len(stepped) :],
    )
    return forward, backward, kept


def _nodes(found: Iterable[fx.Node | None]) -> list[fx.Node]:
    return [node for node in found if node is not None]
