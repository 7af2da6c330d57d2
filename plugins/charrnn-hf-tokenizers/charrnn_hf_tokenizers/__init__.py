"""Tokenizers by the Hugging Face ``tokenizers`` library, made lossless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    from charrnn.hookspecs import Register


@hookimpl
def register_tokenizers(register: Register) -> None:
    """Offer the four tokenizers."""
    register(
        "hf-bpe",
        "charrnn_hf_tokenizers.bpe:BPETokenizer",
        summary="byte-pair encoding of characters; option vocab_size=N",
    )
    register(
        "hf-byte-bpe",
        "charrnn_hf_tokenizers.byte_bpe:ByteBPETokenizer",
        summary="byte-pair encoding of bytes, as GPT-2 has it; option vocab_size=N",
    )
    register(
        "hf-wordpiece",
        "charrnn_hf_tokenizers.wordpiece:WordPieceTokenizer",
        summary="starts and continuations of words, as BERT has them; option vocab_size=N",
    )
    register(
        "hf-word",
        "charrnn_hf_tokenizers.word:WordTokenizer",
        summary="the most frequent words, and characters for the others; option vocab_size=N",
    )
