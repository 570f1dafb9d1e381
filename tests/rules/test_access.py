"""An access that the rules admit stays inside; a compare proves the room that it claims."""

from __future__ import annotations

import pytest
import z3

from bpfsmt.prover.obligation import Obligation
from bpfsmt.rules.access import MAX_PACKET_OFF

from .prove import X, assert_integer_lemma, assert_proved, two_scalars

OFF, SIZE, LIMIT, ROOM, START, END = z3.BitVecs("off size limit room start end", 64)


def exact(term: z3.BitVecRef, *, signed: bool = False) -> z3.BitVecRef:
    """A word as a number wide enough that nothing below can wrap."""
    return z3.SignExt(8, term) if signed else z3.ZeroExt(8, term)


def test_region_access_ok() -> None:
    """0 ≤ off + x and off + x + size ≤ limit, as numbers."""
    c, a, _ = two_scalars()
    given = (*c.given, c.run("region_access_ok", a, OFF, SIZE, LIMIT))
    at = exact(OFF, signed=True) + exact(X, signed=True)
    inside = z3.And(at >= 0, at + exact(SIZE) <= exact(LIMIT))
    assert_proved(Obligation("region_access_ok", given, inside))


def test_packet_access_ok() -> None:
    """The variable part and the offset do not go back, and the end is within what is checked.

    So if start + x + limit ≤ end, then start ≤ start + x + off and the access ends in time.
    """
    c, a, _ = two_scalars()
    ok = c.run("packet_access_ok", a, OFF, SIZE, LIMIT)
    given = (*c.given, ok)
    assert_proved(
        Obligation("forward", given, z3.And(X >= 0, OFF >= 0)),
        Obligation("in the range", given, exact(OFF) + exact(SIZE) <= exact(LIMIT)),
        Obligation("no room", (ok, LIMIT == 0), SIZE == 0),
    )
    start, x, off, size, limit, end = z3.Ints("start x off size limit end")
    first = start + x + off
    assert_integer_lemma(
        z3.And(start <= first, first + size <= end),
        *(x >= 0, off >= 0, off + size <= limit, start + x + limit <= end),
    )


def packet(extra: z3.BoolRef) -> tuple[z3.BoolRef, ...]:
    """A packet: start ≤ end, no longer than any can be, and not at the end of memory."""
    length = z3.ULE(END - START, MAX_PACKET_OFF)
    return (z3.ULE(START, END), length, z3.ULT(START, 1 << 63), extra)


def pointer_compare(a: z3.BoolRef) -> z3.BoolRef:
    """``start + x + off + room <= end`` as the machine computes it, wrapping; room is 0 or 1."""
    return z3.And(z3.ULE(START + X + OFF + ROOM, END), z3.ULE(ROOM, 1), a)


def test_packet_range() -> None:
    """After the compare, the claimed number of bytes after start + x is in the packet.

    A claim of 0 bytes says nothing, and admits no access (`test_packet_access_ok`).
    """
    c, a, _ = two_scalars()
    claimed = c.run("packet_range", a, OFF, ROOM)
    given = (*c.given, *packet(pointer_compare(claimed != 0)))
    inside = exact(START) + exact(X) + exact(claimed) <= exact(END)
    assert_proved(
        Obligation("in the packet", given, inside),
        Obligation("no more than fits", given, z3.ULE(claimed, MAX_PACKET_OFF + 1)),
    )


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_access_aligned(size: int) -> None:
    c, a, _ = two_scalars()
    given = (*c.given, c.run("access_aligned", a.var_off, OFF, size))
    assert_proved(Obligation("aligned", given, z3.URem(OFF + X, size) == 0))
