"""A text coloured by how surprising each character is: on a terminal, or as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.controls import printable
from charrnn.errors import UsageError
from charrnn.generation.surprisal import Surprise
from charrnn.reporting.coloured import print_coloured, to_html

if TYPE_CHECKING:
    from rich.style import Style

#: From expected to surprising, one colour a bit: black text is read on all of them.
COLOURS = ("#ffffff", "#ffffd7", "#ffffaf", "#ffd787", "#ffaf5f", "#ff875f", "#ff5f5f", "#ff005f", "#d7005f")

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font-family: system-ui, sans-serif; background: #fff;
  color: #111 }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; font-size: 1rem }}
i {{ font-style: normal }}
.end {{ color: #777 }}
{colours}
</style>
<h1>{title}</h1>
<p>Surprise of each character, in bits: {legend}. Point at one to read its number.</p>
<pre>"""


def level(bits: float) -> int:
    """Return the number of the colour."""
    return max(0, min(int(bits), len(COLOURS) - 1))


def print_heatmap(surprises: Iterable[Surprise]) -> None:
    """Print the text, each character on its colour; where colours cannot be shown, the text alone."""
    from rich.style import Style
    from rich.text import Text

    from charrnn.reporting.console import make_console

    console = make_console()
    styles = [Style(color="black", bgcolor=colour) for colour in COLOURS]
    legend = Text("bits: ")
    for number, style in enumerate(styles):
        legend.append(f" {_bits(number)} ", style)

    def coloured() -> Iterator[tuple[str, Style]]:
        for place, each in enumerate(surprises):
            if place == 0:
                console.print(legend)
            yield each.text, styles[level(each.bits)]

    print_coloured(console, coloured())


def write_page(path: Path, title: str, surprises: Iterable[Surprise]) -> None:
    """Write the same as an HTML page of its own, with each character's bits to point at.

    Raises:
        UsageError: it cannot be written.
    """
    rules = "\n".join(f".b{number} {{ background: {colour} }}" for number, colour in enumerate(COLOURS))
    legend = " ".join(f'<i class="b{number}">&nbsp;{_bits(number)}&nbsp;</i>' for number in range(len(COLOURS)))
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(_HEAD.format(title=escape(printable(title)), colours=rules, legend=legend))
            for each in surprises:
                file.write(f'<i class="b{level(each.bits)}" title="{each.bits:.2f} bits">{to_html(each.text)}</i>')
            file.write("</pre>\n</html>\n")
    except OSError as error:
        raise UsageError(f"--html '{path}' cannot be written: {error.strerror}") from None


def _bits(number: int) -> str:
    return f"{number}+" if number == len(COLOURS) - 1 else str(number)
