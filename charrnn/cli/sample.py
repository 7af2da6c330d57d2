"""``charrnn sample``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from charrnn.cli.parameters import Checkpoints, RunArgument, read_flags, takes_settings
from charrnn.errors import UsageError, shown_characters
from charrnn.settings import SampleSettings

app = typer.Typer(add_completion=False)

#: Between two texts.
_RULE = "---"


@app.command()
@takes_settings({"Sampling": SampleSettings})
def sample(
    run: RunArgument = None,
    prompt: Annotated[str, typer.Option(help="Text to continue.", show_default=False)] = "",
    prompt_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with the text to continue.", show_default=False)
    ] = None,
    checkpoints: Checkpoints = None,
    **settings: Any,
) -> None:
    """Write text with a trained model, as it is made: the prompt, and what follows it."""
    from charrnn.generation.session import load
    from charrnn.layers import flag
    from charrnn.options import check
    from charrnn.reporting.text import printable

    asked = check(SampleSettings, read_flags(settings), label=flag)
    text = _prompt(prompt, prompt_file)
    session = load(run, checkpoints=checkpoints)
    if asked.unseen == "error":
        session.refuse_unseen(text)
    elif unseen := session.tokenizer.unseen(text):
        typer.echo(f"the model has never seen {shown_characters(unseen)} of the prompt; replaced", err=True)
    show = printable if sys.stdout.isatty() else str
    for number in range(asked.num):
        if number:
            _write(f"{_RULE}\n")
        _write(show(text))
        last = text
        for piece in session.stream(text, **asked.model_dump(exclude={"num"}), lane=number):
            _write(show(piece))
            last = piece
        if not last.endswith("\n"):
            _write("\n")


def _prompt(prompt: str, file: Path | None) -> str:
    if file is None:
        return prompt
    if prompt:
        raise UsageError("--prompt and --prompt-file both give the text to continue; give one of them")
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no file '{file}' for --prompt-file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--prompt-file '{file}' cannot be read as UTF-8: {error}") from None


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
