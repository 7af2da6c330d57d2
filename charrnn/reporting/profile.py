"""What a profile found, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.training.events import Operation, Profiled

_NAME = 44


def profiled(event: Profiled) -> str:
    """Write a short table: the parts of the work with all that they call, then the operations by themselves."""
    fewer = f" ({event.asked} were asked for; the run ended before)" if event.steps < event.asked else ""
    return "\n".join(
        [
            f"profile of {event.steps} step{'s' if event.steps != 1 else ''}{fewer}; look at it in ui.perfetto.dev or "
            f"chrome://tracing: {event.path}",
            *_table("part of the work", event.phases, event),
            *_table("operation", event.operations, event),
        ]
    )


def _table(heading: str, rows: tuple[Operation, ...], event: Profiled) -> Iterator[str]:
    on_gpu = event.device_seconds is not None
    yield f"  {heading:{_NAME}} {'calls':>8} {'ms':>10} {'share':>7}" + (f" {'GPU ms':>10} {'share':>7}" * on_gpu)
    for each in rows:
        name = each.name if len(each.name) <= _NAME else each.name[: _NAME - 3] + "..."
        line = f"  {name:{_NAME}} {each.calls:8,} {_time(each.seconds, event.seconds)}"
        yield line + (f" {_time(each.device_seconds, event.device_seconds or 0.0)}" * on_gpu)


def _time(seconds: float, whole: float) -> str:
    return f"{1e3 * seconds:10,.1f} {seconds / whole if whole else 0.0:7.1%}"
