"""What surrounds a program: maps, clocks, random numbers, and the helpers themselves.

A helper is the method of `Environment` that has its name: to change what a helper does,
derive a class and override it.  Error numbers are those of Linux 6.18.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.machine.checksum import csum_diff
from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT
from bpfsmt.machine.maps import MapState, UserMap, new_state
from bpfsmt.machine.memory import Region
from bpfsmt.program.program import MapDef, Program, ProgramType

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

Args: TypeAlias = tuple[int, int, int, int, int]
"""R1..R5 as the helper gets them."""

EFAULT = -14
XDP_ABORTED, XDP_REDIRECT, TC_ACT_SHOT, TC_ACT_REDIRECT = 0, 4, 2, 7
FIB_NOT_FORWARDED = 4

_BROADCAST = 1 << 3 | 1 << 4  # and "not back where it came from": flags of a devmap


class TailCall(Exception):
    """Raised by ``bpf_tail_call``: the run goes on at the start of another program."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.name)
        self.program = program


class Environment:
    """The state around a program, which lives on from run to run.

    Maps are known by name and start empty (arrays: zero, or their initial data).
    ``programs`` says what ``bpf_tail_call`` finds: program by name of the prog_array and
    index.  Time is in nanoseconds and passes by a microsecond at each look at the clock.

    >>> counts = MapDef("counts", "hash", key_size=4, value_size=8, max_entries=16)
    >>> env = Environment()
    >>> env.state_of(counts).update(b"key1", bytes(8))
    0
    """

    def __init__(
        self,
        *,
        cpu: int = 0,
        seed: int = 0,
        time: int = 1_000_000_000,
        programs: Mapping[tuple[str, int], Program] | None = None,
    ) -> None:
        self.cpu = cpu
        self.time = time
        self.programs = dict(programs or {})
        self.maps: dict[str, MapState] = {}
        self._random = random.Random(seed)

    def state_of(self, definition: MapDef) -> MapState:
        """The content of a map, made when first asked for.

        Raises `UnsupportedError` for a type of map that is not modelled, and `BpfsmtError`
        if another map of that name is there.
        """
        state = self.maps.get(definition.name)
        if state is None:
            state = self.maps[definition.name] = new_state(definition)
        elif state.definition != definition:
            raise BpfsmtError(f"two different maps are called {definition.name}")
        return state

    def map(self, which: str | MapDef) -> UserMap:
        """A map in the hands of user space, by name or definition.

        Raises `BpfsmtError` for a name that no map has (a map is there once a program that
        uses it has run, or its definition was given).
        """
        if isinstance(which, MapDef):
            return UserMap(self.state_of(which))
        state = self.maps.get(which)
        if state is None:
            known = ", ".join(sorted(self.maps)) or "none"
            raise BpfsmtError(f"no map {which!r} (there are: {known})")
        return UserMap(state)

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

    def load(self, machine: Machine, pc: int, region: Region, size: int, value: int) -> int:
        """What a load from a map's value gives, where the machine's memory has ``value``."""
        return value

    # Maps --------------------------------------------------------------------------

    def _map(self, m: Machine, handle: int) -> tuple[int, MapState]:
        number = m.map_number(handle)
        return number, self.state_of(m.program.maps[number])

    def bpf_map_lookup_elem(self, m: Machine, handle: int, key: int, *_: int) -> int:
        """The address of the value, or 0."""
        number, state = self._map(m, handle)
        name = m.memory.read(key, state.definition.key_size)
        value = state.lookup(name)
        return 0 if value is None else m.value_region(number, name, value).base

    def bpf_map_update_elem(
        self, m: Machine, handle: int, key: int, value: int, flags: int, _: int
    ) -> int:
        """Store a copy of the value: 0 or a negative error number."""
        _number, state = self._map(m, handle)
        name = m.memory.read(key, state.definition.key_size)
        return state.update(name, m.memory.read(value, state.definition.value_size), flags)

    def bpf_map_delete_elem(self, m: Machine, handle: int, key: int, *_: int) -> int:
        """Take out a key: 0 or a negative error number."""
        _number, state = self._map(m, handle)
        return state.delete(m.memory.read(key, state.definition.key_size))

    def bpf_tail_call(self, m: Machine, ctx: int, handle: int, index: int, *_: int) -> int:
        """On to another program, if there is one; the caller goes on only if there is none."""
        number, state = self._map(m, handle)
        definition = m.program.maps[number]
        index &= 0xFFFFFFFF
        if index >= state.definition.max_entries:
            return E2BIG
        program = self.programs.get((definition.name, index))
        if program is None or not m.count_tail_call():
            return ENOENT
        raise TailCall(program)

    def bpf_perf_event_output(
        self, m: Machine, ctx: int, handle: int, flags: int, data: int, size: int
    ) -> int:
        """Nobody listens: -ENOENT, after the data was read."""
        self._map(m, handle)
        m.memory.read(data, size)
        return ENOENT

    # Clocks and numbers --------------------------------------------------------------

    def bpf_ktime_get_ns(self, m: Machine, *_: int) -> int:
        """Nanoseconds since boot."""
        self.time += 1000
        return self.time

    bpf_ktime_get_boot_ns = bpf_ktime_get_coarse_ns = bpf_ktime_get_tai_ns = bpf_ktime_get_ns

    def bpf_jiffies64(self, m: Machine, *_: int) -> int:
        """Ticks since boot, of a kernel with 1000 of them a second."""
        return self.bpf_ktime_get_ns(m) // 1_000_000

    def bpf_get_prandom_u32(self, m: Machine, *_: int) -> int:
        """A random number of 32 bits, the same in each run with the same seed."""
        return self._random.getrandbits(32)

    def bpf_get_smp_processor_id(self, m: Machine, *_: int) -> int:
        """The number of the CPU."""
        return self.cpu

    def bpf_get_numa_node_id(self, m: Machine, *_: int) -> int:
        """The one node there is."""
        return 0

    def bpf_get_current_pid_tgid(self, m: Machine, *_: int) -> int:
        """Thread group and thread: both 1."""
        return 1 << 32 | 1

    def bpf_get_current_uid_gid(self, m: Machine, *_: int) -> int:
        """Group and user: root."""
        return 0

    def bpf_trace_printk(self, m: Machine, text: int, size: int, *_: int) -> int:
        """Reads the format, prints nothing, and gives its length."""
        return len(m.memory.read(text, size & 0xFFFFFFFF).partition(b"\0")[0])

    # The packet ----------------------------------------------------------------------

    def bpf_xdp_adjust_head(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the packet's start by ``delta``: 0 or -EINVAL."""
        return m.packet.adjust_head(as_int(delta))

    def bpf_xdp_adjust_meta(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the start of the metadata: 0, -EINVAL or -EACCES."""
        return m.packet.adjust_meta(as_int(delta))

    def bpf_xdp_adjust_tail(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the packet's end: 0 or -EINVAL."""
        return m.packet.adjust_tail(as_int(delta))

    def bpf_xdp_get_buff_len(self, m: Machine, *_: int) -> int:
        """The packet's length in bytes."""
        return len(m.packet.content)

    def bpf_xdp_load_bytes(
        self, m: Machine, ctx: int, offset: int, to: int, size: int, *_: int
    ) -> int:
        """Copy bytes out of the packet: 0, or -EINVAL if it does not have them."""
        offset, size = offset & 0xFFFFFFFF, size & 0xFFFFFFFF
        if offset + size > len(m.packet.content):
            return EINVAL
        m.memory.write(to, m.packet.content[offset : offset + size])
        return 0

    def bpf_xdp_store_bytes(
        self, m: Machine, ctx: int, offset: int, data: int, size: int, *_: int
    ) -> int:
        """Copy bytes into the packet: 0, or -EINVAL if it is too short."""
        offset, size = offset & 0xFFFFFFFF, size & 0xFFFFFFFF
        content = m.memory.read(data, size)
        if offset + size > len(m.packet.content):
            return EINVAL
        m.memory.write(m.packet.data + offset, content)
        return 0

    def bpf_skb_load_bytes(
        self, m: Machine, ctx: int, offset: int, to: int, size: int, *_: int
    ) -> int:
        """Copy bytes out of the packet: 0, or -EFAULT and zeros if it does not have them."""
        offset, size = offset & 0xFFFFFFFF, size & 0xFFFFFFFF
        there = offset + size <= len(m.packet.content)
        m.memory.write(to, m.packet.content[offset : offset + size] if there else bytes(size))
        return 0 if there else EFAULT

    def bpf_csum_diff(
        self, m: Machine, old: int, old_size: int, new: int, new_size: int, seed: int
    ) -> int:
        """The checksum's change when old bytes become new ones; -EINVAL for odd sizes."""
        old_size, new_size = old_size & 0xFFFFFFFF, new_size & 0xFFFFFFFF
        before = m.memory.read(old, old_size) if old else b""
        after = m.memory.read(new, new_size) if new else b""
        if (old_size | new_size) % 4:
            return EINVAL
        return csum_diff(before, after, seed & 0xFFFFFFFF)

    # Where it goes -------------------------------------------------------------------

    def bpf_redirect(self, m: Machine, ifindex: int, flags: int, *_: int) -> int:
        """The action that sends the packet on, or the one that drops it for unknown flags."""
        if m.program.type is ProgramType.XDP:
            return XDP_ABORTED if flags else XDP_REDIRECT
        return TC_ACT_SHOT if flags & ~1 else TC_ACT_REDIRECT

    def bpf_redirect_map(self, m: Machine, handle: int, index: int, flags: int, *_: int) -> int:
        """XDP_REDIRECT if the map has the index, else the action in the low bits of flags."""
        number, state = self._map(m, handle)
        broadcast = _BROADCAST if m.program.maps[number].type.startswith("devmap") else 0
        if flags & ~(3 | broadcast):
            return XDP_ABORTED
        name = (index & 0xFFFFFFFF).to_bytes(4, "little")
        if flags & 1 << 3 & broadcast or state.lookup(name) is not None:
            return XDP_REDIRECT
        return flags & 3

    def bpf_fib_lookup(
        self, m: Machine, ctx: int, params: int, size: int, flags: int, _: int
    ) -> int:
        """No route: the question is read and stays as it is."""
        m.memory.read(params, size & 0xFFFFFFFF)
        return FIB_NOT_FORWARDED


def as_int(word: int) -> int:
    """An argument that the helper takes as C's int."""
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000
