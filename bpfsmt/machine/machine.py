"""The concrete machine: the state of one run, and what helpers may do with it."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, Protocol

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine.actions import redirects
from bpfsmt.machine.context import Context
from bpfsmt.machine.inputs import Copy, Inputs, Outcome, Redirect, Result
from bpfsmt.machine.linked import Linked
from bpfsmt.machine.maps.base import MapState, Value
from bpfsmt.machine.maps.ringbuf import Record, RingbufState
from bpfsmt.machine.memory import CHUNK_BITS, Fault, Memory, Region
from bpfsmt.machine.packet import ETHERNET, Packet
from bpfsmt.machine.skb import Skb, swapped
from bpfsmt.machine.socket import Socket
from bpfsmt.program.program import Program, ProgramType

if TYPE_CHECKING:
    from bpfsmt.machine.env import Environment

STACK_SIZE = 512
MAX_FRAMES = 8
MAX_TAIL_CALLS = 33
_STACKS = tuple(f"stack of frame {n}" for n in range(MAX_FRAMES * (MAX_TAIL_CALLS + 1)))
U64 = 0xFFFFFFFFFFFFFFFF

JUNK = tuple((0xBAD0_BAD0_BAD0_BAD0 + 0x0101_0101_0101_0101 * n) & U64 for n in range(11))
"""What registers hold that nobody wrote."""

_FRAMES = (ProgramType.SCHED_CLS, ProgramType.SCHED_ACT)
_PACKETS = (ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB)

# Offsets of packet loads that count from another place than the packet's start.
_FROM_NETWORK, _FROM_LINK = -0x100000, -0x200000


class BudgetSpent(Exception):
    """More instructions have run than may."""


class Engine(Protocol):
    """What runs the instructions: reads and writes the machine's state."""

    def call(self, entry: int, args: tuple[int, ...]) -> int:
        """Run the function at slot ``entry`` of the current program; its R0."""
        ...


@functools.lru_cache(maxsize=1024)
def junk(seed: int, depth: int) -> bytes:
    """What the stack of a frame holds before it is written."""
    return random.Random(seed << 8 | depth).randbytes(STACK_SIZE)


class Machine:
    """One run: memory, packet, context, and the environment around them.

    ``steps`` is how many instructions have run, of ``budget`` that may; ``pc`` is that of the
    last call of a helper; ``link`` is the program that runs now, with its maps, and ``base``
    the number of the frame in which it began.  ``storage`` is what the maps of local storage
    hold for this run's socket or cgroup.
    """

    engine: Engine

    def __init__(
        self, link: Linked, inputs: Inputs, env: Environment, budget: int, seed: int = 0
    ) -> None:
        self.env = env
        self.budget = budget
        self.link = link
        self.memory = Memory()
        self.memory.handles = link.handles
        self.seed = seed
        type_ = link.program.type
        self.packet = self._new_packet(type_, inputs)
        self.context = Context(self.memory, link.code.shape, self.packet)
        self._set_context(type_, inputs)
        self.steps = 0
        self.pc = 0
        self.depth = self.base = 0
        self.redirect: Redirect | None = None
        self.copies: list[Copy] = []
        self.lock = 0
        self.storage: dict[MapState, Value] = {}
        self.records: dict[int, tuple[RingbufState, Record]] = {}
        self._tail_calls = 0

    def _new_packet(self, type_: ProgramType, inputs: Inputs) -> Packet:
        if type_ in _FRAMES:
            return Skb(self.memory, inputs.packet, inputs.data_meta, None)
        if type_ in _PACKETS:
            return Skb(self.memory, inputs.packet, inputs.data_meta, inputs.link)
        return Packet(self.memory, inputs.packet, inputs.data_meta)

    def _set_context(self, type_: ProgramType, inputs: Inputs) -> None:
        context = self.context
        if inputs.socket is not None and not isinstance(self.packet, Skb):
            raise BpfsmtError(f"a packet of {type_.value} has no socket")
        if isinstance(self.packet, Skb):
            self.packet.context = context
            if inputs.socket is not None:
                context.socket = Socket(self.memory, inputs.socket)
            context.put("len", len(inputs.packet))
            context.put("wire_len", len(inputs.packet))
            frame = inputs.packet if type_ in _FRAMES else inputs.link
            if len(frame) >= ETHERNET:
                context.put("protocol", swapped(int.from_bytes(frame[12:14], "big")))
        if inputs.context:
            given = inputs.context[: len(context.data)]
            context.data[: len(given)] = given
        if inputs.ctx:
            for name, value in inputs.ctx.items():
                context.set(name, value)

    @property
    def program(self) -> Program:
        """The program that runs now."""
        return self.link.program

    @property
    def ctx(self) -> Region:
        """The context's region."""
        return self.context.region

    @property
    def skb(self) -> Skb:
        """The packet of a program for ``__sk_buff``; raises `Fault` for another's."""
        if isinstance(self.packet, Skb):
            return self.packet
        raise Fault("helper call", why=f"a program of type {self.program.type.value} has no skb")

    def socket_at(self, address: int) -> Socket | None:
        """The socket that a helper was handed, `None` for NULL; raises `Fault` if it is none."""
        socket = self.context.socket
        if address == 0:
            return None
        if socket is None or address != socket.region.base:
            raise Fault("helper call", why=f"{address:#x} is no socket")
        return socket

    # Frames ----------------------------------------------------------------------------

    def push_stack(self) -> Region:
        """The stack of one more frame; raises `Fault` if the program has too many."""
        depth = self.depth
        if depth - self.base == MAX_FRAMES:
            raise Fault("call", why=f"more than {MAX_FRAMES} frames")
        self.depth = depth + 1
        stack = bytearray(junk(self.seed, depth))
        return self.memory.add("stack", stack, _STACKS[depth], True, depth)

    def pop_stack(self, stack: Region) -> None:
        """The innermost frame ends; what points into its stack dangles."""
        self.depth -= 1
        self.memory.drop(stack)

    def use(self, link: Linked, base: int) -> None:
        """Another program runs from here on, which began in frame ``base``."""
        self.link, self.base = link, base
        self.memory.handles = link.handles

    def call(self, address: int, *args: int) -> int:
        """Run a function that a program handed to a helper, on up to five arguments."""
        entry = self.link.code.entries.get(address)
        if entry is None:
            raise Fault("helper call", why=f"{address:#x} is no function")
        return self.engine.call(entry, args)

    def count_tail_call(self) -> bool:
        """One more tail call; False if that is one too many."""
        self._tail_calls += 1
        return self._tail_calls <= MAX_TAIL_CALLS

    # Memory ----------------------------------------------------------------------------

    def load(self, pc: int, address: int, size: int) -> int:
        """What the program's load gives, as the environment lets it see maps."""
        value = self.memory.load(address, size)
        region = self.memory.chunks[address >> CHUNK_BITS]
        if region.kind == "map_value":
            return self.env.load_value(self, pc, region, size, value)
        return value

    def packet_load(self, base: int, offset: int, size: int) -> int | None:
        """What a legacy packet load gives, in host order; `None` if it is not there.

        ``base`` is R6.  Offsets below 0 count from the network or link-layer header (Linux
        6.18, ``bpf_skb_load_helper_*``).  Raises `Fault` if R6 is not the context of a skb.
        """
        if base != self.ctx.base:
            raise Fault("packet load", why="R6 is not the context")
        skb = self.skb
        offset = ((offset & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31)
        if offset < 0:
            if offset >= _FROM_NETWORK:
                offset += skb.network_offset - _FROM_NETWORK
            elif offset >= _FROM_LINK:
                offset += skb.mac_offset - _FROM_LINK
            else:
                return None
        data = skb.from_offset(offset, size)
        return None if data is None else int.from_bytes(data, "big")

    # Maps ------------------------------------------------------------------------------

    def map_state(self, address: int) -> MapState:
        """The map that a helper was handed; raises `Fault` if it is none."""
        state = self.env.state_at(address)
        if state is None:
            raise Fault("helper call", why=f"{address:#x} is no map")
        return state

    def map_address(self, state: MapState) -> int:
        """What a program gets that looked up a map inside a map."""
        return self.link.address(state)

    def value_address(self, state: MapState, value: Value) -> int:
        """Where the program sees a value of a map."""
        return self.memory.attach(value, state, self.link.number(state))

    def direct_address(self, number: int) -> int:
        """The address of the one value of the program's map ``number``."""
        return self.value_address(self.link.state(number), self.link.direct(number))

    # The end ---------------------------------------------------------------------------

    def result(
        self, outcome: Outcome, *, r0: int | None = None, fault: Fault | None = None, why: str = ""
    ) -> Result:
        """How the run ended."""
        type_ = self.context.type
        sent = r0 is not None and redirects(type_, r0)
        return Result(
            outcome, self.steps, self.packet.content, r0, fault, why, None, type_,
            self.packet.meta, bytes(self.context.data), self.redirect if sent else None,
            tuple(self.copies),
        )  # fmt: skip
