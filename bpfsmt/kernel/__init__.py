"""Real kernels as oracles: the running one through bpf(2), others in a virtual machine.

A kernel loads and test-runs programs here; nothing is ever attached.

>>> from bpfsmt.kernel import available, load_program
>>> from bpfsmt.program import load_asm
>>> program = load_asm("r0 = 2\\nexit", "pass")
>>> if available() is None:  # else it is the reason, in one line
...     with load_program(program) as loaded:
...         assert loaded.accepted and loaded.run().retval == 2
"""

from bpfsmt.kernel.load import Loaded, load_program
from bpfsmt.kernel.maps import KernelMap
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
from bpfsmt.kernel.running import RunningKernel
from bpfsmt.kernel.syscall import BpfError, available, possible_cpus

__all__ = [
    "BpfError",
    "KernelMap",
    "LoadFlag",
    "LoadResult",
    "LoadStats",
    "Loaded",
    "MapContent",
    "Oracle",
    "RunInput",
    "RunResult",
    "RunningKernel",
    "available",
    "load_program",
    "oracle",
    "possible_cpus",
]
