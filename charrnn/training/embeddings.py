"""An embedding that starts from pretrained vectors."""

from __future__ import annotations

import torch

from charrnn.errors import UsageError
from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Tokenizer
from charrnn.training.vectors import Vectors


def start_from(model: LanguageModel, tokenizer: Tokenizer, vectors: Vectors) -> int:
    """Let the embedding of each token that has a vector be that.

    Returns:
        How many have one.

    Raises:
        UsageError: none has.
    """
    texts = {token: text for token, piece in enumerate(tokenizer.pieces()) if (text := _decoded(piece)) is not None}
    found = vectors.find(set(texts.values()))
    known = [token for token, text in texts.items() if text in found]
    if not known:
        raise UsageError(f"--embeddings '{vectors.path}' has a vector for none of the {tokenizer.vocab_size} tokens")
    with torch.no_grad():
        for token in known:
            model.embedding.weight[token] = torch.from_numpy(found[texts[token]])
    return len(known)


def _decoded(piece: bytes) -> str | None:
    """Return a token's text; None where it is part of a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return None
