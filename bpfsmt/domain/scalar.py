"""What a verifier knows of one 64-bit number: a tnum and four ranges.

The records hold ints when a verifier runs and Z3 terms when a rule is proved.
"""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.bits import (
    S32_MAX,
    S32_MIN,
    S64_MAX,
    S64_MIN,
    U32_MAX,
    U64_MAX,
    Word,
    record,
    s32,
    s64,
    u32,
    u64,
)


@record
class Tnum(NamedTuple):
    """A tristate number (kernel ``struct tnum``): ``mask`` has the unknown bits.

    ``value`` has the bits known to be 1; a well-formed tnum has ``value & mask == 0``.
    """

    value: u64
    mask: u64


@record
class Scalar(NamedTuple):
    """The ten fields of a scalar's state (the value part of ``struct bpf_reg_state``).

    All bounds are inclusive.  ``u32min..u32max`` and ``s32min..s32max`` speak of the low
    half, read unsigned and signed.  A rule set without subregister ranges leaves them
    at their widest.
    """

    var_off: Tnum
    umin: u64
    umax: u64
    smin: s64
    smax: s64
    u32min: u32
    u32max: u32
    s32min: s32
    s32max: s32


TNUM_UNKNOWN = Tnum(0, U64_MAX)
UNKNOWN = Scalar(TNUM_UNKNOWN, 0, U64_MAX, S64_MIN, S64_MAX, 0, U32_MAX, S32_MIN, S32_MAX)
"""The scalar that may be anything."""

COMPONENTS = {
    "tnum": ("var_off",),
    "u64": ("umin", "umax"),
    "s64": ("smin", "smax"),
    "u32": ("u32min", "u32max"),
    "s32": ("s32min", "s32max"),
}
"""The components of a scalar by the names that obligations have for them, with their fields."""


def component(r: Scalar, name: str) -> Scalar:
    """What one component alone says: all else is unknown.

    >>> component(const(3), "u32").umax == UNKNOWN.umax
    True
    """
    return UNKNOWN._replace(**{field: getattr(r, field) for field in COMPONENTS[name]})


_U64, _U32 = Word(64, signed=False), Word(32, signed=False)
_S64, _S32 = Word(64, signed=True), Word(32, signed=True)


def const(x: int, *, subreg: bool = True) -> Scalar:
    """The scalar that is exactly ``x`` (taken modulo 2**64).

    With ``subreg=False`` the 32-bit ranges stay at their widest, as in a rule set that
    does not track them.

    >>> const(-1).umin == 2**64 - 1
    True
    """
    u, s = _U64(x), _S64(x)
    if not subreg:
        return Scalar(Tnum(u, 0), u, u, s, s, *UNKNOWN[5:])
    low, signed = _U32(x), _S32(x)
    return Scalar(Tnum(u, 0), u, u, s, s, low, low, signed, signed)
