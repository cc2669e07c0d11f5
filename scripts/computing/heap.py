"""The memory of a process: what is freed is kept for what is allocated next."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Have freed memory reused instead of given back to the system, where the C library is glibc.

    A training step on a CPU, or a task vector's next piece, allocates the same large tensors again;
    the system clears every page of them each time. The heap may grow by a half, through gaps.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)
