"""What an immediate, a signed 32-bit number, puts into a register."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import from_tnum
from bpfsmt.rules.tnum import tnum_const


@rule
def mov64_imm(imm: s32) -> Scalar:
    """``r = imm``, sign-extended."""
    return from_tnum(tnum_const(u64(s64(imm))))


@rule
def mov32_imm(imm: s32) -> Scalar:
    """``w = imm``: the upper half becomes zero."""
    return from_tnum(tnum_const(u64(u32(imm))))
