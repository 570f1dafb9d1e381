"""What generated code calls: accesses whose region is not known beforehand, functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from bpfsmt.bits.ints import RUNTIME
from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.linked import Linked
from bpfsmt.machine.machine import BudgetSpent, Machine
from bpfsmt.machine.memory import (
    Fault,
    Memory,
    Region,
    get2,
    get4,
    get8,
    put2,
    put4,
    put8,
)
from bpfsmt.machine.tailcall import TailCall

U64 = 0xFFFFFFFFFFFFFFFF

Function: TypeAlias = Callable[[Machine, Region, int, int, int, int, int], int]
"""A function of a program: the machine, its stack, R1..R5; returns R0."""


def load1(memory: Memory, address: int) -> int:
    """One byte, wherever it is."""
    region = memory.chunks.get(address >> 32)
    if region is not None:
        at = address - region.base
        if region.low <= at < region.high:
            return region.data[at]
    return memory.load(address & U64, 1)


def load2(memory: Memory, address: int) -> int:
    """Two bytes, wherever they are."""
    region = memory.chunks.get(address >> 32)
    if region is not None:
        at = address - region.base
        if region.low <= at <= region.high - 2:
            return int(get2(region.data, at)[0])
    return memory.load(address & U64, 2)


def load4(memory: Memory, address: int) -> int:
    """Four bytes, wherever they are."""
    region = memory.chunks.get(address >> 32)
    if region is not None:
        at = address - region.base
        if region.low <= at <= region.high - 4:
            return int(get4(region.data, at)[0])
    return memory.load(address & U64, 4)


def load8(memory: Memory, address: int) -> int:
    """Eight bytes, wherever they are."""
    region = memory.chunks.get(address >> 32)
    if region is not None:
        at = address - region.base
        if region.low <= at <= region.high - 8:
            return int(get8(region.data, at)[0])
    return memory.load(address & U64, 8)


def _store(size: int, put: Callable[[Any, int, int], None]) -> Callable[[Memory, int, int], None]:
    """A store of ``size`` bytes, wherever they are, of a value that fits."""

    def store(memory: Memory, address: int, value: int) -> None:
        region = memory.chunks.get(address >> 32)
        if region is not None and region.writable:
            at = address - region.base
            if region.low <= at <= region.high - size:
                put(region.data, at, value)
                return
        memory.store(address & U64, size, value)

    return store


def _put1(data: bytearray, at: int, value: int) -> None:
    data[at] = value


def invoke(m: Machine, function: Function, r1: int, r2: int, r3: int, r4: int, r5: int) -> int:
    """A call of a function of the program, in a new frame."""
    stack, link, base = m.push_stack(), m.link, m.base
    r0 = function(m, stack, r1, r2, r3, r4, r5)
    m.pop_stack(stack)
    if m.base != base:  # it called on into another program
        m.use(link, base)
    return r0


def lookup_in(link: Linked, number: int) -> Callable[[Memory, bytes], int]:
    """``bpf_map_lookup_elem`` in one map: the address of the value, or 0."""
    state, env = link.state(number), link.env
    lookup = state.lookup

    def look(memory: Memory, key: bytes) -> int:
        value = lookup(key, env.cpu)
        if value is None:
            return 0
        region = value.region
        if region is not None and region.owner is memory:
            return region.base
        return memory.attach(value, state, number)

    return look


def over_budget(m: Machine, steps: int) -> NoReturn:
    """The run ends here."""
    m.steps = steps
    raise BudgetSpent


def nowhere(to: int) -> NoReturn:
    """A jump to where no instruction starts."""
    raise Fault("goes nowhere", why=f"no instruction starts at slot {to}")


def unsupported(what: str) -> NoReturn:
    """An instruction that is not modelled."""
    raise UnsupportedError(f"{what} is not modelled")


NAMESPACE: dict[str, Any] = {
    **RUNTIME,
    "get2": get2, "get4": get4, "get8": get8, "put2": put2, "put4": put4, "put8": put8,
    "load1": load1, "load2": load2, "load4": load4, "load8": load8,
    "store1": _store(1, _put1), "store2": _store(2, put2),
    "store4": _store(4, put4), "store8": _store(8, put8),
    "invoke": invoke, "over_budget": over_budget, "nowhere": nowhere,
    "unsupported": unsupported, "TailCall": TailCall,
}  # fmt: skip
"""The names that generated code uses."""
