"""Words."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import BPE, Model, WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import WordLevelTrainer

from charrnn_hf_tokenizers.pieces import WORDS, PieceTokenizer
from charrnn_hf_tokenizers.sample import REPLACEMENT, Sample


class WordTokenizer(PieceTokenizer):
    """The most frequent words of the corpus; any other is spelled by its characters.

    A run of spaces or tabs is a word too. The library's own model of words knows one token for all that it does not
    know, so this is its byte-pair encoding, without any pair: a word that is a token is taken as it is, and another
    stays in its characters.
    """

    model_type = BPE

    @classmethod
    def pipeline(cls, model: Model) -> Tokenizer:
        """Cut a text into words, and what lies between them."""
        pipeline = Tokenizer(model)
        pipeline.pre_tokenizer = Split(Regex(WORDS), "isolated")
        pipeline.decoder = Fuse()
        return pipeline

    @classmethod
    def units(cls, alphabet: list[str]) -> list[str]:
        """Return the alphabet."""
        return alphabet

    @classmethod
    def fit(cls, sample: Sample, vocab_size: int, min_frequency: int) -> Model:
        """Take the most frequent words of two characters or more, as long as there is room."""
        counting = cls.pipeline(WordLevel())
        trainer = WordLevelTrainer(vocab_size=vocab_size, min_frequency=min_frequency, show_progress=False)
        counting.train_from_iterator(sample.lines, trainer)
        counted = counting.get_vocab()
        words = [each for each in sorted(counted, key=counted.__getitem__) if len(each) > 1]
        tokens = [*cls.units(sample.alphabet), *words][:vocab_size]
        vocabulary = {token: place for place, token in enumerate(tokens)}
        return BPE(vocabulary, [], unk_token=REPLACEMENT, ignore_merges=True)
