"""The page of the results."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results.measure import Row

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
_TEMPLATE = Path(__file__).parent / "page.md"
_HEAD = (
    "| | parameters | steps | epochs | time | loss | first half | second half |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def write(rows: list[Row]) -> None:
    """Fill in the template."""
    tables = {"presets": _presets(rows)}
    tables |= {name: _table(rows, name) for name in ("cells-steps", "cells-time", "techniques")}
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, table in tables.items():
        text = text.replace(f"<{name}>", "\n".join(table))
    PAGE.write_text(text, encoding="utf-8")


def _presets(rows: list[Row]) -> list[str]:
    head = ("| command | seed | machine, date |" + _HEAD[0][3:], "| --- | --- | --- |" + _HEAD[1][7:])
    lines = []
    for row in _of(rows, "presets"):
        lines.append(f"| `{row.command}` | {row.seed} | {row.machine}, {row.date} | {_figures(row)}")
        if row.dynamic is not None:
            dynamic = f"{row.dynamic:.4f} | | {row.dynamic_second:.4f} |"
            lines.append(f"| the same, `charrnn eval --dynamic` | {row.seed} | | | | | | {dynamic}")
    return [*head, *lines] if lines else ["Not measured yet."]


def _table(rows: list[Row], table: str) -> list[str]:
    found = sorted(_of(rows, table), key=lambda row: row.first)
    lines = [f"| `{row.key.partition('/')[2]}` | {_figures(row)}" for row in found]
    if not lines:
        return ["Not measured yet."]
    example = found[0]
    return [*_HEAD, *lines, "", f"On {example.machine}; the first by `{example.command}`."]


def _of(rows: list[Row], table: str) -> list[Row]:
    return [row for row in rows if row.key.partition("/")[0] == table]


def _figures(row: Row) -> str:
    minutes, seconds = divmod(round(row.seconds), 60)
    losses = f"{row.whole:.4f} | {row.first:.4f} | {row.second:.4f} |"
    return f"{row.parameters:,} | {row.steps:,} | {row.epochs:.1f} | {minutes}:{seconds:02} | {losses}"
