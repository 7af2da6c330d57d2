"""Every setting, declared once: name, type, default, bounds, help.

The command line's flags, a TOML file's keys, ``config.json`` and the docs follow from these classes. A default of
``None`` means that a preset fills it in (see :mod:`charrnn.presets`).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from charrnn.declaration import (
    ESCAPES,
    Count,
    Device,
    Duration,
    Fraction,
    NotNegative,
    Options,
    Positive,
    Seed,
    Settings,
    Size,
    of_kind,
    tuned_among,
    tuned_over,
)
from charrnn.errors import UsageError


def _small(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class CorpusSettings(Settings):
    """How text is read."""

    column: str | None = Field(None, description="column that holds the text, where rows have several")
    template: str | None = Field(
        None, description="text of a row made of several columns, such as {title}\\n{body}", json_schema_extra=ESCAPES
    )
    filter: Options = Field({}, description="only rows whose column has this value, as column=value")
    encoding: str = Field("utf-8", description="encoding of text files")
    errors: Literal["strict", "replace", "ignore"] = Field(
        "strict", description="what to do with bytes that the encoding cannot read"
    )
    separator: str | None = Field(
        None, description="text between documents (the corpus's own by default)", json_schema_extra=ESCAPES
    )
    newlines: Literal["keep", "fold"] = Field(
        "keep", description="keep line ends as they are, or fold CR LF and CR to LF"
    )
    normalize: Annotated[Literal["none", "nfc", "nfkc"], BeforeValidator(_small)] = Field(
        "none", description="Unicode normalization form of the text"
    )
    max_bytes: Size | None = Field(None, description="no more of each split than so many bytes of UTF-8, such as 10MB")
    corpus_options: Options = Field({}, description="an option of the corpus, as key=value")


class TokenizerSettings(Settings):
    """How text becomes tokens."""

    tokenizer: str = Field(
        "char", description="char, byte, sentencepiece, or a plugin's", json_schema_extra=of_kind("tokenizers")
    )
    tokenizer_options: Options = Field({}, description="an option of the tokenizer, as key=value")


class StreamSettings(Settings):
    """How training text is streamed."""

    stream: bool | None = Field(
        None, description="read the training text as it is needed, over and over, instead of packing it first"
    )
    shuffle_buffer: Count = Field(1000, description="documents of a stream that are shuffled together (1: none)")
    sample_bytes: Size = Field(16_000_000, description="how much of a stream its tokenizer learns from (default: 16MB)")


class PreparationSettings(CorpusSettings, TokenizerSettings):
    """What decides the tokens of a corpus."""


class ModelSettings(Settings):
    """The model's shape, and what regularises it."""

    cell: str | None = Field(
        None,
        description="lstm, gru, rnn, or a plugin's",
        json_schema_extra=of_kind("cells") | tuned_among("lstm", "gru"),
    )
    cell_options: Options = Field({}, description="an option of the cell, as key=value")
    layers: int | None = Field(
        None, ge=1, le=64, description="stacked recurrent layers", json_schema_extra=tuned_over(1, 3)
    )
    hidden: int | None = Field(
        None, ge=1, le=65536, description="hidden features of a layer", json_schema_extra=tuned_over(64, 512, step=32)
    )
    embed: int | None = Field(
        None,
        ge=1,
        le=65536,
        description="features of a token's embedding",
        json_schema_extra=tuned_over(16, 256, log=True),
    )
    layer_norm: bool | None = Field(
        None, description="normalise what each layer reads", json_schema_extra=tuned_among(False, True)
    )
    residual: bool = Field(
        False,
        description="add a layer's inputs to its outputs, where both are as wide",
        json_schema_extra=tuned_among(False, True),
    )
    tied: bool = Field(False, description="use the embedding's matrix as the output layer's; needs --embed as --hidden")
    orthogonal: bool = Field(
        False, description="let the recurrent weights start orthogonal", json_schema_extra=tuned_among(False, True)
    )
    dropout: Fraction | None = Field(None, description="dropout after each layer", json_schema_extra=tuned_over(0, 0.6))
    variational: bool = Field(
        False, description="drop the same features at all steps of a chunk", json_schema_extra=tuned_among(False, True)
    )
    weight_drop: Fraction = Field(
        0.0, description="share of the recurrent weights dropped for a chunk", json_schema_extra=tuned_over(0, 0.5)
    )
    zoneout: Fraction = Field(
        0.0, description="share of the state that stays as it was, at each step", json_schema_extra=tuned_over(0, 0.3)
    )

    def shape(self) -> tuple[str, int, int, int]:
        """Return cell, layers, hidden size and embedding size, once a preset has filled them in."""
        if self.cell is None or self.layers is None or self.hidden is None or self.embed is None:
            raise UsageError("the model's shape is not known: give cell, layers, hidden and embed, or a preset")
        return self.cell, self.layers, self.hidden, self.embed


class OptimizerSettings(Settings):
    """How weights are changed."""

    optimizer: Literal["adamw", "rmsprop", "sgd"] = Field(
        "adamw", description="the optimizer", json_schema_extra=tuned_among("adamw", "rmsprop", "sgd")
    )
    lr: Positive | None = Field(
        None, le=100, description="peak learning rate", json_schema_extra=tuned_over(3e-4, 3e-2, log=True)
    )
    schedule: Literal["cosine", "linear", "step", "constant"] = Field(
        "cosine",
        description="how the learning rate falls over the budget",
        json_schema_extra=tuned_among("cosine", "linear", "step", "constant"),
    )
    warmup: Fraction = Field(
        0.02,
        description="share of the budget in which the learning rate rises from 0",
        json_schema_extra=tuned_over(0, 0.2),
    )
    weight_decay: NotNegative = Field(
        0.01, le=1e6, description="decoupled weight decay", json_schema_extra=tuned_over(1e-4, 0.3, log=True)
    )
    clip: NotNegative = Field(
        1.0,
        le=1e30,
        description="largest norm of the whole gradient (0: unlimited)",
        json_schema_extra=tuned_over(0.1, 10, log=True),
    )
    clip_value: NotNegative = Field(
        0.0, le=1e30, description="largest number in the gradient, either sign (0: unlimited)"
    )
    ema: Fraction | None = Field(
        None, description="decay of a moving average of the weights, such as 0.999, which is what is validated and kept"
    )


class LoopSettings(Settings):
    """The training loop: its chunks, its budget, what it is validated on, its machine."""

    seq_len: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="time steps backpropagated through",
        json_schema_extra=tuned_over(32, 256, step=32),
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="lanes of the corpus read side by side",
        json_schema_extra=tuned_over(8, 64, log=True),
    )
    accumulate: int = Field(
        1,
        ge=1,
        le=10_000,
        description="chunks whose gradients are averaged for one optimizer step",
    )
    random_offset: bool | None = Field(
        None, description="cut the text into chunks at other places in each epoch (a stream always is)"
    )
    steps: int | None = Field(None, ge=1, le=10**12, description="budget: optimizer steps")
    epochs: Positive | None = Field(None, le=1e9, description="budget: passes over the corpus")
    time: Duration | None = Field(None, le=1e9, description="budget: time such as 90s, 3m or 1h30m (default: 3m)")
    val_fraction: Fraction = Field(
        0.1, gt=0, description="share cut off the end for validation, where the corpus has no such split"
    )
    eval_every: int | None = Field(
        None, ge=1, description="optimizer steps between evaluations (default: 10 over the budget)"
    )
    eval_tokens: int | None = Field(
        None,
        ge=1,
        description="tokens of the validation split scored at an evaluation, at most (default: few beside the budget)",
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many evaluations that bring nothing better (default: never)"
    )
    save_every: Duration = Field(60.0, description="time between saves, at most; each evaluation saves as well")
    keep: int = Field(1, ge=1, le=1000, description="how many saves the run keeps, the newest ones")
    max_rollbacks: int = Field(
        0,
        ge=0,
        le=100,
        description="how often a run that diverges goes back to its last save, at half the learning rate",
    )
    device: Device = Field("auto", description="auto, cpu, cuda or mps")
    precision: Literal["float32", "bfloat16", "float64"] = Field(
        "float32", description="arithmetic; bfloat16 is mixed precision, for GPUs"
    )
    threads: int | None = Field(
        None, ge=1, le=1024, description="processor threads (default: as many as the model's size keeps busy)"
    )
    recompute_every: int | None = Field(
        None, ge=1, description="keep the state of every so many steps only and compute the rest again: saves memory"
    )
    compile: bool = Field(
        False, description="compile the cell's steps, where a compiler is found; on a GPU record whole steps"
    )
    seed: Seed = Field(0, description="seed of every random choice")


class TrainSettings(PreparationSettings, StreamSettings, ModelSettings, OptimizerSettings, LoopSettings):
    """All that decides a run, but for its corpus and its name."""


class UnseenSettings(Settings):
    """What happens to characters that a model has never seen."""

    unseen: Literal["replace", "error"] = Field(
        "replace", description="what to do with characters that the model has never seen"
    )


class DeviceSettings(Settings):
    """Where a trained model runs."""

    device: Device = Field("cpu", description="where it runs: cpu, cuda or mps; auto takes a GPU if there is one")


class DynamicSettings(Settings):
    """How a trained model goes on learning from what it reads."""

    dynamic: bool = Field(False, description="learn from the text as it is read (dynamic evaluation)")
    dynamic_lr: Positive = Field(0.0003, le=1, description="how far each weight moves at a time")
    dynamic_decay: Fraction = Field(0.002, description="share of the way back to where it was that it goes each time")
    # As long as what a split is scored in at once (charrnn.evaluation): a larger segment would be cut.
    dynamic_segment: int = Field(20, ge=1, le=2048, description="tokens that are learned from at a time")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        others = sorted(self.model_fields_set & {*DynamicSettings.model_fields} - {"dynamic"})
        if others and not self.dynamic:
            raise UsageError(f"--{others[0].replace('_', '-')} says nothing without --dynamic; give both, or neither")
        return self


class OpeningSettings(DeviceSettings, DynamicSettings):
    """How a trained model is opened."""


#: What of a model's settings acts while it is trained, and can be another when its training goes on elsewhere.
ONLY_IN_TRAINING = frozenset({"dropout", "variational", "weight_drop"})

#: What a run that starts from another's weights has of that one.
INHERITED = ({*ModelSettings.model_fields} - ONLY_IN_TRAINING) | {*TokenizerSettings.model_fields}

#: Exactly one of these is in force; a flag for one puts aside a file's or a preset's for another.
BUDGETS = ("steps", "epochs", "time")
