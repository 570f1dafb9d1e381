"""Whether an access to a map's value or to the packet stays inside."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain import Reg, RegType
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import MapDef, ProgramType
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.verifier.env import Env
from bpfsmt.verifier.reasons import Rejection
from bpfsmt.verifier.step.pointer import PACKET_TYPES

NET_IP_ALIGN = 2
"""The kernel puts packets two bytes off a word, so that the IP header is aligned."""

WRONLY_PROG = 1 << 8
"""Flag of a map that programs can only write."""

PACKET_READERS = (
    ProgramType.XDP,
    ProgramType.SCHED_CLS,
    ProgramType.SCHED_ACT,
    ProgramType.CGROUP_SKB,
)
PACKET_WRITERS = PACKET_READERS[:3]
_NEGATIVE = "min value is negative, either use unsigned index or do a if (index >=0) check."


class Access(NamedTuple):
    """``size`` bytes at ``ptr`` + ``off``, through register number ``reg``."""

    reg: int
    ptr: Reg
    off: int
    size: int
    write: bool

    @property
    def fixed(self) -> int:
        """The offset from the pointer's variable part."""
        return self.ptr.off + self.off


def check_region(env: Env, a: Access) -> None:
    """Reject an access through a pointer of another type, or one that may be outside."""
    if a.ptr.type is RegType.PTR_TO_MAP_VALUE:
        _check_map_value(env, a)
    elif a.ptr.type in PACKET_TYPES:
        _check_packet(env, a)
    else:
        raise bad_pointer(env, a.reg, a.ptr)


def read_only(m: MapDef) -> bool:
    """Whether programs may not write the map's values: constants, or devices' numbers."""
    return m.frozen or bool(m.flags & RDONLY_PROG) or m.type in ("devmap", "devmap_hash")


def bad_pointer(env: Env, number: int, reg: Reg) -> Rejection:
    """The rejection of memory access through something that points to no memory."""
    message = f"R{number} invalid mem access '{reg.type.value}'"
    if reg.type is RegType.PTR_TO_MAP_VALUE_OR_NULL:
        why = f"R{number} is {env.show(reg)}: it may be NULL, compare it with 0 first."
        return Rejection("possibly-null", message, why, reg=number)
    why = f"R{number} is {env.show(reg)}, which is no pointer to memory that can be accessed."
    return Rejection("bad-pointer", message, why, reg=number)


def _check_map_value(env: Env, a: Access) -> None:
    m = env.maps[a.ptr.map]
    if read_only(m) if a.write else m.flags & WRONLY_PROG:
        verb = "write into" if a.write else "read from"
        raise Rejection(
            "map-read-only",
            f"{verb} map forbidden, value_size={m.value_size} off={a.fixed} size={a.size}",
            f"R{a.reg} points into map {m.name}, which programs may only "
            f"{'read' if a.write else 'write'}.",
            reg=a.reg,
        )
    var = a.ptr.scalar
    if env.ints.region_access_ok(var, a.fixed, a.size, m.value_size):
        return
    if a.ptr.is_const:
        at = a.fixed + var.smin
        message = f"invalid access to map value, value_size={m.value_size} off={at} size={a.size}"
    elif var.smin + a.fixed < 0:
        message = f"R{a.reg} {_NEGATIVE}"
    elif var.umax >= MAX_VAR_OFF:
        message = f"R{a.reg} unbounded memory access, make sure to bounds check any such access"
    else:
        message = f"R{a.reg} max value is outside of the allowed memory range"
    raise Rejection(
        "map-value-bounds",
        message,
        f"R{a.reg} is {env.show(a.ptr)}: {a.size} bytes at +{a.off} are accessed, which may lie "
        f"outside the value of map {m.name} ({m.value_size} bytes); bound the offset first.",
        reg=a.reg,
    )


def _check_packet(env: Env, a: Access) -> None:
    if a.write and env.program.type not in PACKET_WRITERS:
        raise Rejection(
            "packet-write",
            "cannot write into packet",
            f"R{a.reg} is {env.show(a.ptr)}, but a program of type {env.program.type.value} "
            f"may not write the packet.",
            reg=a.reg,
        )
    ptr = a.ptr
    if env.ints.packet_access_ok(ptr.scalar, a.fixed, a.size, ptr.range):
        return
    if ptr.scalar.smin < 0:
        message = f"R{a.reg} {_NEGATIVE}"
        what = "its offset may be negative; bound it first"
    else:
        message = (
            f"invalid access to packet, off={a.fixed} size={a.size}, "
            f"R{a.reg}(id={ptr.id},off={ptr.off},r={ptr.range})"
        )
        after = " after its variable part" if not ptr.is_const else ""
        what = (
            f"only {ptr.range} bytes{after} are known to be in the packet, but byte "
            f"{a.fixed} to {a.fixed + a.size} is {'written' if a.write else 'read'}; "
            f"compare it with data_end first"
        )
    why = f"R{a.reg} is {env.show(ptr)}: {what}."
    raise Rejection("packet-bounds", message, why, reg=a.reg)


_NAMES = {
    RegType.PTR_TO_STACK: "stack ",
    RegType.PTR_TO_MAP_VALUE: "value ",
    RegType.PTR_TO_PACKET: "packet ",
    RegType.PTR_TO_PACKET_META: "packet ",
}


def check_alignment(env: Env, a: Access) -> None:
    """Reject what may be misaligned: on the stack always, elsewhere if the policy is strict."""
    type_ = a.ptr.type
    if type_ not in _NAMES or not (type_ is RegType.PTR_TO_STACK or env.policy.strict_alignment):
        return
    extra = NET_IP_ALIGN if type_ in PACKET_TYPES else 0
    if env.ints.access_aligned(a.ptr.scalar.var_off, a.fixed + extra, a.size):
        return
    var = a.ptr.scalar.var_off
    tnum = f"({var.value:#x}; {var.mask:#x})"
    before = f"{extra}+" if extra else ""
    raise Rejection(
        "misaligned",
        f"misaligned {_NAMES[type_]}access off {before}{tnum}+{a.ptr.off}+{a.off} size {a.size}",
        f"R{a.reg} is {env.show(a.ptr)}: {a.size} bytes at +{a.off} are accessed, but the address "
        f"is not known to be a multiple of {a.size}.",
        reg=a.reg,
    )
