"""Byte-pair encoding of bytes."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders
from tokenizers.models import Model
from tokenizers.pre_tokenizers import ByteLevel

from charrnn.tokenizers.base import Decoder, Ids, Utf8Decoder
from charrnn_hf_tokenizers.bpe import BPETokenizer
from charrnn_hf_tokenizers.sample import SURROGATES


class ByteBPETokenizer(BPETokenizer):
    """Byte-pair encoding of UTF-8 bytes, with GPT-2's words (Radford et al. 2019): no text that it cannot encode.

    A lone surrogate has no UTF-8, and becomes U+FFFD.
    """

    made_of = "bytes"

    @classmethod
    def pipeline(cls, model: Model) -> Tokenizer:
        """Cut a text into words, with their spaces, and spell their bytes as the library does."""
        pipeline = Tokenizer(model)
        pipeline.pre_tokenizer = ByteLevel(add_prefix_space=False)
        pipeline.decoder = decoders.ByteLevel()
        return pipeline

    @classmethod
    def units(cls, alphabet: list[str]) -> list[str]:  # noqa: ARG003 - bytes are the same in every text
        """Return the 256 bytes."""
        return list(_BYTES)

    def read_vocabulary(self, spellings: list[str]) -> None:
        """Note each token's bytes."""
        if not _BYTES.keys() <= {*spellings}:
            raise ValueError("it has not all 256 bytes")
        self._bytes = [bytes(_BYTES[sign] for sign in spelling) for spelling in spellings]

    def missing(self, characters: set[str]) -> set[str]:
        """Return the surrogates."""
        return {each for each in characters if SURROGATES.match(each)}

    def decode(self, ids: Ids) -> str:
        """Join the bytes and decode UTF-8, with U+FFFD for what is none."""
        return b"".join([self._bytes[token] for token in ids]).decode("utf-8", "replace")

    def decoder(self) -> Decoder:
        """Return a decoder that holds half a character back until it is whole."""
        return Utf8Decoder(self._bytes)


def _spelled_bytes() -> dict[str, int]:
    """Return the byte behind each sign of the library's spelling.

    A byte that is a visible character in Latin-1 is written as that one, and the others, in order, as the characters
    from U+0100 on.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [value for value in range(256) if value not in visible]
    return {
        **{chr(value): value for value in visible},
        **{chr(0x100 + place): value for place, value in enumerate(others)},
    }


_BYTES = _spelled_bytes()
