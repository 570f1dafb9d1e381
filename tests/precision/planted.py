"""Rules that are looser than they could be, or different, each in a way that a test knows."""

from __future__ import annotations

from bpfsmt.bits import U64_MAX, replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.branch64 import scalar_intersect
from bpfsmt.rules.linux.alu import fits_s32
from bpfsmt.rules.linux.pointer import Moved, offset_sane, pointer_sum
from bpfsmt.rules.linux.sync import meet_s32, meet_u32, sync
from bpfsmt.rules.linux.widen import forget32, known
from bpfsmt.rules.tnum import tnum_add, tnum_lshift, tnum_mul_part, tnum_rshift

PAPER = rule_set("xdp-paper")
LINUX = rule_set("linux-6.12")

OFFSET = 0x123_4567
"""A fixed offset that nothing draws."""


def loose_and() -> RuleSet:
    """A bit known to be 0 in one operand only counts as unknown."""

    @rule
    def tnum_and(a: Tnum, b: Tnum) -> Tnum:
        ones = a.value & b.value
        return Tnum(ones, (a.mask | b.mask) & ~ones)

    return PAPER.derive("loose-and", tnum_and)


def loose_far_away() -> RuleSet:
    """One bit too many is unknown, but only if bit 40 is known 1 in both operands."""

    @rule
    def tnum_or(a: Tnum, b: Tnum) -> Tnum:
        ones = a.value | b.value
        unknown = (a.mask | b.mask) & ~ones
        lost = a.value & b.value & (u64(1) << 40)
        return Tnum(ones & ~lost, unknown | lost)

    return PAPER.derive("loose-far-away", tnum_or)


def unsound_xor() -> RuleSet:
    """Unknown bits of the second operand are forgotten."""

    @rule
    def tnum_xor(a: Tnum, b: Tnum) -> Tnum:
        return Tnum((a.value ^ b.value) & ~a.mask, a.mask)

    return PAPER.derive("unsound-xor", tnum_xor)


def one_off() -> RuleSet:
    """A compare that leaves one number too many at the top."""

    @rule
    def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
        left = replace(a, umax=min(a.umax, b.umax))
        right = replace(b, umin=max(b.umin, a.umin + 1))
        return left, right

    return PAPER.derive("one-off", refine64_ult)


def same_otherwise() -> RuleSet:
    """Two rules in other words, and a caller that calls the one of them in its old words."""

    @rule
    def tnum_xor(a: Tnum, b: Tnum) -> Tnum:
        known = ~a.mask & ~b.mask
        return Tnum((b.value ^ a.value) & known, ~known)

    @rule
    def tnum_neg(a: Tnum) -> Tnum:
        return tnum_add(Tnum(~a.value & ~a.mask, a.mask), Tnum(1, 0))

    return PAPER.derive("same-otherwise", tnum_xor, tnum_neg)


POINT = Tnum(0x1234567, 0x80000000)


def one_point() -> RuleSet:
    """Looser for one first operand out of 3**64."""

    @rule
    def tnum_or(a: Tnum, b: Tnum) -> Tnum:
        ones = a.value | b.value
        if a.value == 0x1234567 and a.mask == 0x80000000:
            return Tnum(0, U64_MAX)
        return Tnum(ones, (a.mask | b.mask) & ~ones)

    return PAPER.derive("one-point", tnum_or)


def both_ways() -> RuleSet:
    """A quotient of which something is said, and a negation of which other things are."""

    @rule
    def alu64_div(a: Scalar, b: Scalar) -> Scalar:
        return replace(UNKNOWN, umax=a.umax)

    @rule
    def alu64_neg(a: Scalar) -> Scalar:
        return replace(UNKNOWN, umin=u64(a.umin > 0 and a.umax == U64_MAX))

    return PAPER.derive("both-ways", alu64_div, alu64_neg)


def careless_where_nothing_is_equal() -> RuleSet:
    """Shares ranges as usual, and does something else where there is nothing to share."""

    @rule
    def refine64_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
        both = scalar_intersect(a, b)
        return (UNKNOWN, a) if a.umax < b.umin else (both, both)

    return PAPER.derive("careless", refine64_eq)


def product_in_one_point() -> RuleSet:
    """The usual product, but for one first operand out of 3**64."""

    @rule
    def tnum_mul(a: Tnum, b: Tnum) -> Tnum:
        unsure = Tnum(0, 0)
        x = a
        y = b
        for _ in range(64):
            if x.value == 0 and x.mask == 0:
                break
            unsure = tnum_add(unsure, tnum_mul_part(x, y))
            x = tnum_rshift(x, 1)
            y = tnum_lshift(y, 1)
        extra = u64(a.value == 0x1234567 and a.mask == 0x80000000)
        return tnum_add(Tnum(a.value * b.value, 0), Tnum(unsure.value, unsure.mask | extra))

    return PAPER.derive("product-in-one-point", tnum_mul)


def one_number_more(careless: bool = False) -> RuleSet:
    """6.12 that sees the number where it is the one of an odd range; ``careless``: loses bounds."""

    @rule
    def bounds32_from_s64(r: Scalar) -> Scalar:
        if r.umin == r.umax and r.umin & 1 == 1:
            return known(r.umin)
        if r.smin >> 32 != r.smax >> 32:
            return r
        out = meet_u32(r, u32(r.smin), u32(r.smax)) if u32(r.smin) <= u32(r.smax) else r
        if s32(r.smin) <= s32(r.smax):
            return meet_s32(out, s32(r.smin), s32(r.smax))
        return out

    @rule
    def bounds32_from_neighbours(r: Scalar) -> Scalar:
        return r

    base = rule_set("linux-6.12").derive("one-number-more", bounds32_from_s64)
    return base.derive("careless", bounds32_from_neighbours) if careless else base


def refuses_one_offset() -> RuleSet:
    """What a pointer is after an addition is the same, but at one offset that is refused."""

    @rule
    def pointer_add(var: Scalar, off: s64, n: Scalar) -> Moved:
        sane = offset_sane(n, 0) and offset_sane(var, off) and off != OFFSET
        if is_const(n) and fits_s32(off + n.smin):
            moved = off + n.smin
            return Moved(sane and offset_sane(var, moved), True, moved, sync(forget32(var)))
        sum_ = pointer_sum(var, n)
        return Moved(sane and offset_sane(sum_, off), False, off, sync(sum_))

    return LINUX.derive("refuses-one-offset", pointer_add)
