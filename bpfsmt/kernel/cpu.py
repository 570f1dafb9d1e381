"""Keeping a thread on one CPU: per-CPU maps and LRU lists depend on where a program runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_cpu() -> Iterator[int]:
    """Keep this thread on one of the CPUs that it may use, the last; gives its number."""
    allowed = os.sched_getaffinity(0)
    cpu = max(allowed)
    os.sched_setaffinity(0, {cpu})
    try:
        yield cpu
    finally:
        os.sched_setaffinity(0, allowed)
