"""States as the kernel's verifier log writes them (Linux 6.12, ``print_verifier_state``)."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.domain.reg import ADDED, Reg, RegType
from bpfsmt.domain.scalar import TNUM_UNKNOWN, UNKNOWN, Scalar, Tnum
from bpfsmt.domain.state import EMPTY_SLOT, SPILL, Slot, State
from bpfsmt.program.program import MapDef

_BOUNDS = (
    ("smin", "smin"), ("smax", "smax"), ("umin", "umin"), ("umax", "umax"),
    ("smin32", "s32min"), ("smax32", "s32max"), ("umin32", "u32min"), ("umax32", "u32max"),
)  # fmt: skip
"""The log's names of the bounds and the scalar's, lower and upper ones in turn."""

_LOW32, _LOW64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF

_NAME_LENGTH = 15
"""So much of a map's name does the kernel keep (BPF_OBJ_NAME_LEN less the end)."""


def _number(x: int, signed: bool) -> str:
    """Small numbers in decimal, others in hexadecimal (two's complement)."""
    return str(x) if _short(x, signed) else hex(x & _LOW64)


def _short(x: int, signed: bool) -> bool:
    return -0x8000 <= x <= 0x7FFF if signed else 0 <= x <= 0xFFFF


def _printed(name: str, x: int) -> int:
    """What the log takes for the bound: a large signed 32-bit one is not sign-extended."""
    wide = not name.startswith("s") or not name.endswith("32") or _short(x, True)
    return x if wide else x & _LOW32


def format_scalar(s: Scalar) -> str:
    """The ranges and the tnum as the log lists them, equal lower (upper) bounds joined.

    A bound that says nothing is left out, so the text says all of the scalar.

    >>> from bpfsmt.domain import Tnum, UNKNOWN
    >>> format_scalar(UNKNOWN._replace(umax=255, smin=0, smax=255, var_off=Tnum(0, 255)))
    'smin=0,smax=umax=255,var_off=(0x0; 0xff)'
    """
    bounds = {
        name: _printed(name, value)
        for name, field in _BOUNDS
        if (value := getattr(s, field)) != getattr(UNKNOWN, field)
    }
    parts: list[str] = []
    while bounds:
        first = next(iter(bounds))
        value = bounds[first]
        joined = [
            name
            for name, x in bounds.items()
            if name[1:4] == first[1:4]
            and x & _LOW64 == value & _LOW64
            # a negative number is not written as one with a large unsigned one
            and (name[0] == "s" and x < 0) == (first[0] == "s" and value < 0)
        ]
        parts.append("=".join(joined) + "=" + _number(value, first[0] == "s"))
        for name in joined:
            del bounds[name]
    if s.var_off != TNUM_UNKNOWN:
        parts.append(f"var_off={_tnum(s.var_off)}")
    return ",".join(parts)


def _tnum(t: Tnum) -> str:
    return f"({t.value:#x}; {t.mask:#x})" if t.mask else _number(t.value, signed=False)


def format_reg(reg: Reg, maps: Sequence[MapDef] = (), frame: int | None = None) -> str:
    """One register's state as the log writes it after ``R1=``.

    ``frame`` is the frame whose register it is: a stack pointer says which other frame
    it points into.

    >>> from bpfsmt.domain.scalar import const
    >>> format_reg(Reg(RegType.PTR_TO_PACKET, const(0), off=14, range=14))
    'pkt(off=14,r=14)'
    >>> format_reg(Reg(RegType.SCALAR_VALUE, const(-5)))
    '-5'
    """
    if reg.type is RegType.SCALAR_VALUE and reg.is_const:
        return _number(_signed(reg.const_value), signed=True)
    if reg.type is RegType.NOT_INIT:
        return "?"
    name = reg.type.value
    if reg.type is RegType.PTR_TO_STACK:
        name += f"[{reg.frame}]" if frame not in (None, reg.frame) else ""
        if reg.is_const:
            return f"{name}{_number(reg.off + _signed(reg.const_value), signed=True)}"
    return f"{name}({','.join(_attributes(reg, maps))})"


def _attributes(reg: Reg, maps: Sequence[MapDef]) -> list[str]:
    """What stands between the parentheses, in the log's order."""
    scalar = reg.type is RegType.SCALAR_VALUE
    parts = []
    if reg.id:
        delta = f"{reg.off:+d}" if reg.id & ADDED else ""
        parts.append(f"id={reg.id & ~ADDED}{delta}")
    if reg.ref:
        parts.append(f"ref_obj_id={reg.ref}")
    if reg.map >= 0:
        m = maps[reg.map] if reg.map < len(maps) else None
        name = m.name[:_NAME_LENGTH] if m else ""
        parts.append(f"map={name},ks={m.key_size},vs={m.value_size}" if m else f"map={reg.map}")
    if reg.off and not scalar:
        parts.append(f"off={_number(reg.off, signed=True)}")
    if reg.type in (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META):
        parts.append(f"r={_number(reg.range, signed=False)}")
    if reg.type.value.removesuffix("_or_null").endswith("mem"):
        parts.append(f"sz={_number(reg.mem, signed=False)}")
    if not reg.is_const:
        parts.append(format_scalar(reg.scalar))
    elif reg.const_value:
        parts.append(f"imm={_number(_signed(reg.const_value), signed=True)}")
    return [part for part in parts if part]


def _signed(x: int) -> int:
    return x - (1 << 64) if x >> 63 else x


def format_slot(slot: Slot, maps: Sequence[MapDef] = (), frame: int | None = None) -> str:
    """A stack slot's state as the log writes it after ``fp-8=``: bytes, or what is spilled.

    >>> from bpfsmt.domain.scalar import const
    >>> format_slot(Slot("mmmmrrrr", Reg(RegType.SCALAR_VALUE, const(7))))
    'mmmm7'
    """
    if slot.spill is None:
        return slot.kinds
    return slot.kinds.rstrip(SPILL) + format_reg(slot.spill, maps, frame)


def format_state(state: State, maps: Sequence[MapDef] = ()) -> str:
    """The current frame's written registers and stack slots on one line."""
    depth = len(state.frames) - 1
    parts = [f"frame{depth}:"] if depth else []
    for i, reg in enumerate(state.regs):
        if reg.type is not RegType.NOT_INIT:
            parts.append(f"R{i}={format_reg(reg, maps, depth)}")
    for i, slot in sorted(state.stack.items()):
        if slot != EMPTY_SLOT:
            parts.append(f"fp-{8 * (i + 1)}={format_slot(slot, maps, depth)}")
    return " ".join(parts)
