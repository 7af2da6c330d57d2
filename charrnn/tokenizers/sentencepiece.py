"""Pieces of words, learned from the corpus by SentencePiece, made lossless."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from charrnn.declaration import Size
from charrnn.errors import CorpusError, RunError, UsageError
from charrnn.strict_file import read_file
from charrnn.tokenizers.base import Decoder, Ids, Tokenizer, Utf8Decoder
from charrnn.tokenizers.segments import aligned, segments, segments_end
from charrnn.tokenizers.sentencepiece_model import LARGEST, MOST_PIECES, without_rules
from charrnn.tokenizers.surrogates import surrogates, without_surrogates

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

_FILE = "sentencepiece.model"
# A line is encoded by itself, and a very long one in pieces of this many characters, so that a stream and a
# whole text are cut at the same places and give the same ids.
_LONGEST = 4096
# Lines that are encoded at once.
_LINES = 1000
# SentencePiece writes a space as this character, which would therefore come back as a space.
_SPACE = "\u2581"
_SPACE_BYTES = _SPACE.encode()
#: Bytes of a piece: SentencePiece makes none of more than 16 characters.
_LONGEST_PIECE = 64


class SentencePieceTokenizer(Tokenizer):
    """SentencePiece (Kudo and Richardson 2018) with byte fallback, so that any text can be encoded.

    Normalisation is the identity and no space is added or removed, which makes it lossless; U+2581, its sign for a
    space, goes through the byte pieces.

    Raises:
        ValueError: it is no model, or not one of this kind.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._processor = _processor(without_rules(model))
        self.vocab_size = self._processor.get_piece_size()
        self._pieces = [self._bytes(token) for token in range(self.vocab_size)]
        if max(map(len, self._pieces), default=0) > _LONGEST_PIECE:
            raise ValueError(f"it has a piece of more than {_LONGEST_PIECE} bytes")
        bytes_of = [self._processor.piece_to_id(f"<0x{value:02X}>") for value in range(256)]
        if not all(map(self._processor.is_byte, bytes_of)):
            raise ValueError("it has not all 256 bytes")
        self._sign = [bytes_of[value] for value in _SPACE_BYTES]

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int = 1000,
        model_type: Literal["bpe", "unigram"] = "bpe",
        character_coverage: float = 0.9995,
        sample_size: Size = 4_000_000,
    ) -> Self:
        """Learn the pieces.

        Args:
            texts: read once; memory holds a sample of it.
            vocab_size: pieces, the 256 bytes among them.
            model_type: how they are chosen.
            character_coverage: share of the text's characters that get a piece of their own.
            sample_size: characters in the sample, at most.

        Raises:
            UsageError: ``vocab_size`` is out of bounds.
            CorpusError: the corpus does not yield such a vocabulary.
        """
        import sentencepiece

        if vocab_size > MOST_PIECES:
            raise UsageError(f"vocab_size={vocab_size} is too large: give at most {MOST_PIECES}")

        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(_sample(texts, sample_size)),
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
        lines = segments(without_surrogates(text), _LONGEST)
        # A list of Python's integers takes ten times the memory of an array.
        runs = [self._encode(lines[start : start + _LINES]) for start in range(0, len(lines), _LINES)]
        return np.concatenate(runs) if runs else np.empty(0, dtype=np.int32)

    def unseen(self, text: str) -> Counter[str]:
        """Count lone surrogates: all else can be encoded."""
        return surrogates(text)

    def boundary(self, text: str) -> int:
        """Return the end of the last line, or of the last piece of a very long one."""
        return segments_end(text, _LONGEST)

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
        """Read the model file.

        Raises:
            RunError: it cannot be read, or is none.
        """
        path = directory / _FILE
        try:
            return cls(read_file(path, LARGEST))
        except OSError as error:
            raise RunError(f"the tokenizer {path} cannot be read: {error.strerror}") from error
        except (ValueError, RuntimeError) as error:
            raise RunError(f"the tokenizer {path} is damaged: {' '.join(str(error).split())}") from error

    def _encode(self, lines: list[str]) -> Ids:
        ids: list[int] = []
        for line in lines:
            first, *others = line.split(_SPACE)
            ids += self._processor.encode(first)
            for other in others:
                ids += self._sign
                ids += self._processor.encode(other)
        return np.array(ids, dtype=np.int32)

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


def _sample(texts: Iterable[str], size: int) -> list[str]:
    """Draw lines evenly from any number of them, read once, about ``size`` characters of them at most.

    Each line is kept with the same probability, which is halved, and with it the sample, whenever there are too many.
    (SentencePiece can draw a sample too, but its memory then grows with the corpus.)
    """
    chance = np.random.default_rng(0)  # the same corpus gives the same pieces
    probability, characters = 1.0, 0
    kept: list[str] = []
    for text in aligned(texts, lambda text: segments_end(text, _LONGEST)):
        found = segments(text, _LONGEST)
        drawn = np.flatnonzero(chance.random(len(found)) < probability)
        lines = [line for line in (found[place].rstrip("\n") for place in drawn) if line]
        kept += lines
        characters += sum(map(len, lines))
        while characters > size and len(kept) > 1:
            kept = [kept[place] for place in np.flatnonzero(chance.random(len(kept)) < 0.5)] or kept[:1]
            probability, characters = probability / 2, sum(map(len, kept))
    return kept
