"""Symbolic register values: numbers and pointers, guarded where paths met.

A pointer is a region and an offset, not an address: bases of regions are only named where
a program looks at the bits of an address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import z3

Term: TypeAlias = Any
"""A Z3 bit-vector or truth term (z3's own classes are untyped)."""

TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)

BIAS = 1 << 62
"""Offsets are compared as addresses: a representative base, far from both ends."""


@dataclass(frozen=True, slots=True)
class Region:
    """A block of memory: ``kind`` and what tells it from others of its kind.

    Kinds: "ctx", "packet", "stack" (key: frame number), "map" (key: map index),
    "map_value" (key: map index and what lookup it came from), "record" of a ring buffer (key:
    its size and where it was reserved), "uninit" (no memory at all: a
    register never written).
    """

    kind: str
    key: tuple[Any, ...] = ()

    @property
    def base(self) -> Term:
        """The address of the region's start, unknown but fixed."""
        return z3.BitVec(f"base.{self.kind}.{'.'.join(map(str, self.key))}", 64)


CTX, PACKET, UNINIT = Region("ctx"), Region("packet"), Region("uninit")


@dataclass(frozen=True, slots=True, eq=False)
class Alt:
    """Under ``guard`` the value is ``off`` bytes into ``region``, or the number ``off``."""

    guard: Term
    region: Region | None
    off: Term

    @property
    def address(self) -> Term:
        """The 64 bits that the register holds."""
        if self.region is None or self.region is UNINIT:
            return self.off
        return self.region.base + self.off


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """Alternatives of which exactly one guard holds; nearly always there is just one."""

    alts: tuple[Alt, ...]

    @property
    def bits(self) -> Term:
        """The 64 bits of the register, whatever they mean."""
        result = self.alts[-1].address
        for alt in self.alts[-2::-1]:
            result = ite(alt.guard, alt.address, result)
        return result


def number(x: Term | int) -> Value:
    """A plain number."""
    return Value((Alt(TRUE, None, z3.BitVecVal(x, 64) if isinstance(x, int) else x),))


def pointer(region: Region, off: Term | int = 0) -> Value:
    """A pointer into a region."""
    return Value((Alt(TRUE, region, z3.BitVecVal(off, 64) if isinstance(off, int) else off),))


def ite(cond: Term, a: Term, b: Term) -> Term:
    """If-then-else that folds what is already decided."""
    if z3.is_true(cond) or a is b or a.eq(b):
        return a
    return b if z3.is_false(cond) else z3.If(cond, a, b)


def conj(*terms: Term) -> Term:
    """Conjunction without the trivial parts."""
    open_ = [t for t in terms if not z3.is_true(t)]
    if any(z3.is_false(t) for t in open_):
        return FALSE
    return TRUE if not open_ else open_[0] if len(open_) == 1 else z3.And(*open_)


def disj(*terms: Term) -> Term:
    """Disjunction without the trivial parts."""
    open_ = [t for t in terms if not z3.is_false(t)]
    if any(z3.is_true(t) for t in open_):
        return TRUE
    return FALSE if not open_ else open_[0] if len(open_) == 1 else z3.Or(*open_)


def neg(term: Term) -> Term:
    """Negation that folds constants."""
    return FALSE if z3.is_true(term) else TRUE if z3.is_false(term) else z3.Not(term)


def gather(alts: Iterable[Alt]) -> Value:
    """Alternatives with the same region made one."""
    merged: dict[Region | None, Alt] = {}
    for alt in alts:
        if z3.is_false(alt.guard):
            continue
        old = merged.get(alt.region)
        merged[alt.region] = (
            alt
            if old is None
            else Alt(disj(old.guard, alt.guard), alt.region, ite(old.guard, old.off, alt.off))
        )
    if len(merged) == 1:
        (only,) = merged.values()
        return Value((Alt(TRUE, only.region, only.off),))
    return Value(tuple(merged.values()))


def choose(cond: Term, a: Value, b: Value) -> Value:
    """``a`` where ``cond`` holds, else ``b``."""
    if a is b or z3.is_true(cond):
        return a
    if z3.is_false(cond):
        return b
    other = neg(cond)
    return gather(
        [Alt(conj(cond, x.guard), x.region, x.off) for x in a.alts]
        + [Alt(conj(other, x.guard), x.region, x.off) for x in b.alts]
    )


def combine(a: Value, b: Value, pair: Callable[[Alt, Alt], tuple[Region | None, Term]]) -> Value:
    """Every alternative of ``a`` with every one of ``b``."""
    result = []
    for x in a.alts:
        for y in b.alts:
            region, off = pair(x, y)
            result.append(Alt(conj(x.guard, y.guard), region, z3.simplify(off)))
    return gather(result)


def const_of(term: Term) -> int | None:
    """The signed number that a term always is, if it simplifies to one."""
    simple = term if z3.is_bv_value(term) else z3.simplify(term)
    return simple.as_signed_long() if z3.is_bv_value(simple) else None
