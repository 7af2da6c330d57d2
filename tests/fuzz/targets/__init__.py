"""What is spoiled: one file a target, which turns chance into a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.targets import arguments, config, manifest, metrics, recipe, settings, state, tensors, text, tokenizer

Make = Callable[[Chance, Homes], Case]


@dataclass(frozen=True)
class Target:
    """One target: how a case is made, and its share of all cases."""

    make: Make
    share: float


TARGETS: Mapping[str, Target] = {
    "config": Target(config.make, 0.18),
    "metrics": Target(metrics.make, 0.08),
    "state": Target(state.make, 0.08),
    "manifest": Target(manifest.make, 0.08),
    "tensors": Target(tensors.make, 0.13),
    "tokenizer": Target(tokenizer.make, 0.1),
    "recipe": Target(recipe.make, 0.08),
    "settings": Target(settings.make, 0.07),
    "text": Target(text.make, 0.05),
    "arguments": Target(arguments.make, 0.15),
}
