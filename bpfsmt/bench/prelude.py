"""A program that makes the packet new and goes on to the one that is measured.

A test run gives the packet, as a repetition left it, to the next one: a load balancer
would wrap what it has wrapped, a router count the TTL down to nothing.  The prelude puts
the packet back as it was (metadata, length, first bytes), may draw a field at random, and
ends with a tail call.  What it costs is measured with an empty program behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.program import Program, load_asm

RESTORED = 64
"""So many of the first bytes are written again, in words of 8."""

NEXT = "next"
"""The prog_array whose entry 0 is the program that is measured."""


@dataclass(frozen=True, slots=True)
class Vary:
    """Four bytes at ``offset``, big-endian: ``base`` plus ``step`` times one of 0..count-1."""

    offset: int
    base: int
    count: int
    step: int = 1

    def value(self, number: int) -> bytes:
        """The bytes for one of the numbers.

        >>> Vary(26, 0x0A000000, 300).value(257).hex()
        '0a000101'
        """
        return (self.base + self.step * (number % self.count)).to_bytes(4, "big")

    def apply(self, frame: bytes, number: int) -> bytes:
        """The frame with that number in it."""
        return frame[: self.offset] + self.value(number) + frame[self.offset + 4 :]


def prelude(frame: bytes, vary: Vary | None = None) -> Program:
    """The program that restores ``frame`` and tail-calls entry 0 of the map `NEXT`.

    It undoes what moved the packet's head, and rewrites its first `RESTORED` bytes; a program
    that moves the tail or writes further back leaves its traces.
    """
    return load_asm("\n".join(_lines(frame, vary)), "prelude")


def _lines(frame: bytes, vary: Vary | None) -> Iterator[str]:
    yield f".map {NEXT} type=prog_array key=4 value=4 entries=1"
    yield "r6 = r1"
    if vary is not None:
        yield from ("call bpf_get_prandom_u32", "r9 = r0", f"r9 %= {vary.count}")
        yield from (f"r9 *= {vary.step}", f"r1 = {vary.base} ll", "r9 += r1", "r9 = be32 r9")
    yield from _MOVE_BACK
    yield from (f"r3 -= {len(frame)}", "if r3 == 0 goto same", "r1 = r6", "r2 = r3")
    yield from ("call bpf_xdp_adjust_head", "same:")
    yield from ("r2 = *(u32 *)(r6 + 0)", "r3 = *(u32 *)(r6 + 4)")
    size = min(len(frame), RESTORED) // 8 * 8
    yield from ("r4 = r2", f"r4 += {size}", "if r4 > r3 goto out")
    for at in range(0, size, 8):
        word = int.from_bytes(frame[at : at + 8], "little")
        yield from (f"r5 = {word:#x} ll", f"*(u64 *)(r2 + {at}) = r5")
    if vary is not None:
        yield f"*(u16 *)(r2 + {vary.offset}) = r9"
        yield from ("r9 >>= 16", f"*(u16 *)(r2 + {vary.offset + 2}) = r9")
    yield from ("r1 = r6", f"r2 = map[{NEXT}]", "r3 = 0", "call bpf_tail_call")
    yield from ("out:", "r0 = 0", "exit")


_MOVE_BACK = (
    "r4 = *(u32 *)(r6 + 8)",
    "r2 = *(u32 *)(r6 + 0)",
    "r2 -= r4",
    "if r2 == 0 goto no_meta",
    "r1 = r6",
    "call bpf_xdp_adjust_meta",
    "no_meta:",
    "r2 = *(u32 *)(r6 + 0)",
    "r3 = *(u32 *)(r6 + 4)",
    "r3 -= r2",
)
"""No metadata, and then the packet's length in R3."""
