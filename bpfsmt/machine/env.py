"""What surrounds a program: maps, clocks, random numbers, devices, and the helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.machine.helpers.base import Args
from bpfsmt.machine.helpers.checksums import ChecksumHelpers
from bpfsmt.machine.helpers.clocks import ClockHelpers
from bpfsmt.machine.helpers.elements import ElementHelpers
from bpfsmt.machine.helpers.fib import FibHelpers
from bpfsmt.machine.helpers.flow import FlowHelpers
from bpfsmt.machine.helpers.output import OutputHelpers
from bpfsmt.machine.helpers.redirect import RedirectHelpers
from bpfsmt.machine.helpers.skb import SkbHelpers
from bpfsmt.machine.helpers.sockets import SocketHelpers
from bpfsmt.machine.helpers.text import TextHelpers
from bpfsmt.machine.helpers.xdp import XdpHelpers
from bpfsmt.machine.memory import Region

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine


class Environment(
    ElementHelpers,
    FlowHelpers,
    ClockHelpers,
    TextHelpers,
    OutputHelpers,
    XdpHelpers,
    SkbHelpers,
    SocketHelpers,
    ChecksumHelpers,
    RedirectHelpers,
    FibHelpers,
):
    """The state around programs, which lives on from run to run, and their helpers.

    Maps are known by name and start empty (arrays: zero, or their initial data); user space
    reads and writes them through `map`.  ``pins`` are maps that several environments share
    by name.  ``programs`` says what ``bpf_tail_call`` finds besides what is in prog_arrays:
    program by name of the map and index.  ``routes`` is the routing table.

    Time is in nanoseconds and passes by a microsecond at each look at the clock; set
    ``time`` to let it pass.  ``cpu`` is the CPU that programs run on, one of ``cpus``; it
    may be set between runs.  ``process`` is (process, thread), ``user`` (user, group),
    ``comm`` the command of the current process, ``user_memory`` its bytes by address.
    ``rounds`` is how often the ``may_goto`` of a function's call go on.
    ``printed`` has the lines of ``bpf_trace_printk``.

    A helper is the method that has its name: to change what a helper does, derive a class
    and override it.

    >>> from bpfsmt.program.program import MapDef
    >>> counts = MapDef("counts", "hash", key_size=4, value_size=8, max_entries=16)
    >>> env = Environment()
    >>> env.map(counts).update(1, 5)
    >>> env.map("counts").number(1)
    5
    """

    def call(self, machine: Machine, number: int, args: Args) -> int:
        """A helper's effect and its result, of which R0 takes the low 64 bits.

        ``machine.pc`` is the call's.  Raises `Fault` where the arguments are wrong, and
        `UnsupportedError` for a helper that is not modelled.
        """
        name = HELPER_NAMES.get(number, f"helper {number}")
        helper = getattr(self, name, None) if number in HELPER_NAMES else None
        if helper is None:
            raise UnsupportedError(f"{name} is not modelled")
        result: int = helper(machine, *args)
        return result

    def load_value(self, machine: Machine, pc: int, region: Region, size: int, value: int) -> int:
        """What a load from a map's value gives, where the machine's memory has ``value``."""
        return value
