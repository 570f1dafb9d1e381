"""What counts as saying less."""

from __future__ import annotations

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.types import BOOL, TupleType, type_of
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.prover.order import Relation, covers, joined, relation

TNUM, SCALAR = type_of(Tnum), type_of(Scalar)
LOOSER, TIGHTER, EQUAL, OTHER = (
    Relation.LOOSER,
    Relation.TIGHTER,
    Relation.EQUAL,
    Relation.OTHER,
)


def test_numbers() -> None:
    """Tnums and scalars by what they stand for; a tnum that stands for nothing covers nothing."""
    order = covers("f", TNUM)
    assert relation(order, Tnum(0, 3), Tnum(1, 2)) is LOOSER
    assert relation(order, Tnum(1, 2), Tnum(0, 3)) is TIGHTER
    assert relation(order, Tnum(1, 2), Tnum(2, 1)) is OTHER
    assert not order(Tnum(1, 1), Tnum(1, 0))
    order = covers("f", SCALAR)
    assert relation(order, UNKNOWN, const(7)) is LOOSER
    assert relation(order, const(7), const(7)) is EQUAL
    narrow = UNKNOWN._replace(umax=5)
    assert relation(order, narrow, UNKNOWN._replace(smin=0)) is OTHER


def test_answers() -> None:
    """A yes claims more than a no, a decided branch more than an undecided one."""
    assert relation(covers("is_const", BOOL), False, True) is LOOSER
    word = Word(32, True)
    assert relation(covers("taken64_eq", word), -1, 0) is LOOSER
    assert relation(covers("taken64_eq", word), 0, 1) is OTHER
    assert relation(covers("packet_range", Word(64, False)), 9, 8) is TIGHTER
    assert relation(covers("meaningless", Word(64, False)), 9, 8) is OTHER


def test_splits() -> None:
    """A split says more than no split, whichever way round its halves are."""
    order = covers("fork_scalars", TupleType((BOOL, SCALAR, SCALAR)))
    whole, split = (False, UNKNOWN, UNKNOWN), (True, const(0), const(-1))
    assert relation(order, whole, split) is LOOSER
    assert relation(order, (True, const(-1), const(0)), split) is EQUAL
    # Without a split the first state is not gone on with.
    assert relation(order, (False, const(3), UNKNOWN), whole) is EQUAL


def test_terms_agree() -> None:
    """The order on terms is the one on ints."""
    splits = [((False, UNKNOWN, UNKNOWN), (True, const(0), const(-1)))]
    for type_, pairs in (
        (TNUM, [(Tnum(0, 3), Tnum(1, 2)), (Tnum(1, 2), Tnum(2, 1))]),
        (TupleType((BOOL, SCALAR, SCALAR)), splits),
        (TupleType((SCALAR, SCALAR)), [((UNKNOWN, const(1)), (const(2), const(1)))]),
    ):  # fmt: skip
        ints, symbolic = covers("f", type_), covers("f", type_, terms=True)
        for a, b in pairs:
            for x, y in ((a, b), (b, a)):
                lifted = symbolic(terms.lift(type_, x), terms.lift(type_, y))
                assert z3.is_true(z3.simplify(lifted)) == ints(x, y)


def test_joined() -> None:
    """Of several places: looser in one and tighter in another is neither."""
    assert joined(set()) is EQUAL
    assert joined({EQUAL, TIGHTER}) is TIGHTER
    assert joined({LOOSER, TIGHTER}) is OTHER
