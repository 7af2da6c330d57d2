"""How many threads a step of generation keeps busy."""

from __future__ import annotations

from charrnn.cores import usable_cores

#: Multiplications of one product that are worth a thread: with fewer, waiting for it takes longer than they do.
_WORK_OF_A_THREAD = 1 << 15
#: What a small product may use without harm.
_FEW = 2


def suitable_threads(hidden: int, lanes: int, cores: int) -> int:
    """Return the threads for the products of a model's step, of texts side by side."""
    return max(1, min(4 * hidden**2 * lanes // _WORK_OF_A_THREAD, cores))


def limit_threads(hidden: int, lanes: int) -> None:
    """Keep OpenBLAS, for the rest of the process, from using a whole large machine for small products."""
    cores = usable_cores()
    threads = suitable_threads(hidden, lanes, cores)
    if cores > max(threads, _FEW):
        from threadpoolctl import ThreadpoolController

        ThreadpoolController().select(user_api="blas").limit(limits=threads)
