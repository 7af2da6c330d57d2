"""How a process meets the others of its launch, and how they part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from traceback import clear_frames
from typing import TYPE_CHECKING

from charrnn.errors import ExitCode, LostRankError, PeerError
from charrnn.launch import Place, agree, is_agreed, read_place
from charrnn.training.ranks import Ranks

if TYPE_CHECKING:
    from charrnn.training.meeting import Meeting

#: Seconds in which ranks that have failed at the same time say so.
_ENDING = 5.0


@contextmanager
def joined() -> Iterator[Ranks]:
    """Meet the other processes of this launch, if it is one.

    Of an error that leaves this, one rank tells; the others leave with a PeerError.

    Raises:
        LostRankError: they cannot be met, or one has ended.
        UsageError: the environment says what cannot be.
    """
    place = read_place()
    if not place.launched:
        yield Ranks(place)
        return
    from charrnn.training.joined_ranks import JoinedRanks
    from charrnn.training.meeting import Meeting

    meeting = Meeting(place)
    try:
        yield JoinedRanks(place, meeting)
    except Exception as error:
        told = _told_once(error, place, meeting)
        if told is error:
            raise
        raise told from error
    finally:
        meeting.close()


def _told_once(error: Exception, place: Place, meeting: Meeting) -> Exception:
    """Return what this rank is to raise: of all that have failed one tells, the first if it knows why."""
    from charrnn.training.meeting import is_lost

    if is_agreed(error):
        return error
    lost = is_lost(error)
    if lost:
        clear_frames(error.__traceback__)  # torch's hold the group, and that its connections
    with suppress(RuntimeError):
        meeting.post_end(own=not lost)
    meeting.close()  # so that those notice who still count on this one
    before = [meeting.end_of(rank, _ENDING if rank == 0 else 0.0) for rank in range(place.rank)]
    after = [meeting.end_of(rank) for rank in range(place.rank + 1, place.size)]
    if any(before) or (lost and (any(after) or False in before)):
        return PeerError(str(error), getattr(error, "exit_code", ExitCode.TOLD_ERROR))
    if lost:
        error = LostRankError(
            "another process of this launch has ended, or cannot be reached any more; what was saved is whole, and "
            "charrnn train --resume goes on from there, as torchrun --max-restarts does by itself"
        )
    agree(error)
    return error
