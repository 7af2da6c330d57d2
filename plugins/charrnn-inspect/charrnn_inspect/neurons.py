"""Units of a run and what they follow in a text: all that the command shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.errors import UsageError, near_names
from charrnn.generation.prompt import chunks
from charrnn.generation.session import Session
from charrnn.tokenizers.base import Ids
from charrnn_inspect.activations import Activations, Unit, choose, gather
from charrnn_inspect.correlation import Followed, rank, varying
from charrnn_inspect.features import FEATURES, compute_features
from charrnn_inspect.spelling import Spelling, spell


@dataclass(frozen=True)
class Wish:
    """Which units are looked at; None and empty where all are.

    Attributes:
        layer: counted from 1.
        leaf: of the state, by name.
        unit: counted from 1.
        feature: what they are to follow.
        most: units a feature.
    """

    layer: int | None = None
    leaf: str | None = None
    unit: int | None = None
    feature: str | None = None
    most: int = 3


@dataclass(frozen=True)
class Study:
    """What was found.

    Attributes:
        spelling: of the text.
        activations: of the units that were looked at.
        ranking: what they follow, as :func:`charrnn_inspect.correlation.rank` orders it.
        still: features that are the same all over the text.
        shown: the unit that the text is to be coloured by.
    """

    spelling: Spelling
    activations: Activations
    ranking: list[Followed]
    still: list[str]
    shown: Unit

    def record(self, *, activations: bool) -> dict[str, Any]:
        """Return it for JSON, with the activations of the unit shown if that is asked for."""
        rows = [{"feature": row.feature, **row.unit._asdict(), "correlation": row.correlation} for row in self.ranking]
        found = {"tokens": len(self.spelling.shown), "ranking": rows, "still": self.still}
        if activations:
            values = self.activations.of(self.shown).tolist()
            found |= {"unit": self.shown._asdict(), "texts": list(self.spelling.shown), "activations": values}
        return found


def read_ids(session: Session, texts: Iterable[str], most: int) -> tuple[Ids, bool, Counter[str]]:
    """Encode the start of a text that comes in pieces, and read no more of it than that takes.

    Returns:
        No more ids than ``most``, whether there were more, and the characters that had to be replaced.

    Raises:
        PluginError: the tokenizer gave what are no ids.
    """
    tokenizer, unseen = session.tokenizer, Counter[str]()
    found = np.empty(0, dtype=np.int64)
    for part in tokenizer.parts(texts):
        ids = np.concatenate([found[:0], *chunks([tokenizer.encode(part)], session.network.vocab_size)])
        # A character that was replaced is one character in the text of the ids, too.
        read = len(tokenizer.decode(ids[: most - len(found)]))
        unseen.update(tokenizer.unseen(part[:read]))
        found = np.concatenate([found, ids])
        if len(found) > most:
            break
    return found[:most], len(found) > most, unseen


def study(session: Session, ids: Ids, wish: Wish) -> Study:
    """Read ids and find what the units follow.

    Raises:
        UsageError: the wish fits neither the run nor the text.
        RunError: an activation is no number.
    """
    names = [each.name for each in FEATURES]
    if wish.feature is not None and wish.feature not in names:
        raise UsageError(f"--feature '{wish.feature}': no feature is called so: {near_names(wish.feature, names)}")
    if not len(ids):
        raise UsageError("the text is empty; give one that has something to follow")
    found = gather(session.network, session.context, ids)
    chosen = choose(found, *_exactly(found, wish))
    spelling = spell(session.tokenizer, ids)
    features = {name: numbers[spelling.last] for name, numbers in compute_features(spelling.text).items()}
    features = {name: features[name] for name in names if wish.feature in (None, name)}
    moving = varying(features)
    if wish.feature is not None and not moving:
        raise UsageError(f"--feature '{wish.feature}' is the same all over the text; give another text")
    ranking = rank(chosen, moving, wish.most)
    if wish.unit is None and not ranking:
        raise UsageError("the text has nothing that a unit could follow; give a longer one, or a unit by --unit")
    shown = chosen.units[0] if wish.unit is not None else ranking[0].unit
    return Study(spelling, chosen, ranking, [name for name in features if name not in moving], shown)


def _exactly(found: Activations, wish: Wish) -> tuple[int | None, str | None, int | None]:
    """Say which layer and leaf a unit is of: the only layer, and the first leaf."""
    if wish.unit is None:
        return wish.layer, wish.leaf, None
    first, last = found.units[0], found.units[-1]
    if wish.layer is None and last.layer > first.layer:
        raise UsageError(f"--unit {wish.unit}: of which layer? Give --layer, from 1 to {last.layer}")
    return wish.layer or first.layer, wish.leaf or first.leaf, wish.unit
