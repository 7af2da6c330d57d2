"""What can go wrong between the hub and its client, the first so many times that a path is asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

HTML = b"<!DOCTYPE html><html><title>Welcome to our network</title></html>"


@dataclass
class Fault:
    """A way to answer wrongly.

    Attributes:
        path: a part of the paths that it is for.
        kind: ``status``, ``cut`` (half of the body, then the end), ``hang`` (no answer at all), ``stall`` (half of the
            body, then nothing), ``trickle`` (a byte now and then), ``short`` (half of the body, said to be all),
            ``flip`` (one byte is another), ``html`` (a login page).
        times: how many requests it meets.
        method: which kind of request; empty for any.
        status, headers: of a ``status``.
    """

    path: str
    kind: str
    times: int = 1_000_000
    method: str = "GET"
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)


class Faults:
    """Those that are set; ``met`` is set by the first request that meets one, ``released`` ends whatever hangs."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._lock = threading.Lock()
        self.released = threading.Event()
        self.met = threading.Event()

    def add(self, fault: Fault) -> None:
        self._set.append(fault)

    def clear(self) -> None:
        """Let go of what hangs, and answer rightly from now on."""
        self._set.clear()
        self.released.set()
        self.released = threading.Event()
        self.met.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, and count it."""
        with self._lock:
            for fault in self._set:
                if fault.times and fault.path in path and fault.method in ("", method):
                    fault.times -= 1
                    self.met.set()
                    return fault
        return None


def spoiled(kind: str, content: bytes) -> bytes:
    """Return a body as such a fault makes it."""
    half = len(content) // 2
    if kind == "short":
        return content[:half]
    if kind == "flip":
        return content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
    return content
