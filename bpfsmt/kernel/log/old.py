"""A register as Linux 6.1 prints it, which leaves out bounds that are equal to others.

What it leaves out cannot be read back (`bpfsmt.kernel.log.regs`), but two registers that it
prints alike are alike as far as it tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.program.program import MapDef

_WITH_MAP = (
    RegType.CONST_PTR_TO_MAP, RegType.PTR_TO_MAP_KEY,
    RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL,
)  # fmt: skip
_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)


def format_old(reg: Reg, maps: Sequence[MapDef] = ()) -> str:
    """What Linux 6.1 writes after ``R1=`` (``print_verifier_state``), without marks.

    >>> from bpfsmt.domain.scalar import const
    >>> format_old(Reg(RegType.PTR_TO_PACKET, const(0), off=14, range=14))
    'pkt(off=14,r=14,imm=0)'
    """
    value = _signed(reg.const_value, 64) if reg.is_const else 0
    if reg.is_const and reg.type is RegType.SCALAR_VALUE:
        return str(value)
    if reg.is_const and reg.type is RegType.PTR_TO_STACK:
        return f"fp{value + reg.off}"
    return f"{reg.type.value}({','.join(_attributes(reg, maps))})"


def _attributes(reg: Reg, maps: Sequence[MapDef]) -> Iterator[str]:
    if reg.id:
        yield f"id={reg.id}"
    if reg.ref:
        yield f"ref_obj_id={reg.ref}"
    if reg.type is not RegType.SCALAR_VALUE:
        yield f"off={reg.off}"
    if reg.type in _PACKET:
        yield f"r={reg.range}"
    elif reg.type in _WITH_MAP and 0 <= reg.map < len(maps):
        yield f"ks={maps[reg.map].key_size}"
        yield f"vs={maps[reg.map].value_size}"
    if reg.is_const:
        yield f"imm={reg.const_value:x}"
    else:
        yield from _bounds(reg.scalar)


def _bounds(s: Scalar) -> Iterator[str]:
    """Each bound that says something and is not that of another kind or width."""
    any_ = UNKNOWN
    if s.smin not in (_signed(s.umin, 64), any_.smin):
        yield f"smin={s.smin}"
    if s.smax not in (_signed(s.umax, 64), any_.smax):
        yield f"smax={s.smax}"
    if s.umin:
        yield f"umin={s.umin}"
    if s.umax != any_.umax:
        yield f"umax={s.umax}"
    if s.var_off != any_.var_off:
        yield f"var_off=({s.var_off.value:#x}; {s.var_off.mask:#x})"
    if s.s32min not in (s.smin, any_.s32min):
        yield f"s32_min={s.s32min}"
    if s.s32max not in (s.smax, any_.s32max):
        yield f"s32_max={s.s32max}"
    if s.u32min not in (s.umin, 0):
        yield f"u32_min={_signed(s.u32min, 32)}"
    if s.u32max not in (s.umax, any_.u32max):
        yield f"u32_max={_signed(s.u32max, 32)}"


def _signed(x: int, bits: int) -> int:
    return x - (1 << bits) if x >> (bits - 1) else x
