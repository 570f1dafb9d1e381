"""The tnum operations (kernel ``kernel/bpf/tnum.c``; Vishwanathan et al., CGO 2022).

Each takes and returns well-formed tnums, and contains what the operation makes of every
pair of members.
"""

from __future__ import annotations

from bpfsmt.bits import S64_MIN, U32_MAX, U64_MAX, bit_length, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Tnum


@rule
def tnum_const(x: u64) -> Tnum:
    """Exactly x."""
    return Tnum(x, 0)


@rule
def tnum_range(lo: u64, hi: u64) -> Tnum:
    """The smallest tnum around lo..hi: the bits above the highest one that differs are known."""
    differ = bit_length(lo ^ hi)
    mask = U64_MAX if differ > 63 else (u64(1) << differ) - 1
    return Tnum(lo & ~mask, mask)


@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    """Sum.  A bit is unknown if an operand's is, or if a carry into it may or may not come."""
    least = a.value + b.value
    most = least + (a.mask + b.mask)
    unknown = (least ^ most) | a.mask | b.mask
    return Tnum(least & ~unknown, unknown)


@rule
def tnum_sub(a: Tnum, b: Tnum) -> Tnum:
    """Difference.  As `tnum_add`, with borrows."""
    middle = a.value - b.value
    unknown = ((middle + a.mask) ^ (middle - b.mask)) | a.mask | b.mask
    return Tnum(middle & ~unknown, unknown)


@rule
def tnum_neg(a: Tnum) -> Tnum:
    """Negation, as 0 - a."""
    return tnum_sub(Tnum(0, 0), a)


@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    """Bitwise and: 1 if both are known 1, 0 if one is known 0."""
    ones = a.value & b.value
    maybe = (a.value | a.mask) & (b.value | b.mask)
    return Tnum(ones, maybe & ~ones)


@rule
def tnum_or(a: Tnum, b: Tnum) -> Tnum:
    """Bitwise or: 1 if one is known 1, 0 if both are known 0."""
    ones = a.value | b.value
    return Tnum(ones, (a.mask | b.mask) & ~ones)


@rule
def tnum_xor(a: Tnum, b: Tnum) -> Tnum:
    """Bitwise exclusive or: known where both are."""
    unknown = a.mask | b.mask
    return Tnum((a.value ^ b.value) & ~unknown, unknown)


@rule
def tnum_lshift(a: Tnum, n: u64) -> Tnum:
    """Shift left by a known count below 64."""
    return Tnum(a.value << n, a.mask << n)


@rule
def tnum_rshift(a: Tnum, n: u64) -> Tnum:
    """Logical shift right by a known count below 64."""
    return Tnum(a.value >> n, a.mask >> n)


@rule
def tnum_mul_part(a: Tnum, b: Tnum) -> Tnum:
    """What bit 0 of ``a`` may add to the product beyond that of the known ones.

    A known 1 adds ``b``'s uncertainty, an unknown bit everything that ``b`` may have.
    """
    if a.value & 1 == 1:
        return Tnum(0, b.mask)
    if a.mask & 1 == 1:
        return Tnum(0, b.value | b.mask)
    return Tnum(0, 0)


@rule
def tnum_mul(a: Tnum, b: Tnum) -> Tnum:
    """Product by long multiplication (Linux 5.14 to 6.17), exact where both are known."""
    unsure = Tnum(0, 0)
    x = a
    y = b
    for _ in range(64):
        if x.value == 0 and x.mask == 0:
            break
        unsure = tnum_add(unsure, tnum_mul_part(x, y))
        x = tnum_rshift(x, 1)
        y = tnum_lshift(y, 1)
    return tnum_add(Tnum(a.value * b.value, 0), unsure)


@rule
def tnum_arshift(a: Tnum, n: u64) -> Tnum:
    """Arithmetic shift right by a known count below 64; an unknown sign stays unknown."""
    return Tnum(u64(s64(a.value) >> n), u64(s64(a.mask) >> n))


@rule
def tnum_arshift32(a: Tnum, n: u64) -> Tnum:
    """Arithmetic shift right of the low half by a known count below 32, zero-extended.

    Kernel ``tnum_arshift`` with an ``insn_bitness`` of 32.
    """
    count = u32(n)
    return Tnum(u64(u32(s32(a.value) >> count)), u64(u32(s32(a.mask) >> count)))


@rule
def tnum_intersect(a: Tnum, b: Tnum) -> Tnum:
    """What is in both (which must not contradict each other): a bit known in one is known."""
    mask = a.mask & b.mask
    return Tnum((a.value | b.value) & ~mask, mask)


@rule
def tnum_union(a: Tnum, b: Tnum) -> Tnum:
    """The smallest tnum around both: known where both know the same (Linux 6.18)."""
    unknown = (a.value ^ b.value) | a.mask | b.mask
    return Tnum(a.value & b.value & ~unknown, unknown)


@rule
def tnum_overlap(a: Tnum, b: Tnum) -> bool:
    """Whether a number can be in both: no bit known in both differs."""
    return (a.value ^ b.value) & ~(a.mask | b.mask) == 0


@rule
def tnum_in(a: Tnum, b: Tnum) -> bool:
    """Every member of b is one of a."""
    return b.mask & ~a.mask == 0 and b.value & ~a.mask == a.value


@rule
def tnum_zext32(a: Tnum) -> Tnum:
    """The low 32 bits, zero-extended."""
    return Tnum(a.value & U32_MAX, a.mask & U32_MAX)


@rule
def tnum_cast(a: Tnum, size: u64) -> Tnum:
    """The low ``size`` bytes (1 to 8), zero-extended."""
    keep = u64(U64_MAX) >> (64 - (size << 3))
    return Tnum(a.value & keep, a.mask & keep)


@rule
def tnum_clear_subreg(a: Tnum) -> Tnum:
    """The low half cleared."""
    return tnum_lshift(tnum_rshift(a, 32), 32)


@rule
def tnum_with_subreg(a: Tnum, low: Tnum) -> Tnum:
    """a with its low half replaced by that of ``low``."""
    return tnum_or(tnum_clear_subreg(a), tnum_zext32(low))


@rule
def tnum_const_subreg(a: Tnum, low: u32) -> Tnum:
    """a with its low half known."""
    return tnum_with_subreg(a, tnum_const(u64(low)))


@rule
def tnum_sext(a: Tnum, bits: u64) -> Tnum:
    """The low ``bits`` (8, 16 or 32), sign-extended."""
    up = 64 - bits
    return tnum_arshift(tnum_lshift(a, up), up)


@rule
def tnum_is_aligned(a: Tnum, size: u64) -> bool:
    """Every member is a multiple of ``size``, a power of two (0 asks for nothing)."""
    return size == 0 or (a.value | a.mask) & (size - 1) == 0


@rule
def tnum_umax(a: Tnum) -> u64:
    """The largest member, unsigned."""
    return a.value | a.mask


@rule
def tnum_smin(a: Tnum) -> s64:
    """The smallest member read signed: an unknown sign bit set, other unknown bits clear."""
    return s64(a.value | (a.mask & u64(S64_MIN)))


@rule
def tnum_smax(a: Tnum) -> s64:
    """The largest member read signed: an unknown sign bit clear, other unknown bits set."""
    return s64(a.value | (a.mask & ~u64(S64_MIN)))
