"""Pieces of words, learned from the corpus by SentencePiece, made lossless."""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from charrnn.errors import CorpusError, RunError
from charrnn.tokenizers.base import Decoder, Ids, Tokenizer, Utf8Decoder

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

_FILE = "sentencepiece.model"
# A line is encoded by itself, and a very long one in pieces of this many characters, so that a stream and a
# whole text are cut at the same places and give the same ids.
_LONGEST = 4096
_SEGMENT = re.compile(rf"[^\n]{{0,{_LONGEST - 1}}}\n|[^\n]{{1,{_LONGEST}}}")
# What Python makes of bytes that are no UTF-8; SentencePiece takes none.
_SURROGATE = re.compile("[\ud800-\udfff]")
# SentencePiece writes a space as this character, which would therefore come back as a space.
_SPACE = "\u2581"
_SPACE_BYTES = _SPACE.encode()


class SentencePieceTokenizer(Tokenizer):
    """SentencePiece (Kudo and Richardson 2018) with byte fallback, so that any text can be encoded.

    Normalisation is the identity and no space is added or removed, which makes it lossless; U+2581, its sign for a
    space, goes through the byte pieces.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._processor = _processor(model)
        self.vocab_size = self._processor.get_piece_size()
        self._pieces = [self._bytes(token) for token in range(self.vocab_size)]
        self._sign = [self._processor.piece_to_id(f"<0x{value:02X}>") for value in _SPACE_BYTES]

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int = 1000,
        model_type: Literal["bpe", "unigram"] = "bpe",
        character_coverage: float = 0.9995,
        sentence_size: int = 200_000,
    ) -> Self:
        """Learn the pieces.

        Args:
            texts: read once; memory holds a sample of it.
            vocab_size: pieces, the 256 bytes among them.
            model_type: how they are chosen.
            character_coverage: share of the text's characters that get a piece of their own.
            sentence_size: lines in the sample.

        Raises:
            CorpusError: the corpus does not yield such a vocabulary.
        """
        import sentencepiece

        segments = (segment for run in _whole_segments(texts) for segment in _SEGMENT.findall(run))
        lines = (segment.rstrip("\n") for segment in segments)
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(_sample((line for line in lines if line), sentence_size)),
                model_writer=model,
                vocab_size=vocab_size,
                model_type=model_type,
                character_coverage=character_coverage,
                max_sentence_length=4 * _LONGEST,
                user_defined_symbols=["\n"],
                normalization_rule_name="identity",
                add_dummy_prefix=False,
                remove_extra_whitespaces=False,
                byte_fallback=True,
                hard_vocab_limit=model_type == "bpe",
                unk_id=0,
                bos_id=-1,
                eos_id=-1,
                pad_id=-1,
                minloglevel=2,
            )
        except (RuntimeError, ValueError, OSError, SystemError) as error:
            reason = str(error).split("] ")[-1].strip() or "it is too small."
            raise CorpusError(
                f"sentencepiece cannot learn {vocab_size} pieces from this corpus: {reason} "
                "Choose another number with --tokenizer-option vocab_size=N, or --tokenizer char"
            ) from error
        return cls(model.getvalue())

    def encode(self, text: str) -> Ids:
        """Encode line by line."""
        ids: list[int] = []
        for segment in _SEGMENT.findall(_SURROGATE.sub("\ufffd", text)):
            first, *others = segment.split(_SPACE)
            ids += self._processor.encode(first)
            for other in others:
                ids += self._sign
                ids += self._processor.encode(other)
        return np.array(ids, dtype=np.int32)

    def unseen(self, text: str) -> Counter[str]:
        """Count lone surrogates: all else can be encoded."""
        return Counter(_SURROGATE.findall(text))

    def encode_stream(self, texts: Iterable[str]) -> Iterator[Ids]:
        """Encode a text that comes in pieces, cut where :meth:`encode` cuts it."""
        for run in _whole_segments(texts):
            yield self.encode(run)

    def decode(self, ids: Ids) -> str:
        """Join the pieces' bytes and decode UTF-8, with U+FFFD for what is none."""
        return b"".join([self._pieces[token] for token in ids]).decode("utf-8", "replace")

    def decoder(self) -> Decoder:
        """Return a decoder that holds half a character back until it is whole."""
        return Utf8Decoder(self._pieces)

    def pieces(self) -> list[bytes]:
        """Return what each piece adds to a text."""
        return self._pieces

    def save(self, directory: Path) -> None:
        """Write SentencePiece's own model file."""
        (directory / _FILE).write_bytes(self._model)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the model file."""
        path = directory / _FILE
        try:
            return cls(path.read_bytes())
        except (OSError, RuntimeError) as error:
            raise RunError(f"the tokenizer {path} cannot be read: {error}") from error

    def _bytes(self, token: int) -> bytes:
        piece: str = self._processor.id_to_piece(token)
        if self._processor.is_byte(token):
            return bytes([int(piece[1:-1], 16)])
        if self._processor.is_unknown(token):
            return "\ufffd".encode()
        return piece.replace(_SPACE, " ").encode()


def _processor(model: bytes) -> SentencePieceProcessor:
    import sentencepiece

    processor: SentencePieceProcessor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(model)
    return processor


def _sample(lines: Iterable[str], size: int) -> list[str]:
    """Draw ``size`` lines evenly from any number of them, read once (Vitter 1985, algorithm R).

    SentencePiece can do the same, but its memory then grows with the corpus.
    """
    chance = random.Random(0)  # noqa: S311 - the same corpus gives the same pieces
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number < size:
            kept.append(line)
        elif (place := chance.randrange(number + 1)) < size:
            kept[place] = line
    return kept


def _whole_segments(texts: Iterable[str]) -> Iterator[str]:
    """Cut a text that comes in pieces anew, each piece now ending where a segment of the whole does."""
    rest = ""
    for text in texts:
        segments = _SEGMENT.findall(rest + text)
        # The last one is whole only if its line ended, or if it is as long as a segment may be.
        whole = not segments or segments[-1].endswith("\n") or len(segments[-1]) == _LONGEST
        rest = "" if whole else segments.pop()
        yield "".join(segments)
    yield rest
