"""The library's file, as far as it concerns us: the model in it.

Beside that it can hold rules that rewrite a text, patterns that cut it, tokens that are commands. A run may be a
stranger's, so none of them reaches the library, nor does a vocabulary that it would first have to make room for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers.models import Model

from charrnn.strict_json import read_json

#: Tokens of a vocabulary.
MOST_TOKENS = 100_000
#: Bytes of a file.
_LARGEST = 6_000_000
#: Characters of a token as the library spells it: four for each that a segment has.
_LONGEST_TOKEN = 4096
#: What each kind of model has, as it is trained here; all else stays as the library has it by default. What a kind
#: should not have, the library does not always survive: a prefix in byte-pair encoding ends the process.
_KEPT = {
    "BPE": ("vocab", "merges", "unk_token", "ignore_merges"),
    "WordPiece": ("vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"),
}


def read_model(path: Path) -> Model:
    """Read a model.

    Raises:
        OSError: there is no such file.
        ValueError: it is none that could be read.
    """
    content = read_json(path, _LARGEST)
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise ValueError("it holds no model")
    kind = model.get("type")
    if not isinstance(kind, str) or kind not in _KEPT:
        raise ValueError(f"its model is neither {' nor '.join(_KEPT)}")
    check_vocabulary(model.get("vocab"))
    kept = {"type": kind, **{key: model[key] for key in _KEPT[kind] if key in model}}
    found: Model = tokenizers.Tokenizer.from_str(json.dumps({"version": "1.0", "model": kept})).model
    return found


def check_vocabulary(vocabulary: Any) -> None:
    """Make sure that tokens have the ids from 0 on.

    Raises:
        ValueError: they have not, or are too many or too long.
    """
    if not isinstance(vocabulary, dict):
        raise ValueError("its vocabulary should be an object")
    if len(vocabulary) > MOST_TOKENS:
        raise ValueError(f"it has more than {MOST_TOKENS:,} tokens")
    if any(type(each) is not int for each in vocabulary.values()) or sorted(vocabulary.values()) != [
        *range(len(vocabulary))
    ]:
        raise ValueError("its ids should be 0, 1, 2 and so on")
    if max(map(len, vocabulary), default=0) > _LONGEST_TOKEN:
        raise ValueError(f"it has a token of more than {_LONGEST_TOKEN:,} characters")
