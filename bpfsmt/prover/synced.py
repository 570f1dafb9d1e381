"""What holds of every scalar that went through `sync`, as far as proofs need it.

`established` gives the obligations that make it true of a rule set's own `sync`.
"""

from __future__ import annotations

from typing import Any

import z3

from bpfsmt.domain.scalar import Scalar


def synced(r: Scalar) -> tuple[Any, ...]:
    """Ranges within the bits' reach, and a sign bit that is known where the sign is."""
    value: Any = r.var_off.value
    mask: Any = r.var_off.mask
    low, unsure = z3.Extract(31, 0, value), z3.Extract(31, 0, mask)
    top, top32 = z3.BitVecVal(1 << 63, 64), z3.BitVecVal(1 << 31, 32)
    return (
        z3.And(z3.UGE(r.umin, value), z3.ULE(r.umax, value | mask)),
        z3.And(r.smin >= (value | (mask & top)), r.smax <= (value | (mask & ~top))),
        z3.And(z3.UGE(r.u32min, low), z3.ULE(r.u32max, low | unsure)),
        z3.And(r.s32min >= (low | (unsure & top32)), r.s32max <= (low | (unsure & ~top32))),
        z3.Implies(r.smin >= 0, (value | mask) >= 0),
        z3.Implies(r.s32min >= 0, (low | unsure) >= 0),
    )
