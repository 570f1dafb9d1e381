"""Real kernels as oracles: the running one through bpf(2), others in a virtual machine.

A kernel loads and test-runs programs here; nothing is ever attached.
"""

from bpfsmt.kernel.oracle import (
    LoadFlag,
    LoadResult,
    LoadStats,
    MapContent,
    Oracle,
    RunInput,
    RunResult,
    oracle,
)

__all__ = [
    "LoadFlag",
    "LoadResult",
    "LoadStats",
    "MapContent",
    "Oracle",
    "RunInput",
    "RunResult",
    "oracle",
]
