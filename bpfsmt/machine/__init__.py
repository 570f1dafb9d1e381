"""Concrete execution: programs really run, on packets, with maps, as the kernel would do it.

`run` takes a program, an `Inputs` (packet, context, metadata) and an `Environment` (maps,
clock, routes, helpers), and gives a `Result`: the answer, the packet as it is then, and
where it goes (`Redirect`).

>>> from bpfsmt.program import load_asm
>>> program = load_asm('''
...     .map seen type=array key=4 value=8 entries=1
...         *(u32 *)(r10 - 4) = 0
...         r1 = map[seen]
...         r2 = r10
...         r2 += -4
...         call bpf_map_lookup_elem
...         if r0 == 0 goto +2
...         r1 = 1
...         lock *(u64 *)(r0 + 0) += r1
...         r0 = 1
...         exit
... ''', "count")
>>> env = Environment()
>>> for packet in (b"one", b"two"):
...     print(run(program, Inputs(packet), env).action)
XDP_DROP
XDP_DROP
>>> env.map("seen").number(0)
2

What instructions mean is `bpfsmt.semantics`; memory is made of regions with exact bounds.
A wild access is a `Fault` of the program (pc, address, size, region), a helper that is not
modelled ends the run as "unsupported"; neither is an error of bpfsmt.

There are two engines with the same results: an interpreter, the reference, and a
translation of whole programs to Python for speed (see `run`).  With ``trace=True`` the
result has every `Step`, against which `bpfsmt.crosscheck.concrete` checks a verifier's
claims.  A solver's model is replayed by a `ScriptedEnvironment`.

User space holds maps as `UserMap` (``env.map(name)``): lookup, update, delete, iteration,
queues, ring buffers and perf events, with the kernel's errors as `MapError`.  `Routes` is
the routing table of ``bpf_fib_lookup``.  A packet may belong to a socket
(``Inputs.socket``), which can be read and has storage.  Not modelled: kfuncs, timers, TCP
sockets, dynptrs, storage of tasks and inodes, packets in fragments, and spin locks as flags
of updates.
"""

from bpfsmt.machine.code import Code
from bpfsmt.machine.env import Environment
from bpfsmt.machine.helpers.base import Printed
from bpfsmt.machine.inputs import Copy, Hop, Inputs, Redirect, Result
from bpfsmt.machine.machine import Machine
from bpfsmt.machine.maps import (
    ANY,
    EXIST,
    NOEXIST,
    MapError,
    MapState,
    PerfBuffer,
    PerfReader,
    Sample,
    UserMap,
)
from bpfsmt.machine.memory import Fault, Memory, Region
from bpfsmt.machine.routes import Device, Route, Routes
from bpfsmt.machine.run import run
from bpfsmt.machine.script import Event, ScriptedEnvironment
from bpfsmt.machine.trace import FrameView, Location, Step, Trace

__all__ = [
    "ANY",
    "EXIST",
    "NOEXIST",
    "Code",
    "Copy",
    "Device",
    "Environment",
    "Event",
    "Fault",
    "FrameView",
    "Hop",
    "Inputs",
    "Location",
    "Machine",
    "MapError",
    "MapState",
    "Memory",
    "PerfBuffer",
    "PerfReader",
    "Printed",
    "Redirect",
    "Region",
    "Result",
    "Route",
    "Routes",
    "Sample",
    "ScriptedEnvironment",
    "Step",
    "Trace",
    "UserMap",
    "run",
]
