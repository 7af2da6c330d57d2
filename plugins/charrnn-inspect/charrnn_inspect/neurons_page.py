"""A text coloured by units, as an HTML page of its own with a menu of them."""

from __future__ import annotations

import json
from html import escape
from itertools import groupby
from pathlib import Path

from charrnn.atomic import write_named
from charrnn.controls import printable
from charrnn.errors import UsageError
from charrnn.reporting.coloured import to_html
from charrnn_inspect.activations import Unit
from charrnn_inspect.colours import DARK, FULL, LIGHT, STEPS, levels, scaled
from charrnn_inspect.neurons import Study

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font-family: system-ui, sans-serif; background: {white};
  color: #111 }}
h1 {{ font-size: 1.4rem }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; font-size: 1rem }}
select {{ font: inherit }}
i {{ font-style: normal }}
.end {{ opacity: .6 }}
{light}
@media (prefers-color-scheme: dark) {{
body {{ background: {black}; color: #eee }}
{dark}
}}
</style>
<h1>{title}</h1>
<p><label>Unit <select autocomplete="off">{menu}</select></label>
from <output>{low}</output> {legend} to <output>{high}</output>. Point at the text to read a number.</p>
<noscript><p>Without scripts, only the first unit is shown.</p></noscript>
<pre>{text}</pre>
<script>
const units = {units};
document.querySelector("select").onchange = event => {{
  const [scale, values] = units[event.target.value];
  const [low, high] = document.querySelectorAll("output");
  low.textContent = (-scale).toFixed(2);
  high.textContent = scale.toFixed(2);
  document.querySelectorAll("pre i").forEach((each, place) => {{
    each.className = "u" + (Math.round(values[place] * {steps} / {full}) + {steps});
    each.title = (values[place] / {full} * scale).toFixed(2);
  }});
}};
</script>
</html>
"""


def write_page(path: Path, title: str, found: Study) -> None:
    """Write the page: the unit shown comes first, and a script of its own changes it for another.

    Raises:
        UsageError: it cannot be written.
    """
    units = list(dict.fromkeys([found.shown, *(row.unit for row in found.ranking)]))
    numbers = [scaled(found.activations.of(unit)) for unit in units]
    first, scale = numbers[0]
    text = "".join(
        f'<i class="u{place}" title="{number / FULL * scale:.2f}">{to_html(token)}</i>'
        for token, place, number in zip(found.spelling.shown, levels(first), first.tolist(), strict=True)
    )
    page = _PAGE.format(
        title=escape(printable(title)),
        white=LIGHT[STEPS],
        black=DARK[STEPS],
        light=_rules(LIGHT),
        dark=_rules(DARK),
        menu=_menu(found, units),
        low=f"{-scale:.2f}",
        high=f"{scale:.2f}",
        legend="".join(f'<i class="u{place}">&nbsp;&nbsp;</i>' for place in range(len(LIGHT))),
        text=text,
        units=json.dumps([[scale, each.tolist()] for each, scale in numbers], separators=(",", ":")),
        steps=STEPS,
        full=FULL,
    )
    try:
        write_named(path, page.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"--html '{path}' cannot be written: {error.strerror}") from None


def _menu(found: Study, units: list[Unit]) -> str:
    """Write the options, each with its unit's place, under their features."""
    groups = []
    for feature, rows in groupby(found.ranking, lambda row: row.feature):
        options = (
            f'<option value="{units.index(row.unit)}">{feature}: {row.unit} ({row.correlation:+.3f})</option>'
            for row in rows
        )
        groups.append(f'<optgroup label="{feature}">{"".join(options)}</optgroup>')
    return "".join(groups) or f'<option value="0">{found.shown}</option>'


def _rules(colours: tuple[str, ...]) -> str:
    return "\n".join(f".u{place} {{ background: {colour} }}" for place, colour in enumerate(colours))
