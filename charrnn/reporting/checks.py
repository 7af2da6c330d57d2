"""What the conformance kit found, as a table."""

from __future__ import annotations

from charrnn.reporting.tables import print_table
from charrnn.testing.report import Report
from charrnn.testing.speed import FEATURES, LANES, REFERENCE, TIME


def print_report(report: Report) -> None:
    """Print a row a check, and a row for the speed."""
    rows = [
        [
            "holds" if each.holds else "BROKEN",
            each.promise,
            each.told,
            f"smallest case: {each.case}" if each.case else "",
        ]
        for each in report.outcomes
    ]
    if report.speed:
        size = f"{FEATURES} features, {TIME} steps, {LANES} lanes"
        speed = f"{report.speed.ratio:.2f} times the built-in {REFERENCE}'s ({size})"
        rows.append(["speed", speed, f"runs step by step: {report.speed.loop}" if report.speed.loop else "", ""])
    broken = sum(not each.holds for each in report.outcomes)
    verdict = "keeps its contract" if not broken else f"breaks {broken} of {len(report.outcomes)} promises"
    print_table(["", f"{report.kind} {report.name} {verdict}", "", ""], rows)
