"""States as the kernel's verifier log writes them (Linux 6.12, ``print_verifier_state``)."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.scalar import TNUM_UNKNOWN, UNKNOWN, Scalar
from bpfsmt.domain.state import EMPTY_SLOT, State
from bpfsmt.program.program import MapDef

_RANGES = (
    ("smin", "smin"), ("smax", "smax"), ("umin", "umin"), ("umax", "umax"),
    ("smin32", "s32min"), ("smax32", "s32max"), ("umin32", "u32min"), ("umax32", "u32max"),
)  # fmt: skip


def _number(x: int, signed: bool) -> str:
    """Small numbers in decimal, others in hexadecimal (two's complement)."""
    decimal = -0x8000 <= x <= 0x7FFF if signed else x <= 0xFFFF
    return str(x) if decimal else hex(x & 0xFFFFFFFFFFFFFFFF)


def format_scalar(s: Scalar) -> str:
    """The ranges and the tnum as the log lists them, equal bounds joined.

    >>> from bpfsmt.domain import Tnum, UNKNOWN
    >>> format_scalar(UNKNOWN._replace(umax=255, smin=0, smax=255, var_off=Tnum(0, 255)))
    'smin=0,smax=umax=255,var_off=(0x0; 0xff)'
    """
    left = [(n, getattr(s, f)) for n, f in _RANGES if getattr(s, f) != getattr(UNKNOWN, f)]
    parts: list[str] = []
    while left:
        value = left[0][1]
        names = [n for n, v in left if v == value]
        parts.append("=".join(names) + "=" + _number(value, names[0][0] == "s"))
        left = [(n, v) for n, v in left if n not in names]
    if s.var_off != TNUM_UNKNOWN:
        parts.append(f"var_off=({s.var_off.value:#x}; {s.var_off.mask:#x})")
    return ",".join(parts)


def format_reg(reg: Reg, maps: Sequence[MapDef] = ()) -> str:
    """One register's state as the log writes it after ``R1=``.

    >>> from bpfsmt.domain.scalar import const
    >>> format_reg(Reg(RegType.PTR_TO_PACKET, const(0), off=14, range=14))
    'pkt(off=14,r=14)'
    >>> format_reg(Reg(RegType.SCALAR_VALUE, const(-5)))
    '-5'
    """
    if reg.type is RegType.SCALAR_VALUE and reg.is_const:
        return _number(reg.scalar.smin, signed=True)
    if reg.type is RegType.PTR_TO_STACK and reg.is_const:
        return f"fp{reg.off}"
    if reg.type is RegType.NOT_INIT:
        return "?"
    parts = [f"id={reg.id}"] if reg.id else []
    if reg.off:
        parts.append(f"off={reg.off}")
    if reg.type in (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META):
        parts.append(f"r={reg.range}")
    if reg.map >= 0:
        m = maps[reg.map] if reg.map < len(maps) else None
        parts.append(f"map={m.name},ks={m.key_size},vs={m.value_size}" if m else f"map={reg.map}")
    if reg.type is RegType.SCALAR_VALUE or not reg.is_const:
        parts.append(format_scalar(reg.scalar))
    elif reg.const_value:
        parts.append(f"imm={_number(reg.scalar.smin, signed=True)}")
    return f"{reg.type.value}({','.join(p for p in parts if p)})"


def format_state(state: State, maps: Sequence[MapDef] = ()) -> str:
    """The current frame's written registers and stack slots on one line."""
    parts = [f"frame{len(state.frames) - 1}:"] if len(state.frames) > 1 else []
    for i, reg in enumerate(state.regs):
        if reg.type is not RegType.NOT_INIT:
            parts.append(f"R{i}={format_reg(reg, maps)}")
    for i, slot in sorted(state.stack.items()):
        if slot.spill is not None:
            parts.append(f"fp-{8 * (i + 1)}={format_reg(slot.spill, maps)}")
        elif slot != EMPTY_SLOT:
            parts.append(f"fp-{8 * (i + 1)}={slot.kinds}")
    return " ".join(parts)
