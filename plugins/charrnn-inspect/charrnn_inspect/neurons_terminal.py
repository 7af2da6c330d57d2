"""Units and what they follow, on a terminal: a table, and the text coloured by one."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from charrnn.reporting.coloured import print_coloured
from charrnn.reporting.console import make_console
from charrnn.reporting.echo import say, tell
from charrnn.reporting.tables import print_table
from charrnn_inspect.colours import LIGHT, STEPS, levels, scaled
from charrnn_inspect.neurons import Study


def print_ranking(found: Study) -> None:
    """Print what the units follow."""
    if found.ranking:
        rows = [[row.feature, str(row.unit), f"{row.correlation:+.3f}"] for row in found.ranking]
        print_table(["feature", "unit", "correlation"], rows)
    if found.still:
        say(f"the same all over the text: {', '.join(found.still)}")


def print_text(found: Study) -> None:
    """Print the text in the colours of the unit shown; where there are no colours, say what else there is."""
    console = make_console()
    if console.color_system is None:
        tell("no colours can be shown here; --html FILE writes the text as a page")
        return
    styles = [Style(color="black", bgcolor=colour) for colour in LIGHT]
    numbers, scale = scaled(found.activations.of(found.shown))
    legend = Text(f"\nunit {found.shown}: ")
    for place, style in enumerate(styles):
        legend.append(f" {(place - STEPS) / STEPS * scale:+.2f} ", style)
    console.print(legend)
    console.print()
    parts = zip(found.spelling.shown, levels(numbers), strict=True)
    print_coloured(console, ((text, styles[place]) for text, place in parts))
