"""Byte-pair encoding of characters."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import BPE, Model
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import BpeTrainer

from charrnn_hf_tokenizers.pieces import PieceTokenizer
from charrnn_hf_tokenizers.sample import REPLACEMENT, Sample

#: As GPT-2 cuts a text (Radford et al. 2019), but for its English endings, and with marks kept at their letters: a word
#: takes the space before it along.
_SPACED_WORDS = r" ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"


class BPETokenizer(PieceTokenizer):
    """Byte-pair encoding (Sennrich et al. 2016): characters, and what the most frequent pairs of tokens join to.

    Pairs are joined within words, which have the space before them.
    """

    model_type = BPE

    @classmethod
    def pipeline(cls, model: Model) -> Tokenizer:
        """Cut a text into words, with their spaces."""
        pipeline = Tokenizer(model)
        pipeline.pre_tokenizer = Split(Regex(_SPACED_WORDS), "isolated")
        pipeline.decoder = Fuse()
        return pipeline

    @classmethod
    def units(cls, alphabet: list[str]) -> list[str]:
        """Return the alphabet."""
        return alphabet

    @classmethod
    def fit(cls, sample: Sample, vocab_size: int, min_frequency: int) -> Model:
        """Join pairs until there are ``vocab_size`` tokens, or no pair occurs ``min_frequency`` times."""
        pipeline = cls.pipeline(BPE(unk_token=REPLACEMENT))
        trainer = BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            initial_alphabet=cls.units(sample.alphabet),
            show_progress=False,
        )
        pipeline.train_from_iterator(sample.lines, trainer)
        model: Model = pipeline.model
        return model
