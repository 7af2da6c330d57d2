"""Starts and continuations of words."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse, Replace
from tokenizers.decoders import Sequence as Chain
from tokenizers.models import Model, WordPiece
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import WordPieceTrainer

from charrnn_hf_tokenizers.pieces import WORDS, PieceTokenizer
from charrnn_hf_tokenizers.sample import REPLACEMENT, Sample


class WordPieceTokenizer(PieceTokenizer):
    """WordPiece (Schuster and Nakajima 2012) as BERT has it: a word is its longest known start, then continuations.

    BERT writes a continuation with ``##`` before it, and drops white space. Here white space is a word like any other,
    and the sign of a continuation is a character that the corpus does not hold, so that no text can look like one. The
    characters that words are made of are tokens twice, as a start and as a continuation.
    """

    model_type = WordPiece

    @classmethod
    def pipeline(cls, model: Model) -> Tokenizer:
        """Cut a text into words, and what lies between them."""
        pipeline = Tokenizer(model)
        pipeline.pre_tokenizer = Split(Regex(WORDS), "isolated")
        if isinstance(model, WordPiece):
            pipeline.decoder = Chain([Replace(model.continuing_subword_prefix, ""), Fuse()])
        return pipeline

    @classmethod
    def units(cls, alphabet: list[str]) -> list[str]:
        """Return the alphabet, and once more as continuations those characters that are not always by themselves."""
        words = Split(Regex(WORDS), "isolated")
        return alphabet + [_sign(alphabet) + each for each in alphabet if len(words.pre_tokenize_str(2 * each)) == 1]

    @classmethod
    def fit(cls, sample: Sample, vocab_size: int, min_frequency: int) -> Model:
        """Join pairs as byte-pair encoding does, starts and continuations apart."""
        sign = _sign(sample.alphabet)
        blank = {"unk_token": REPLACEMENT, "continuing_subword_prefix": sign}
        pipeline = cls.pipeline(WordPiece(**blank))
        trainer = WordPieceTrainer(
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            continuing_subword_prefix=sign,
            # The library takes the alphabet's continuations from its sample, in an order that differs from process to
            # process. Named here, they have one, and those are there that the sample lacks. As special tokens they
            # serve in training only: the model that is kept is made from the vocabulary alone.
            special_tokens=cls.units(sample.alphabet),
            show_progress=False,
        )
        pipeline.train_from_iterator(sample.lines, trainer)
        return WordPiece(pipeline.get_vocab(), **blank)

    def read_vocabulary(self, spellings: list[str]) -> None:
        """Take the sign off the continuations."""
        super().read_vocabulary(spellings)
        sign = self._library.model.continuing_subword_prefix
        self._pieces = [each.removeprefix(sign) for each in spellings]


def _sign(alphabet: list[str]) -> str:
    """Choose a character that is not in the alphabet: Unicode's noncharacters, for a program's own use, come first."""
    taken = {*alphabet}
    return next(chr(point) for point in range(0xFDD0, 0x110000) if chr(point) not in taken)
