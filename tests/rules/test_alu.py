"""Every arithmetic rule contains what the operation makes of every pair of members.

The meaning of each operation is the rule of `bpfsmt.semantics.alu` that the machine runs.
A rule's final `sync` is left out (`test_bounds` proves that it keeps every member), and
the 32-bit rules are proved from the 64-bit ones, so each text is proved once.
"""

from __future__ import annotations

import pytest
import z3

from bpfsmt.bits import U32_MAX
from bpfsmt.prover.obligation import Obligation
from bpfsmt.semantics import alu

from .prove import X, Y, assert_integer_lemma, assert_proved, binary, members, two_scalars, unary

OPS = ("add", "sub", "and", "or", "xor", "lsh", "rsh", "arsh", "div", "mod", "sdiv", "smod")
QUOTIENTS = ("div", "mod", "sdiv", "smod")
LOW = {8: lambda x: x & 0xFF, 16: unary(alu.low16), 32: unary(alu.low32)}
SEXT = {
    8: unary(alu.sext8, "src"),
    16: unary(alu.sext16, "src"),
    32: unary(alu.sext32, "src"),
}
SEXT_32 = {8: unary(alu.sext8_32, "src"), 16: unary(alu.sext16_32, "src")}
mov32 = unary(alu.mov32, "src")


@pytest.mark.parametrize("op", OPS)
def test_alu64(op: str) -> None:
    c, a, b = two_scalars()
    c.skip("sync")
    for tnum_op in ("add", "sub"):
        c.contract(f"tnum_{tnum_op}", binary(getattr(alu, f"{tnum_op}64")))
    z = binary(getattr(alu, f"{op}64"))(X, Y)
    assert_proved(*members(f"alu64_{op}", c.given, c.run(f"alu64_{op}", a, b), z))


def test_alu64_neg() -> None:
    c, a, _ = two_scalars()
    c.skip("sync")
    assert_proved(*members("alu64_neg", c.given, c.run("alu64_neg", a), unary(alu.neg64)(X)))


def test_overflow_predicates_are_exact() -> None:
    c, _, _ = two_scalars()
    wide_x, wide_y = z3.SignExt(1, X), z3.SignExt(1, Y)
    for name, wide, narrow in (
        ("add_overflows", wide_x + wide_y, X + Y),
        ("sub_overflows", wide_x - wide_y, X - Y),
    ):
        says = c.run(name, X, Y)
        assert_proved(Obligation(name, (), says == (wide != z3.SignExt(1, narrow))))


def test_products_of_bounds() -> None:
    """0 ≤ l ≤ x ≤ h < 2**32, and the same for y: l·m ≤ x·y ≤ h·k < 2**64.

    Over the integers; the last compare says that no product wraps, so the words agree.
    """
    (lo, x, hi), (m, y, k) = z3.Ints("l x h"), z3.Ints("m y k")
    given = (lo >= 0, lo <= x, x <= hi, hi <= U32_MAX, m >= 0, m <= y, y <= k, k <= U32_MAX)
    for goal in (lo * m <= x * y, x * y <= hi * k, hi * k < 1 << 64):
        assert_integer_lemma(goal, *given)


def test_alu64_mul() -> None:
    """With the products as unknowns of which `test_products_of_bounds` is all that is known."""
    c, a, b = two_scalars()
    c.skip("sync")
    c.contract("tnum_mul", binary(alu.mul64))
    r, z = c.run("alu64_mul", a, b), alu.mul64.terms(X, Y)
    product, low, high = z3.BitVecs("product low high", 64)
    small = z3.And(z3.ULE(a.umax, U32_MAX), z3.ULE(b.umax, U32_MAX))
    lemma = z3.Implies(small, z3.And(z3.ULE(low, product), z3.ULE(product, high)))
    unknowns = ((z, product), (a.umin * b.umin, low), (a.umax * b.umax, high))
    for o in members("alu64_mul", c.given, r, z):
        given = (*(z3.substitute(g, *unknowns) for g in o.given), lemma)
        assert_proved(Obligation(o.name, given, z3.substitute(o.goal, *unknowns)))


@pytest.mark.parametrize("op", [*OPS, "mul"])
def test_alu32(op: str) -> None:
    c, a, b = two_scalars()
    c.skip("sync")
    if op not in QUOTIENTS:  # those are UNKNOWN, whatever the operands
        c.contract("zext32", mov32)
        c.contract("sext", lambda x, bits: SEXT[z3.simplify(bits).as_long()](x))
        c.contract(f"alu64_{op}", binary(getattr(alu, f"{op}64")))
    z = binary(getattr(alu, f"{op}32"))(X, Y)
    assert_proved(*members(f"alu32_{op}", c.given, c.run(f"alu32_{op}", a, b), z))


def test_alu32_neg() -> None:
    c, a, _ = two_scalars()
    c.contract("zext32", mov32)
    c.contract("alu64_neg", unary(alu.neg64))
    assert_proved(*members("alu32_neg", c.given, c.run("alu32_neg", a), unary(alu.neg32)(X)))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_sext_and_low_bits(bits: int) -> None:
    c, a, _ = two_scalars()
    c.skip("sync")
    assert_proved(
        *members("sext", c.given, c.run("sext", a, bits), SEXT[bits](X)),
        *members("low_bits", c.given, c.run("low_bits", a, bits), LOW[bits](X)),
    )


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_movsx(bits: int) -> None:
    c, a, _ = two_scalars()
    c.contract("low_bits", lambda x, n: LOW[bits](x))
    c.contract("sext", lambda x, n: SEXT[bits](x))
    assert_proved(*members("movsx64", c.given, c.run("movsx64", a, bits), SEXT[bits](X)))
    if bits < 32:
        c.contract("zext32", mov32)
        assert_proved(*members("movsx32", c.given, c.run("movsx32", a, bits), SEXT_32[bits](X)))


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_byte_swap(bits: int) -> None:
    c, a, _ = two_scalars()
    c.skip("sync")
    r = c.run("byte_swap", a, bits)
    kept = {**LOW, 64: unary(alu.same64)}[bits](X)
    swapped = unary(getattr(alu, f"swap{bits}"))(X)
    assert_proved(*members("keep", c.given, r, kept), *members("swap", c.given, r, swapped))
