"""Concrete execution: one program, one input, every step as the kernel would do it.

The machine runs what `bpfsmt.semantics` says instructions mean, on memory that is made
of regions with exact bounds, inside an `Environment` that holds the maps and answers the
helpers.  A wild access is a `Fault` of the program, an unknown helper ends the run as
"unsupported"; neither is an error of bpfsmt.  With ``trace=True`` the result has every
`Step`, against which `bpfsmt.crosscheck.concrete` checks a verifier's claims.
A solver's model is replayed by a `ScriptedEnvironment`.
"""

from bpfsmt.machine.code import Code
from bpfsmt.machine.env import Environment
from bpfsmt.machine.machine import Inputs, Machine, Result, run
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
from bpfsmt.machine.script import Event, ScriptedEnvironment
from bpfsmt.machine.trace import FrameView, Location, Step, Trace

__all__ = [
    "ANY",
    "EXIST",
    "NOEXIST",
    "Code",
    "Environment",
    "Event",
    "Fault",
    "FrameView",
    "Inputs",
    "Location",
    "Machine",
    "MapError",
    "MapState",
    "Memory",
    "PerfBuffer",
    "PerfReader",
    "Region",
    "Result",
    "Sample",
    "ScriptedEnvironment",
    "Step",
    "Trace",
    "UserMap",
    "run",
]
