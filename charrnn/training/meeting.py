"""Where the processes of a launch meet: torch's store and process group."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import timedelta
from itertools import count

import torch
import torch.distributed.nn.functional  # imported while there is a group, it would hold on to it for good
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from charrnn.errors import LostRankError, UsageError
from charrnn.launch import Place

#: Seconds that a rank waits for another, to meet it and afterwards.
ENVIRONMENT = "CHARRNN_RANKS_SECONDS"
_MEETING, _TRAINING = 300.0, 1800.0
#: That some ranks may pack a corpus for, while others have it.
_PACKING = timedelta(days=7)
_KEPT = "run"
#: Counts those of this process.
_MEETINGS = count()


class Meeting:
    """The ranks that have come.

    Numbers on processors go through gloo, those on GPUs through NCCL. A process that ends breaks its connections, which
    the others notice at once; one that hangs, when the time is up.

    Args:
        place: of this process.

    Raises:
        LostRankError: not all have come in time.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._averaging: list[DistributedDataParallel] = []
        number, seconds = next(_MEETINGS), _seconds()
        patience = seconds or _MEETING
        host, port = os.environ.get("MASTER_ADDR", ""), os.environ.get("MASTER_PORT", "")
        try:
            if place.rank or "TORCHELASTIC_RUN_ID" in os.environ:  # else the store is this process's to open
                _knock(host, int(port), patience)
            store, *_ = next(rendezvous("env://", timeout=timedelta(seconds=patience)))
            # torchrun's store lives on when it starts anew, and after a training that another one follows.
            self._kept = PrefixStore(f"charrnn/{number}", store)
            self._ours = PrefixStore(f"charrnn/{number}/{place.restart}", store)
            self._ours.set(f"here/{place.rank}", "")
            self._ours.wait([f"here/{rank}" for rank in range(place.size)], timedelta(seconds=patience))
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=self._ours,
                rank=place.rank,
                world_size=place.size,
                timeout=timedelta(seconds=seconds or _TRAINING),
            )
            # Only gloo can wait so long: the first rank to the limit of that wait, the others to that of their group.
            self._patient: distributed.ProcessGroup | None = distributed.new_group(backend="gloo", timeout=_PACKING)
        except (OSError, RuntimeError, ValueError) as error:
            self.close()
            reason, *_ = str(error).splitlines() or [type(error).__name__]
            raise LostRankError(
                f"the {place.size} processes of this launch have not met at {host}:{port} in {patience:g} seconds "
                f"({reason[:100]}); start all of them by torchrun, or give them longer by {ENVIRONMENT}"
            ) from error

    def gather(self, numbers: Tensor) -> list[Tensor]:
        """Return every rank's numbers, of one shape, in their order."""
        found = [torch.empty_like(numbers) for _ in range(self._place.size)]
        distributed.all_gather(found, numbers)
        return found

    def gather_bytes(self, sent: bytes) -> list[bytes]:
        """Return every rank's bytes, in their order."""
        lengths = [int(each) for each in self.gather(torch.tensor([len(sent)]))]
        padded = torch.frombuffer(bytearray(sent.ljust(max(lengths), b" ")), dtype=torch.uint8)
        return [each[:length].numpy().tobytes() for length, each in zip(lengths, self.gather(padded), strict=True)]

    def largest(self, numbers: Tensor) -> Tensor:
        """Return the largest of every rank's numbers, each."""
        distributed.all_reduce(numbers, distributed.ReduceOp.MAX)
        return numbers

    def wait(self) -> None:
        """Wait for the others, however long they take."""
        distributed.monitored_barrier(self._patient, timeout=_PACKING)

    def averaging(self, module: nn.Module, *, unused: bool) -> DistributedDataParallel:
        """Return a module whose gradients are averaged over the ranks, while its backward pass still runs."""
        self._averaging.append(
            DistributedDataParallel(module, gradient_as_bucket_view=True, find_unused_parameters=unused)
        )
        return self._averaging[-1]

    def close(self) -> None:
        """Break off the connections, which the other ranks notice at once."""
        # gloo has its connections for as long as anything holds the group. The reducers go before torch lets go of it:
        # one that is the last to hold it waits, with Python's lock in hand, for gloo's threads, which may want that.
        for module in self._averaging:
            del module.reducer, module.logger, module.process_group
        self._averaging.clear()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        self._patient = None

    def keep(self, run: str) -> None:
        """Write down where the run is, or, by nothing, that there is none after all."""
        self._kept.set(_KEPT, run)

    def kept(self) -> str | None:
        """Read that, if it was written down."""
        return self._kept.get(_KEPT).decode() or None if self._kept.check([_KEPT]) else None

    def post_end(self, own: bool) -> None:
        """Write down how this rank ends: by an error of its own, or because others have gone."""
        self._ours.set(f"end/{self._place.rank}", json.dumps(own))

    def end_of(self, rank: int, seconds: float = 0.0) -> bool | None:
        """Read that of another one, or None if it is not there in time."""
        key = f"end/{rank}"
        try:
            if seconds:
                self._ours.wait([key], timedelta(seconds=seconds))
            return bool(json.loads(self._ours.get(key))) if self._ours.check([key]) else None
        except RuntimeError:  # it has gone, and its store with it
            return None


def is_lost(error: BaseException) -> bool:
    """Tell whether an error of torch's means that another process cannot be reached."""
    if isinstance(error, (distributed.DistBackendError, distributed.DistNetworkError, distributed.DistStoreError)):
        return True
    return isinstance(error, RuntimeError) and "/gloo/" in str(error)


def _knock(host: str, port: int, patience: float) -> None:
    """Wait until something answers at an address; torch, which does so too, tells of each attempt at length."""
    end = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, port), timeout=patience).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _seconds() -> float | None:
    written = os.environ.get(ENVIRONMENT)
    if not written:
        return None
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e7:
        raise UsageError(f"{ENVIRONMENT}={written!r}: should be a number of seconds")
    return seconds
