"""What is known of a register while a program is translated: bounds, or where it points.

Facts make code faster, never different: a pointer whose place is known needs no search for
its region, a number whose bounds are known no wrap.
"""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.bits.inline import Operand
from bpfsmt.machine.machine import JUNK
from bpfsmt.machine.memory import CHUNK_BITS, FIRST_CHUNK

U64 = 0xFFFFFFFFFFFFFFFF

STACK, CTX, MAP = "stack", "ctx", "map"
"""Bases whose address the generated code has a name for: with ``off`` the pointer is known."""

PACKET, ELSEWHERE = "packet", "elsewhere"
"""Hints: where a pointer probably points, so that it is looked for there first."""

PACKET_SPACE = FIRST_CHUNK << CHUNK_BITS, (FIRST_CHUNK + 1 << CHUNK_BITS) - 1
"""Between which addresses the packet's marks are: it is the first region of all."""

_AROUND = (FIRST_CHUNK - 1 << CHUNK_BITS, FIRST_CHUNK + 2 << CHUNK_BITS)
"""Where pointers into the packet remain, whatever a program does to them within reason."""

_NAMES = {STACK: "fp", CTX: "cx"}
_WIDENED = (0xFF, 0xFFFF, 0xFFFFFFFF, U64)
_FAR = 1 << 24


class Fact(NamedTuple):
    """A number between two others, or a pointer.

    Of a map's handle, ``off`` is the number of the map; of other exact pointers the
    distance to the base.
    """

    low: int = 0
    high: int = U64
    base: str = ""
    off: int = 0

    @property
    def literal(self) -> str | None:
        """How the value is written where no variable is needed; `None` if it is not known."""
        if self.base == MAP:
            return f"H{self.off}"
        if self.base in _NAMES:
            name = _NAMES[self.base]
            return f"({name} {'-' if self.off < 0 else '+'} {abs(self.off)})" if self.off else name
        return str(self.low) if self.low == self.high else None

    def moved(self, distance: int) -> Fact:
        """The pointer so many bytes further on; unknown if that is too far to be any use."""
        off = self.off + distance
        return self._replace(off=off) if abs(off) < _FAR else Fact()


def constant(value: int) -> Fact:
    """A number that is known."""
    return Fact(value, value)


def exact(base: str, off: int = 0) -> Fact:
    """A pointer whose place is known."""
    return Fact(0, U64, base, off)


UNKNOWN = Fact()
UNWRITTEN = tuple(constant(word) for word in JUNK)
"""What registers hold that nobody wrote."""


def operand(fact: Fact, register: int) -> Operand:
    """The register in an expression."""
    literal = fact.literal
    return Operand(f"r{register}" if literal is None else literal, fact.low, fact.high)


def join(a: Fact, b: Fact) -> Fact:
    """What is known where two ways meet; bounds grow in few steps, so that this ends."""
    if a == b:
        return a
    if a.base in (STACK, CTX, MAP) or b.base in (STACK, CTX, MAP):
        return UNKNOWN
    base = a.base if a.base == b.base else ""
    low, high = min(a.low, b.low), max(a.high, b.high)
    if _AROUND[0] <= low and high <= _AROUND[1]:
        return Fact(*_AROUND, base)
    return Fact(0, next(limit for limit in _WIDENED if high <= limit), base)
