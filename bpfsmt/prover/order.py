"""When one result of a rule says no more than another: the order in which precision is compared.

Each order is a rule of its own, ``covers(m, o)``: whatever o stands for, m stands for too.  It runs
on ints, where results of runs are compared, and on terms, where the solver is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import z3

from bpfsmt.bits import Rule, rule, s32, s64, u64
from bpfsmt.bits.terms import equal
from bpfsmt.bits.types import BOOL, RecordType, TupleType, Type, type_of
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.linux.pointer import Moved


class Relation(Enum):
    """What a sound mutant says, compared with the original."""

    EQUAL = "equal"
    """The same everywhere."""
    LOOSER = "looser"
    """Less somewhere, more nowhere."""
    TIGHTER = "tighter"
    """More somewhere, less nowhere."""
    OTHER = "other"
    """More here and less there, or something that is neither."""
    OPEN = "open"
    """Not compared: nothing could be run, and the solver does not know."""


@rule
def tnum_covers(m: Tnum, o: Tnum) -> bool:
    """γ(o) lies inside γ(m)."""
    return o.mask & ~m.mask == 0 and o.value & ~m.mask == m.value


@rule
def scalar_covers(m: Scalar, o: Scalar) -> bool:
    """Every part of o lies inside that of m."""
    whole = m.umin <= o.umin and o.umax <= m.umax and m.smin <= o.smin and o.smax <= m.smax
    low = m.u32min <= o.u32min and o.u32max <= m.u32max
    return (
        tnum_covers(m.var_off, o.var_off)
        and whole and low and m.s32min <= o.s32min and o.s32max <= m.s32max
    )  # fmt: skip


@rule
def yes_covers(m: bool, o: bool) -> bool:
    """Only "yes" claims something."""
    return o or not m


@rule
def decided_covers(m: s32, o: s32) -> bool:
    """-1 claims nothing."""
    return m == o or m == -1


@rule
def room_covers(m: u64, o: u64) -> bool:
    """So many bytes are there: fewer say less."""
    return m <= o


@rule
def mark_covers(m: s64, o: s64) -> bool:
    """-1 says at or beyond the packet's end, -2 beyond it."""
    return m == o or (m == -1 and o == -2)


@rule
def moved_covers(m: Moved, o: Moved) -> bool:
    """What is refused claims nothing; else the parts of the address are the same."""
    same = m.same == o.same and m.off == o.off
    return not m.ok or (o.ok and same and scalar_covers(m.var, o.var))


_BY_TYPE: dict[Type, Rule[..., bool]] = {
    type_of(Tnum): tnum_covers,
    type_of(Scalar): scalar_covers,
    type_of(Moved): moved_covers,
    BOOL: yes_covers,
}
_BY_RULE = {"packet_range": room_covers, "packet_end_range": mark_covers}
_SPLIT = TupleType((BOOL, type_of(Scalar), type_of(Scalar)))

Covers = Callable[[Any, Any], Any]


def covers(name: str, type_: Type, *, terms: bool = False) -> Covers:
    """The order of the results of the rule ``name``, on ints or on terms.

    Of a plain word nothing is known but equality.
    """
    both = z3.And if terms else lambda *parts: all(parts)
    if type_ == _SPLIT:
        return _split(terms)
    if isinstance(type_, TupleType):
        parts = [covers(name, t, terms=terms) for t in type_.items]
        return lambda m, o: both(*(c(a, b) for c, a, b in zip(parts, m, o, strict=True)))
    found = _BY_RULE.get(name) or _BY_TYPE.get(type_)
    if found is None and name.startswith(("taken", "bits_meet")):
        found = decided_covers
    if found is not None:
        return found.terms if terms else found
    assert isinstance(type_, Word | RecordType)
    return equal if terms else lambda m, o: m == o


def _split(terms: bool) -> Covers:
    """Every state that is gone on with is inside one that the other goes on with."""
    inside: Covers = scalar_covers.terms if terms else scalar_covers
    either = z3.Or if terms else lambda *parts: any(parts)
    both = z3.And if terms else lambda *parts: all(parts)
    no = z3.Not if terms else lambda x: not x

    def of(m: Any, o: Any) -> Any:
        # Without a split the first state is not gone on with, and says nothing.
        def found(s: Any) -> Any:
            return either(both(m[0], inside(m[1], s)), inside(m[2], s))

        return both(either(no(o[0]), found(o[1])), found(o[2]))

    return of


def relation(covers_: Covers, mutant: Any, original: Any) -> Relation:
    """How two results on ints compare."""
    looser, tighter = covers_(mutant, original), covers_(original, mutant)
    if looser and tighter:
        return Relation.EQUAL
    if looser or tighter:
        return Relation.LOOSER if looser else Relation.TIGHTER
    return Relation.OTHER


def joined(relations: set[Relation]) -> Relation:
    """Of several comparisons, what holds of them together.

    >>> joined({Relation.EQUAL, Relation.LOOSER}).value
    'looser'
    """
    different = relations - {Relation.EQUAL}
    if len(different) == 1:
        return different.pop()
    return Relation.OTHER if different else Relation.EQUAL


__all__ = ["Relation", "covers", "joined", "relation"]
