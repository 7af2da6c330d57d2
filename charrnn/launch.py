"""Where this process stands among those that ``torchrun`` has started, as it says in the environment."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

from charrnn.errors import PeerError, UsageError

#: Seconds that a rank gives the first one to tell what is wrong with all of them.
_PATIENCE = 5
#: Marks an error that the ranks know of, and leave to one of them to tell.
_AGREED = "this rank tells of it for all"


class Share(NamedTuple):
    """The part that is number ``number``, counted from 0, of ``of`` equal ones."""

    number: int = 0
    of: int = 1

    def slice(self, count: int) -> slice:
        """Return which of ``count`` things are in it."""
        return slice(count * self.number // self.of, count * (self.number + 1) // self.of)


WHOLE = Share()


@dataclass(frozen=True)
class Place:
    """The place of a process in a launch; alone it is the only one.

    Attributes:
        rank: its number among all processes of the launch.
        size: how many there are.
        local_rank: its number among those on this machine.
        local_size: how many are on this machine.
        restart: how often the launch has started anew.
        launched: whether there is a launch, be it of one process.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    restart: int = 0
    launched: bool = False

    @property
    def share(self) -> Share:
        """The part of the work that is this rank's."""
        return Share(self.rank, self.size)


def read_place() -> Place:
    """Read the environment.

    Raises:
        UsageError: it says what cannot be.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Place()
    place = Place(
        rank=_number("RANK"),
        size=_number("WORLD_SIZE"),
        local_rank=_number("LOCAL_RANK", 0),
        local_size=_number("LOCAL_WORLD_SIZE", 1),
        restart=_number("TORCHELASTIC_RESTART_COUNT", 0),
        launched="TORCHELASTIC_RUN_ID" in os.environ or os.environ["WORLD_SIZE"] != "1",
    )
    if not place.rank < place.size or not place.local_rank < place.local_size:
        raise UsageError(
            f"the environment says RANK={place.rank} of WORLD_SIZE={place.size}, LOCAL_RANK={place.local_rank} of "
            f"LOCAL_WORLD_SIZE={place.local_size}, which cannot be; start it with torchrun, or unset them"
        )
    return place


def leads() -> bool:
    """Tell whether this process is the one of its launch that people hear of."""
    try:
        return read_place().rank == 0
    except UsageError:  # which is told of where it matters
        return True


def agree(error: BaseException) -> None:
    """Mark an error as one that this rank is to tell, as the others know."""
    error.add_note(_AGREED)


def hand_on(error: BaseException, to: Exception) -> Exception:
    """Return ``to``, which says more than ``error``, marked as that was."""
    if is_agreed(error):
        agree(to)
    return to


def is_agreed(error: BaseException) -> bool:
    """Tell whether it was."""
    return isinstance(error, PeerError) or _AGREED in getattr(error, "__notes__", ())


def may_tell(error: BaseException) -> bool:
    """Tell whether this process is the one of its launch that tells of an error, right before it ends.

    What the ranks have not agreed on, such as a flag that does not exist, all of them have found: the first one tells,
    whereupon torchrun ends the others. They wait for that, and tell if it does not happen.
    """
    if isinstance(error, PeerError):
        return False
    try:
        place = read_place()
    except UsageError:  # which is the error, then
        return True
    if place.rank and not is_agreed(error):
        time.sleep(_PATIENCE + min(place.rank, 30) - 1)
    if place.launched and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which torchrun sends once another rank has ended
    return True


def _number(name: str, default: int | None = None) -> int:
    written = os.environ.get(name, "" if default is None else str(default))
    if not written.isdecimal() or len(written) > 9:
        raise UsageError(f"the environment says {name}={written!r}, which is no number; start it with torchrun")
    return int(written)
