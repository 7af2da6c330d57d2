"""How text is generated, each setting declared once; what contradicts itself is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from charrnn.declaration import Count, NotNegative, Options, Probability, Seed, Settings, of_kind
from charrnn.errors import UsageError


def _parse_temperatures(value: object) -> object:
    """Read ``0.8``, ``"0.8"`` or ``"0.5,1"``; a sequence is left as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return value if isinstance(value, Sequence) else (value,)


def _parse_texts(value: object) -> object:
    """Take one text for a list of one."""
    return (value,) if isinstance(value, str) else value


#: Beyond these, numbers overflow before anything becomes likelier.
Penalty = Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)]
LengthPenalty = Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_parse_texts)]
Temperatures = Annotated[tuple[NotNegative, ...], Field(min_length=1), BeforeValidator(_parse_temperatures)]


class DrawSettings(Settings):
    """How each token is drawn; in the order in which these are applied."""

    allow: str | None = Field(None, min_length=1, description="characters that may come, and no others")
    ban: Texts = Field((), description="text that must not come")
    no_repeat_ngram: Count | None = Field(None, description="let no run of so many tokens come twice")
    repetition_penalty: Penalty | None = Field(
        None, description="make tokens that came lately less likely: 1 not at all, 1.2 somewhat"
    )
    repetition_window: Count | None = Field(None, description="tokens that count as lately (default: 64)")
    warper: str | None = Field(
        None,
        description="a plugin's warper, which reshapes the distribution before it is drawn from",
        json_schema_extra=of_kind("warpers"),
    )
    warper_options: Options = Field({}, description="an option of the warper, as key=value")
    temp: Temperatures = Field(
        (0.8,), description="temperature: below 1 safer, above 1 wilder, 0 greedy; a list such as 0.5,1 is cycled"
    )
    top_k: Count | None = Field(None, description="draw from the so many likeliest tokens")
    top_p: Probability | None = Field(None, description="draw from the likeliest tokens that make up this probability")
    min_p: Probability | None = Field(
        None, description="draw from tokens at least so many times as likely as the first"
    )


class EndSettings(Settings):
    """When a text ends."""

    length: int = Field(500, ge=0, le=10**12, description="tokens to generate, the prompt not counted")
    until: Texts = Field((), description="end before this text")
    keep_until: bool = Field(False, description="end after the text of --until instead of before it")
    lines: Count | None = Field(None, description="end after so many lines")
    forever: bool = Field(False, description="go on without an end")


class ManySettings(Settings):
    """How many texts, and their seed."""

    num: Count = Field(1, description="texts for each prompt")
    seed: Seed | None = Field(None, description="seed (default: a new one each time)")


class BeamSettings(Settings):
    """Search for likely texts instead of drawing one."""

    beam: Count | None = Field(None, description="keep the so many best beginnings, and print the best --num of them")
    length_penalty: LengthPenalty = Field(
        0.0, description="favour longer texts: divide log-probabilities by ((5 + length) / 6) to this power"
    )
    beam_groups: Count = Field(1, description="divide the beam into groups that shun each other's tokens")
    diversity: NotNegative = Field(0.5, description="how strongly the groups do, in nats a token")
    stochastic: bool = Field(False, description="draw --beam texts without replacement, at --temp")


class PromptSettings(Settings):
    """How a prompt is read."""

    unseen: Literal["replace", "skip", "error"] = Field(
        "replace", description="what to do with a prompt's characters that the model has never seen"
    )


class SampleSettings(PromptSettings, DrawSettings, EndSettings, ManySettings, BeamSettings):
    """All that decides a text but its prompt."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        given = self.model_fields_set
        needs = [
            (bool(self.warper_options), self.warper, "--warper-option", "--warper"),
            (self.keep_until, self.until, "--keep-until", "--until"),
            (self.repetition_window, self.repetition_penalty, "--repetition-window", "--repetition-penalty"),
            (self.stochastic, self.beam, "--stochastic", "--beam"),
            ("length_penalty" in given, self.beam, "--length-penalty", "--beam"),
            ("beam_groups" in given, self.beam, "--beam-groups", "--beam"),
            ("diversity" in given, self.beam_groups > 1, "--diversity", "--beam-groups"),
            (self.beam and self.seed is not None, self.stochastic, "--seed of a --beam", "--stochastic"),
        ]
        for is_given, needed, flag, other in needs:
            if is_given and not needed:
                raise UsageError(f"{flag} says nothing without {other}; give both, or neither")
        if self.forever:
            endless = {"--length": "length" in given, "--lines": self.lines, "--beam": self.beam, "--num": self.num > 1}
            for flag, clashes in endless.items():
                if clashes:
                    raise UsageError(f"--forever and {flag} contradict each other; leave one out")
        if self.beam:
            self._agree_on_beams(self.beam, given)
        return self

    def _agree_on_beams(self, beam: int, given: set[str]) -> None:
        for flag, value in (("--top-k", self.top_k), ("--top-p", self.top_p), ("--min-p", self.min_p)):
            if value is not None:
                raise UsageError(f"{flag} cuts what is drawn from, and --beam draws nothing; leave one out")
        if "temp" in given and not self.stochastic:
            raise UsageError(
                "--temp says how tokens are drawn, and --beam draws none; leave it out, or add --stochastic"
            )
        if self.stochastic and (len(self.temp) > 1 or self.temp[0] == 0):
            raise UsageError("--stochastic draws at one --temp above 0; give one")
        for flag, clashes in (("--length-penalty", self.length_penalty), ("--beam-groups", self.beam_groups > 1)):
            if self.stochastic and clashes:
                raise UsageError(f"--stochastic draws whole texts by their probability; it does not go with {flag}")
        if beam % self.beam_groups:
            raise UsageError(f"--beam {beam} cannot be divided into --beam-groups {self.beam_groups} of one size")
        if self.num > beam:
            raise UsageError(f"--num {self.num} asks for more texts than --beam {beam} finds; raise --beam")
