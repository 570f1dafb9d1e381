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
