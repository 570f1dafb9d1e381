"""Every tnum operation contains what the operation makes of every pair of members."""

from __future__ import annotations

import itertools

import pytest
import z3

from bpfsmt.bits import U64_MAX, s64
from bpfsmt.domain.gamma import tnum_contains
from bpfsmt.domain.scalar import Tnum
from bpfsmt.prover.compose import Composition, contains, well_formed
from bpfsmt.prover.obligation import Obligation
from bpfsmt.semantics import alu

from .prove import (
    PAPER,
    SOLVER,
    X,
    Y,
    assert_integer_lemma,
    assert_proved,
    binary,
    members,
    two_tnums,
    unary,
)

BINARY = {
    "tnum_add": alu.add64,
    "tnum_sub": alu.sub64,
    "tnum_and": alu.and64,
    "tnum_or": alu.or64,
    "tnum_xor": alu.xor64,
}
SHIFTS = {"tnum_lshift": alu.lsh64, "tnum_rshift": alu.rsh64, "tnum_arshift": alu.arsh64}
SEXT = {8: alu.sext8, 16: alu.sext16, 32: alu.sext32}


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    c, a, b = two_tnums()
    assert_proved(*members(name, c.given, c.run(name, a, b), binary(BINARY[name])(X, Y)))


@pytest.mark.parametrize("name", SHIFTS)
def test_shift_by_a_known_count_below_64(name: str) -> None:
    c, a, _ = two_tnums()
    count = z3.BitVec("n", 64)
    given = [*c.given, z3.ULT(count, 64)]
    assert_proved(*members(name, given, c.run(name, a, count), binary(SHIFTS[name])(X, count)))


def test_neg() -> None:
    c, a, _ = two_tnums()
    assert_proved(*members("tnum_neg", c.given, c.run("tnum_neg", a), unary(alu.neg64)(X)))


def test_zext32() -> None:
    c, a, _ = two_tnums()
    assert_proved(
        *members("tnum_zext32", c.given, c.run("tnum_zext32", a), unary(alu.mov32, "src")(X))
    )


@pytest.mark.parametrize("bits", SEXT)
def test_sext(bits: int) -> None:
    c, a, _ = two_tnums()
    assert_proved(
        *members("tnum_sext", c.given, c.run("tnum_sext", a, bits), unary(SEXT[bits], "src")(X))
    )


def test_const_is_exact() -> None:
    c = Composition(PAPER)
    t = c.run("tnum_const", X)
    assert_proved(Obligation("tnum_const", (), contains(t, Y) == (X == Y)))


def test_range() -> None:
    lo, hi = z3.BitVecs("lo hi", 64)
    t = Composition(PAPER).run("tnum_range", lo, hi)
    assert_proved(*members("tnum_range", [z3.ULE(lo, X), z3.ULE(X, hi)], t, X))


def test_range_is_the_smallest() -> None:
    """Both ends are members and differ in the top unknown bit, and no tnum can do with less.

    Below its highest bit that differs, lo..hi holds a number with 0 and one with 1 at each
    position: lo with everything below that bit set, and hi with everything below it clear.
    """
    lo, hi, bit = z3.BitVecs("lo hi bit", 64)
    t = Composition(PAPER).run("tnum_range", lo, hi)
    given = (z3.ULE(lo, hi), bit & (bit - 1) == 0, bit & t.mask != 0)
    top = t.mask ^ z3.LShR(t.mask, 1)
    ones, zeros = lo | (top - 1), hi & ~(top - 1)
    both_in = [z3.And(z3.ULE(lo, w), z3.ULE(w, hi)) for w in (ones, zeros)]
    assert_proved(Obligation("witnesses", given, z3.And(*both_in, (ones ^ zeros) & bit != 0)))


def test_intersect_and_overlap() -> None:
    """With x = y a member of both: it is in the intersection, and they overlap."""
    c, a, b = two_tnums()
    given = (*c.given, X == Y)
    assert_proved(*members("tnum_intersect", given, c.run("tnum_intersect", a, b), X))
    assert_proved(Obligation("tnum_overlap", given, c.run("tnum_overlap", a, b)))


def test_overlap_is_exact() -> None:
    """Where the rule says so, the known ones of both together are a common member."""
    c, a, b = two_tnums()
    given = (well_formed(a), well_formed(b), c.run("tnum_overlap", a, b))
    w = a.value | b.value
    assert_proved(Obligation("overlap", given, z3.And(contains(a, w), contains(b, w))))


def test_in_is_inclusion_exactly() -> None:
    c, a, b = two_tnums()
    inside = c.run("tnum_in", a, b)
    forms = (well_formed(a), well_formed(b))
    assert_proved(Obligation("tnum_in", (*forms, inside, contains(b, Y)), contains(a, Y)))
    # Not inside: the members of b with all unknown bits clear, and all set, are not both in a.
    ends = z3.And(contains(a, b.value), contains(a, b.value | b.mask))
    assert_proved(Obligation("tnum_in exact", (*forms, z3.Not(inside)), z3.Not(ends)))


def test_ends() -> None:
    c, a, _ = two_tnums()
    umax, smin, smax = (c.run(f"tnum_{end}", a) for end in ("umax", "smin", "smax"))
    assert_proved(
        Obligation("umax", tuple(c.given), z3.ULE(X, umax)),
        Obligation("smin", tuple(c.given), smin <= X),
        Obligation("smax", tuple(c.given), smax >= X),
        *(
            Obligation("an end is a member", (well_formed(a),), contains(a, end))
            for end in (umax, smin, smax)
        ),
    )


def test_is_aligned() -> None:
    c, a, _ = two_tnums()
    size = z3.BitVec("size", 64)
    power = z3.And(size != 0, size & (size - 1) == 0)
    aligned = c.run("tnum_is_aligned", a, size)
    assert_proved(Obligation("aligned", (*c.given, power, aligned), z3.URem(X, size) == 0))


# The product
#
# Write x = v + α for x in a (v = a.value, α inside a.mask) and y = w + β likewise.  Then
#     x·y = v·w + v·β + α·y,
# and the rule adds v·w at the end.  Its loop sums up v·β + α·y.  With X, Y the rule's x and
# y after i rounds, and x' = x >> i, y' = y << i, v' = X.value, β' = y' - Y.value, the invariant:
#     x' ∈ γ(X),  y' ∈ γ(Y),  and unsure ∋ s  with  x·y = v·w + s + v'·β' + (x' - v')·y'.
# base: i = 0, s = 0 is the equation above.
# step: with bit 0 of v' and x' taken off (v' = 2v'' + p, x' = 2x'' + q) the rest is
#     p·β' + (q - p)·y'  +  v''·(2β') + (x'' - v'')·(2y'),
#     of which tnum_mul_part contains the first two terms, and the others belong to round i+1.
# exit: X = (0, 0) gives x' = v' = 0, so s = x·y - v·w; after 64 shifts X is (0, 0).
# The equations are identities of polynomials over the integers, so they hold modulo 2**64.


def test_mul_base_and_step_are_identities() -> None:
    x, y, v, w = z3.Ints("x y v w")
    p, q, v2, x2, beta = z3.Ints("p q v2 x2 beta")
    before = (2 * v2 + p) * beta + ((2 * x2 + q) - (2 * v2 + p)) * y
    after = (p * beta + (q - p) * y) + (v2 * (2 * beta) + (x2 - v2) * (2 * y))
    assert_integer_lemma(x * y == v * w + 0 + v * (y - w) + (x - v) * y)
    assert_integer_lemma(before == after)


def test_mul_part_contains_its_terms() -> None:
    c, a, b = two_tnums()
    p, q = a.value & 1, X & 1
    beta = Y - b.value
    zero = z3.BitVecVal(0, 64)
    # q - p is 1, 0 or (impossibly) -1: a known 1 in a is a 1 in x.
    term = z3.If(p == 1, beta, zero) + z3.If(q == p, zero, z3.If(q == 1, Y, -Y))
    assert_proved(*members("part", c.given, c.run("tnum_mul_part", a, b), term))


def test_mul_next_round() -> None:
    """x'', y'', v'' and β'' are what the rule's shifted tnums have, and the shifts end it."""
    c, a, b = two_tnums()
    x2, y2 = z3.LShR(X, 1), Y << 1
    a2, b2 = c.run("tnum_rshift", a, 1), c.run("tnum_lshift", b, 1)
    assert_proved(
        *members("x", c.given, a2, x2),
        *members("y", c.given, b2, y2),
        Obligation("v", (), a.value == 2 * a2.value + (a.value & 1)),
        Obligation("x", (), 2 * x2 + (X & 1) == X),
        Obligation("beta", (), y2 - b2.value == 2 * (Y - b.value)),
    )
    end = a
    for _ in range(64):
        end = c.run("tnum_rshift", end, 1)
    assert_proved(Obligation("end", (), z3.And(end.value == 0, end.mask == 0)))
    assert_proved(Obligation("exit", (*c.given, a.value == 0, a.mask == 0), X == 0))


def test_mul_of_all_small_tnums() -> None:
    """The rule's text as a whole: every pair of 4-bit tnums, every pair of their members."""
    small = [Tnum(v, m) for v, m in itertools.product(range(16), repeat=2) if v & m == 0]
    for a, b in itertools.product(small, small):
        r = PAPER.ints.tnum_mul(a, b)
        for x in (a.value, a.value | a.mask, a.value | (a.mask & 5), a.value | (a.mask & 10)):
            for y in (b.value, b.value | b.mask, b.value | (b.mask & 6), b.value | (b.mask & 9)):
                assert (x * y) & ~r.mask == r.value


def test_mul_of_signs_and_ends() -> None:
    """The same at full width, where products wrap."""
    ends = (0, 1, 3, s64(-1) & U64_MAX, 1 << 63, (1 << 63) - 1, 0xFFFF_FFFF, 0x8000_0001)
    for v, m, w, n in itertools.product(ends, repeat=4):
        a, b = Tnum(v & ~m, m), Tnum(w & ~n, n)
        r = PAPER.ints.tnum_mul(a, b)
        for x, y in ((a.value, b.value), (a.value | m, b.value | n), (a.value | m, b.value)):
            assert tnum_contains(r, x * y & U64_MAX)


def test_tnum_premises_can_be_met() -> None:
    c, a, b = two_tnums()
    given = z3.And(*c.given, a.mask != 0, b.mask != 0, X != Y)
    assert type(SOLVER.impossible(given)).__name__ == "Refuted"
