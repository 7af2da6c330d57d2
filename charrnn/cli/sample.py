"""``charrnn sample``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from charrnn.cli.opening import PANELS, open_session
from charrnn.cli.parameters import Checkpoints, RunArgument, read_flags, takes_settings, without
from charrnn.cli.prompts import Prompts, refuse_several
from charrnn.cli.stopping import stopped_by_signals
from charrnn.errors import UsageError
from charrnn.generation.settings import (
    BeamSettings,
    DrawSettings,
    EndSettings,
    ManySettings,
    PromptSettings,
    SampleSettings,
)
from charrnn.reporting.echo import tell
from charrnn.settings import OpeningSettings

if TYPE_CHECKING:
    from charrnn.generation.session import Session
    from charrnn.reporting.samples import Describe, TextWriter

app = typer.Typer(add_completion=False)


@app.command()
@takes_settings(
    {
        "Prompt": PromptSettings,
        "Sampling, in the order in which it is applied": DrawSettings,
        "End": EndSettings,
        "Many": ManySettings,
        "Beam search": BeamSettings,
        **PANELS,
    }
)
def sample(
    run: RunArgument = None,
    prompt: Annotated[
        str | None, typer.Option(help="Text to continue; - reads standard input.", rich_help_panel="Prompt")
    ] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="File with the text to continue.", rich_help_panel="Prompt"),
    ] = None,
    prompts: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="File with one prompt a line.", rich_help_panel="Prompt")
    ] = None,
    checkpoints: Checkpoints = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a text, with its log-probability.")
    ] = False,
    token_probs: Annotated[
        bool, typer.Option("--token-probs", help="With --json: every token's probability as well.")
    ] = False,
    novelty: Annotated[
        bool, typer.Option("--novelty", help="Say how much of each text stands in the training corpus.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Write together: the model suggests, you pick or type.")
    ] = False,
    loop: Annotated[
        bool, typer.Option("--loop", help="Continue each line that you type, and wait for the next.")
    ] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Send a terminal the control characters of a text, such as colours, in place of showing them."
        ),
    ] = False,
    **settings: Any,
) -> int:
    """Write text with a trained model, as it is made: the prompt, and what follows it."""
    from charrnn.generation.lanes import LANES, Track
    from charrnn.layers import flag
    from charrnn.options import check
    from charrnn.reporting.samples import JsonTexts, PlainTexts

    given = read_flags(settings)
    asked = check(SampleSettings, without(given, OpeningSettings), label=flag)
    refuse_several(prompt=prompt, prompt_file=prompt_file, prompts=prompts)
    if token_probs and not json:
        raise UsageError("--token-probs are printed as JSON; add --json")
    if raw and json:
        raise UsageError("--raw sends a terminal the text as it is, and --json is escaped; leave one out")
    if asked.forever and (json or novelty or prompts is not None):
        raise UsageError("--forever never ends a text: it does not go with --json, --novelty or --prompts")
    if token_probs and asked.beam:
        raise UsageError("--token-probs are those of a text that is drawn; leave --beam out")
    talking = interactive or loop
    if given.get("dynamic") and talking:
        raise UsageError("--dynamic would learn from what the model itself writes here; leave it out")
    if given.get("dynamic") and not (prompt or prompt_file or prompts):
        raise UsageError("--dynamic learns from the prompt, and there is none; give one, or leave it out")
    if talking:
        _refuse_talking(asked, prompts, interactive=interactive, loop=loop, json=json, novelty=novelty)
    session = open_session(
        run, checkpoints, given, lanes=LANES if prompts is not None else min(asked.beam or asked.num, LANES)
    )
    if talking:
        from charrnn.cli.interactive import talk

        read = Prompts(session, asked, prompt, prompt_file, prompts)
        return talk(session, asked, read, suggest=interactive, raw=raw)
    describe = _novelty(session) if novelty else None
    with stopped_by_signals() as stopped:
        read = Prompts(session, asked, prompt, prompt_file, prompts, stopped)
        writer: TextWriter
        if json:
            writer = JsonTexts(read.text, describe)
        else:
            writer = plain = PlainTexts(read.text, describe, raw=raw)
            read.echo = plain.write
        if asked.beam is not None:
            for each in read:
                found = session.search(each, asked, stopped=stopped)
                writer.found(found, read.last, each)
                if stopped():
                    break
                if len(found) < asked.num:
                    _tell_of_few(len(found), asked.num)
                elif any(text.stop == "blocked" for text in found):
                    tell("the texts end where no token may come; forbid less")
        else:
            track = Track(text=json or novelty, log_probabilities=json, tokens=token_probs)
            for piece in session.pieces(read, asked, track=track, stopped=stopped):
                writer.hear(piece)
                if piece.whole is not None and piece.whole.stop == "blocked":
                    tell(f"text {piece.number + 1} ends where no token may come; forbid less")
    return stopped.exit_code


def _tell_of_few(found: int, wanted: int) -> None:
    tell(f"found {found} of {wanted} texts that may come; a wider --beam finds more, or forbid less")


def _refuse_talking(
    asked: SampleSettings, prompts: str | None, *, interactive: bool, loop: bool, json: bool, novelty: bool
) -> None:
    if interactive and loop:
        raise UsageError("--interactive and --loop are two ways to write together; give one of them")
    given = {
        "--prompts": prompts is not None,
        "--beam": asked.beam is not None,
        "--num": asked.num > 1,
        "--forever": asked.forever,
        "--json": json,
        "--novelty": novelty,
    }
    wrong = [flag for flag, is_given in given.items() if is_given]
    if wrong:
        together = "--interactive" if interactive else "--loop"
        raise UsageError(f"{together} writes one text with you; leave {' and '.join(wrong)} out")


def _novelty(session: Session) -> Describe:
    """Return what measures how much of a text stands in the run's training corpus; the index is built here."""
    from charrnn.generation.novelty import CorpusIndex
    from charrnn.reporting import make_reporter
    from charrnn.training.events import Preparing

    assert session.run is not None
    with make_reporter(json=False) as reporter:
        index = CorpusIndex.of(session.run, lambda *at: reporter.listen(Preparing(*at)))
    return lambda text: index.measure(text).to_dict()
