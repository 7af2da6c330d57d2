"""The model card: a run's README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charrnn.command_line import command_line
from charrnn.controls import printable, printable_line
from charrnn.layers import spoken
from charrnn.settings import ModelSettings, OptimizerSettings

if TYPE_CHECKING:
    from charrnn.runs.config import OriginRecord, RunConfig


#: Settings that tell how a model learned, but for those that are told with its shape.
_LEARNING = [
    name
    for name in (*ModelSettings.model_fields, *OptimizerSettings.model_fields, "seq_len", "batch_size", "random_offset")
    if name not in ("cell", "layers", "hidden", "embed", "dropout")
]


def model_card(name: str, config: RunConfig, state: dict[str, Any]) -> str:
    """Write what a stranger wants to know of a run, in Markdown."""
    settings, corpus = config.settings, config.corpus
    best = state["best"]
    loss = best.get("nats_per_token")
    shape = f"{settings.layers} x {settings.hidden}, embedding {settings.embed}, dropout {settings.dropout}"
    rows = {
        "cell": f"{settings.cell}, {shape}",
        "trained with": spoken({name: getattr(settings, name) for name in _LEARNING}),
        **_origin(config.origin),
        "tokenizer": f"{config.tokenizer.name}, {config.tokenizer.vocab_size} tokens",
        "corpus": f"{corpus.name} ({corpus.provenance.get('source', 'unknown source')})",
        "licence of the corpus": corpus.provenance.get("licence") or "not known",
        "revision": corpus.provenance.get("resolved_revision") or "none",
        "validation": f"tokens {corpus.validation.start} to {corpus.validation.stop} of {corpus.validation.split}",
        "validation loss": "not measured yet"
        if loss is None
        else f"{loss:.4f} nats a token ({best['bits_per_char']:.4f} bits a character) at step {best['step']}, "
        f"on the first {best['tokens']:,} of these tokens",
        "seed": str(settings.seed),
        "made by": f"charrnn {config.charrnn}, {config.created}",
    }
    table = "\n".join(f"| {key} | {printable_line(str(value))} |" for key, value in rows.items())
    return printable(
        f"# {printable_line(name)}\n\nA character-level language model.\n\n| | |\n| --- | --- |\n{table}\n\n"
        f"```console\n$ {command_line('sample', name)}\n$ {command_line('eval', name)}\n```\n\n"
        "It continues text in the manner of its corpus. It knows nothing, and may repeat passages of the corpus "
        "word for word.\n"
    )


def _origin(origin: OriginRecord) -> dict[str, str]:
    if origin.run:
        return {"started from": f"the weights of run {origin.run} at step {origin.step}"}
    if origin.embeddings:
        return {"started from": f"an embedding from {origin.embeddings}, SHA-256 {origin.sha256}"}
    return {}
