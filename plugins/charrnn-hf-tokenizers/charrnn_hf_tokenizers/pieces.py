"""What the tokenizers share: a model of the library, and the way in and out of it."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import tokenizers
from tokenizers.models import Model

from charrnn import Tokenizer
from charrnn.errors import CorpusError, RunError, UsageError
from charrnn.tokenizers.base import Ids
from charrnn_hf_tokenizers.model_file import MOST_TOKENS, check_vocabulary, read_model
from charrnn_hf_tokenizers.sample import REPLACEMENT, Sample
from charrnn_hf_tokenizers.segments import segments, segments_end

# Unless it is told whether to use threads, the library writes a warning to standard error in each process that is
# forked from one that has trained.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_FILE = "tokenizer.json"
#: Runs of letters, marks, digits and underscores; runs of spaces, of tabs; every other character by itself. A word is
#: no longer than the library's WordPiece takes.
WORDS = r"[\p{L}\p{M}\p{N}_]{1,100}| {1,100}|\t{1,100}|[^\p{L}\p{M}\p{N}_ \t]"


class PieceTokenizer(Tokenizer):
    """A model of the library, which is given all that a text holds and no more.

    No normalizer, no added prefix, no special tokens: nothing in a text is a command, and the pieces of a text, joined,
    are the text. Every character of the corpus is a token by itself, and so is U+FFFD, which stands for every other.

    A tokenizer says which model it has (:attr:`model_type`), what stands around it (:meth:`pipeline`), which tokens it
    cannot do without (:meth:`units`) and how the others are learned (:meth:`fit`).
    """

    model_type: ClassVar[type[Model]]
    #: What :meth:`units` are made from, for a message.
    made_of: ClassVar[str] = "characters of this corpus"

    def __init__(self, model: Model) -> None:
        self._library = self.pipeline(model)
        vocabulary = self._library.get_vocab()
        check_vocabulary(vocabulary)
        spellings = sorted(vocabulary, key=vocabulary.__getitem__)
        self.vocab_size = len(spellings)
        self.read_vocabulary(spellings)

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int = 1000, min_frequency: int = 2, sample_lines: int = 200_000
    ) -> Self:
        """Learn the tokens.

        Args:
            texts: read once; memory holds a sample of it.
            vocab_size: tokens, at most; fewer where the corpus does not yield so many.
            min_frequency: how often a token must occur in the sample to be learned.
            sample_lines: lines in the sample; their alphabet is the whole corpus's.

        Raises:
            UsageError: an option is out of range.
            CorpusError: ``vocab_size`` leaves no room for the corpus's characters.
        """
        if vocab_size > MOST_TOKENS:
            raise UsageError(f"vocab_size={vocab_size} is too large: give at most {MOST_TOKENS}")
        if not 0 <= min_frequency < 2**63:
            raise UsageError(f"min_frequency={min_frequency}: give a number from 0 on, such as 2")
        if sample_lines < 1:
            raise UsageError(f"sample_lines={sample_lines}: give a number from 1 on, such as 200000")
        sample = Sample.read(texts, sample_lines)
        least = len(cls.units(sample.alphabet))
        if vocab_size < least:
            raise CorpusError(
                f"vocab_size={vocab_size} is too small: the {cls.made_of} take {least} tokens by themselves; "
                f"give --tokenizer-option vocab_size={least} or more"
            )
        return cls(cls.fit(sample, vocab_size, min_frequency))

    @classmethod
    @abstractmethod
    def pipeline(cls, model: Model) -> tokenizers.Tokenizer:
        """Put a model behind its pre-tokenizer; the decoder is for others who open the file."""

    @classmethod
    @abstractmethod
    def units(cls, alphabet: list[str]) -> list[str]:
        """Return the tokens, in the library's spelling, that any text of the alphabet can be made of."""

    @classmethod
    @abstractmethod
    def fit(cls, sample: Sample, vocab_size: int, min_frequency: int) -> Model:
        """Learn a model, :meth:`units` among its tokens. The same sample gives the same model."""

    def read_vocabulary(self, spellings: list[str]) -> None:
        """Note what each token stands for, given how the library spells it."""
        self._alphabet = frozenset(each for each in spellings if len(each) == 1)
        if REPLACEMENT not in self._alphabet:
            raise ValueError("it has no token for U+FFFD")
        self._pieces = spellings

    def missing(self, characters: set[str]) -> set[str]:
        """Return those that :meth:`encode` replaces."""
        return characters - self._alphabet

    def unseen(self, text: str) -> Counter[str]:
        """Count the characters that are not in the alphabet."""
        missing = self.missing(set(text))
        return Counter(each for each in text if each in missing) if missing else Counter()

    def encode(self, text: str) -> Ids:
        """Encode segment by segment; a character that is not in the alphabet becomes U+FFFD."""
        return self._encode(segments(text))

    def boundary(self, text: str) -> int:
        """Return the end of the last segment that stays as it is."""
        return segments_end(text)

    def decode(self, ids: Ids) -> str:
        """Join the pieces."""
        return "".join([self._pieces[token] for token in ids])

    def save(self, directory: Path) -> None:
        """Write the library's own file."""
        (directory / _FILE).write_text(self._library.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the model from the library's file.

        What else such a file can hold (added tokens, a normalizer) is left there.
        """
        path = directory / _FILE
        try:
            model = read_model(path)
            if not isinstance(model, cls.model_type):
                raise ValueError(f"it holds a {type(model).__name__} model, not {cls.model_type.__name__}")
            return cls(model)
        except Exception as error:  # the library raises nothing narrower
            told = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise RunError(f"the tokenizer {path} cannot be read: {told}") from error

    def _encode(self, parts: list[str]) -> Ids:
        missing = self.missing(set().union(*parts))
        if missing:
            # After the cut, which would not be the same where a newline is replaced.
            table = str.maketrans(dict.fromkeys(missing, REPLACEMENT))
            parts = [part.translate(table) for part in parts]
        ids = [token for part in parts for token in self._library.encode(part, add_special_tokens=False).ids]
        return np.array(ids, dtype=np.int32)
