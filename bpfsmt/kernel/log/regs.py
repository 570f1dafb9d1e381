"""One register's state as the log writes it: text to `Reg`, the reverse of `format_reg`.

Linux 6.12 and 6.18 (``print_reg_state``) leave out a bound only where it says nothing.
Linux 6.1 (``print_verifier_state``) leaves out one that equals a wider one as well, and
says neither a pointer's map by name nor its stack frame: what it leaves out is filled in
from the bounds that it does print, and from a *hint*, the register as the instruction's
operands let expect it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32, NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.kernel.syscall import kernel_name
from bpfsmt.program.program import MapDef

S32_MIN, S32_MAX, U32_MAX = -(1 << 31), (1 << 31) - 1, (1 << 32) - 1
S64_MAX, U64_MAX = (1 << 63) - 1, (1 << 64) - 1


class Dialect(Enum):
    """How states are printed: up to Linux 6.6, or (since 6.7) later."""

    OLD = "6.1"
    NEW = "6.12"


class Unreadable(ValueError):
    """A text that no known kernel prints for a register or a stack slot."""


class Unmodelled(Exception):
    """A text that names something outside of bpfsmt's domain; the argument says what."""


class Printed(NamedTuple):
    """What the text says: the register, whether it is marked precise, and what is missing.

    ``whole`` is False where Linux 6.1 prints nothing but the type of a spilled register.
    """

    reg: Reg
    precise: bool = False
    whole: bool = True


_TYPES = {t.value: t for t in RegType if t is not RegType.NOT_INIT}
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]+|\d+)\Z")
_CALL = re.compile(r"(\w*?)(?:\[(\d+)\])?(?:\((.*)\))?\Z")
_FP = re.compile(r"fp(?:\[(\d+)\])?(-?(?:0x[0-9a-f]+|\d+))\Z")
_ID = re.compile(r"(\d+)([+-]\d+)?\Z")

_FIELDS = {
    "smin": ("smin", 64, True), "smax": ("smax", 64, True),
    "umin": ("umin", 64, False), "umax": ("umax", 64, False),
    "smin32": ("s32min", 32, True), "smax32": ("s32max", 32, True),
    "umin32": ("u32min", 32, False), "umax32": ("u32max", 32, False),
    "s32_min": ("s32min", 32, True), "s32_max": ("s32max", 32, True),
    "u32_min": ("u32min", 32, False), "u32_max": ("u32max", 32, False),
}  # fmt: skip
_WITH_MAP = (
    RegType.CONST_PTR_TO_MAP, RegType.PTR_TO_MAP_KEY,
    RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL,
)  # fmt: skip
_PLAIN = {"id", "ref_obj_id", "off", "r", "map", "ks", "vs", "sz", "imm", "var_off", *_FIELDS}


class Reader:
    """Reads registers of one log: in its dialect, with its program's maps."""

    def __init__(self, maps: Sequence[MapDef], dialect: Dialect = Dialect.NEW) -> None:
        self.maps = maps
        self.dialect = dialect
        self._known: dict[tuple[str, int, Reg], Printed] = {}

    def reg(self, text: str, frame: int, hint: Reg = NOT_INIT) -> Printed:
        """The register of frame ``frame`` that ``text`` (what follows ``R1=``) describes.

        Raises `Unreadable` or `Unmodelled`.
        """
        key = (text, frame, hint)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > 10_000:
                self._known.clear()
            found = self._known[key] = self._reg(text, frame, hint)
        return found

    def _reg(self, text: str, frame: int, hint: Reg) -> Printed:
        precise = text.startswith("P")
        body = text[1:] if precise else text
        if _NUMBER.match(body):
            return Printed(Reg(RegType.SCALAR_VALUE, const(int(body, 0))), precise)
        stack = _FP.match(body)
        if stack:
            where = self._frame(stack[1], frame, hint)
            off = _wrap(stack[2], 64, signed=True)
            return Printed(Reg(RegType.PTR_TO_STACK, const(0), off=off, frame=where))
        parts = _CALL.match(body)
        if not parts:
            raise Unreadable(text)
        name, where_text, inside = parts.groups()
        if name not in _TYPES:
            raise Unmodelled(f"registers of type {name}" if name else f"a register {text!r}")
        type_ = _TYPES[name]
        if inside is None:
            if self.dialect is Dialect.OLD:
                return Printed(hint if hint.type is type_ else Reg(type_), precise, whole=False)
            raise Unreadable(text)
        reg = self._attributes(type_, _split(inside, text), hint)
        if type_ is RegType.PTR_TO_STACK:
            reg = reg._replace(frame=self._frame(where_text, frame, hint))
        return Printed(reg, precise)

    def _frame(self, printed: str | None, frame: int, hint: Reg) -> int:
        """Linux 6.1 does not say into which frame a pointer points."""
        if printed is not None:
            return int(printed)
        known = self.dialect is Dialect.OLD and hint.type is RegType.PTR_TO_STACK
        return hint.frame if known else frame

    def _attributes(self, type_: RegType, said: dict[str, str], hint: Reg) -> Reg:
        foreign = [name for name in said if name not in _PLAIN]
        if foreign:
            raise Unmodelled(f"{type_.value} with {foreign[0]}")
        id_, delta = _id(said.get("id", "0"), narrow=bool(hint.id & ADD_CONST32))
        off = _wrap(said.get("off", "0"), 64, signed=True)
        return Reg(
            type_,
            self._scalar(type_, said),
            off=delta if type_ is RegType.SCALAR_VALUE else off,
            id=id_,
            range=_wrap(said.get("r", "0"), 64, signed=True),
            map=self._map(said, hint) if type_ in _WITH_MAP else -1,
            ref=int(said.get("ref_obj_id", "0")),
            mem=int(said.get("sz", "0"), 0),
        )

    def _scalar(self, type_: RegType, said: dict[str, str]) -> Scalar:
        old = self.dialect is Dialect.OLD
        fields = {name: said[name] for name in said if name in _FIELDS}
        varies = "var_off" in said or fields
        if "imm" in said:
            return const(int(said["imm"], 16 if old else 0))
        if not varies:
            return UNKNOWN if type_ is RegType.SCALAR_VALUE or old else const(0)
        bounds: dict[str, Any] = {
            field: _wrap(said[name], width, signed=signed)
            for name, (field, width, signed) in _FIELDS.items()
            if name in said
        }
        scalar = UNKNOWN._replace(**bounds)
        if "var_off" in said:
            scalar = scalar._replace(var_off=_tnum(said["var_off"]))
        return _implied(scalar, set(bounds)) if old else scalar

    def _map(self, said: dict[str, str], hint: Reg) -> int:
        name = said.get("map")
        sizes = (int(said.get("ks", "-1")), int(said.get("vs", "-1")))
        fits = [
            i for i, m in enumerate(self.maps)
            if (m.key_size, m.value_size) == sizes
            and (name is None or name in (m.name, kernel_name(m.name).decode()))
        ]  # fmt: skip
        if hint.map in fits:
            return hint.map
        if len(fits) != 1:
            known = f"map {name}" if name else f"a map with ks={sizes[0]},vs={sizes[1]}"
            raise Unmodelled(f"{known}, which is {'several' if fits else 'none'} of the program's")
        return fits[0]


def _split(inside: str, text: str) -> dict[str, str]:
    """``a=1,b=c=2`` as names and values; a tnum has no comma."""
    said: dict[str, str] = {}
    for part in inside.split(",") if inside else ():
        *names, value = part.split("=")
        if not names:
            raise Unreadable(text)
        for name in names:
            said[name] = value
    return said


def _id(text: str, *, narrow: bool) -> tuple[int, int]:
    """An id and, of a number that is another one plus a constant, that constant.

    The log does not say whether it is the low half of that (Linux 6.18): see the hint.
    """
    found = _ID.match(text)
    if not found:
        raise Unreadable(f"id={text}")
    flag = (ADD_CONST32 if narrow else ADD_CONST) if found[2] else 0
    return int(found[1]) | flag, int(found[2] or 0)


def _wrap(text: str, width: int, *, signed: bool) -> int:
    """A number in decimal or in hexadecimal two's complement."""
    if not _NUMBER.match(text):
        raise Unreadable(text)
    x = int(text, 0) & ((1 << width) - 1)
    return x - (1 << width) if signed and x >> (width - 1) else x


def _tnum(text: str) -> Tnum:
    if _NUMBER.match(text):
        return Tnum(int(text, 0) & U64_MAX, 0)
    value, _, mask = text.strip("()").partition("; ")
    try:
        return Tnum(int(value, 16), int(mask, 16))
    except ValueError:
        raise Unreadable(text) from None


def _implied(s: Scalar, printed: set[str]) -> Scalar:
    """The bounds that Linux 6.1 leaves out because they equal others.

    An omitted bound is either at its widest or equal to another; it is the latter where
    that other one implies it, and else the former is the safe reading.
    """
    one_sign = s.umax <= S64_MAX or s.umin > S64_MAX
    wrap = 0 if s.umax <= S64_MAX else 1 << 64
    if one_sign and "smin" not in printed:
        s = s._replace(smin=s.umin - wrap)
    if one_sign and "smax" not in printed:
        s = s._replace(smax=s.umax - wrap)
    if s.umax <= U32_MAX:
        if "u32min" not in printed:
            s = s._replace(u32min=s.umin)
        if "u32max" not in printed:
            s = s._replace(u32max=s.umax)
    small = s.smin >= S32_MIN and s.smax <= S32_MAX
    if "s32min" not in printed and (small or (0 <= s.smin <= S32_MAX and s.u32max <= S32_MAX)):
        s = s._replace(s32min=s.smin)
    if "s32max" not in printed and small:
        s = s._replace(s32max=s.smax)
    return s
