"""What was found out of a run's files, in lines."""

from __future__ import annotations

from charrnn.reporting.echo import say
from charrnn.runs.verification import Findings


def print_findings(found: Findings) -> None:
    """Print what is damaged, what it harms, and what can be done."""
    for line in _lines(found):
        say(line)
    if found.holder:
        say(f"  it is in use by {found.holder}: another save may count by now")


def _lines(found: Findings) -> list[str]:
    if not found.damage:
        what = f"{found.checked} files are as they were written"
        if found.format == 1:
            what = "what can be read is sound; format 1 has no hashes to compare with, which train --resume adds"
        saved = f", save {found.latest} counts" if found.latest else "; nothing was saved yet"
        return [f"run {found.run.name}: whole: {what}{saved}", *_left(found)]
    lines = [f"run {found.run.name}: damaged"]
    for each in found.damage:
        lines.append(f"  {each.problem}" + (f" ({each.harm})" if each.harm else ""))
    lines.append(f"  sample, score, eval: {'can be used' if found.generates else 'cannot be used'}")
    return [*lines, f"  train --resume: {_training(found)}", *_left(found)]


def _training(found: Findings) -> str:
    if found.trains and found.latest:
        return f"goes on from step {found.whole[found.latest]}"
    if found.latest in found.whole:
        return "cannot go on without its config and tokenizer; copy these from wherever they are whole"
    if found.whole and found.format:
        return f"cannot go on; save {list(found.whole)[-1]} is whole: {found.run.mend_command} takes it"
    if found.generates:
        return f"cannot go on; a new run starts from its weights: {found.run.start_command()}"
    return "cannot go on"


def _left(found: Findings) -> list[str]:
    return [f"  {path} was left behind, and does no harm" for path in found.left]
