"""Whether an access to a map's value, the packet or other memory stays inside."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain import Reg, RegType
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import ProgramType
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.verifier.linux.walk import Walk

NET_IP_ALIGN = 2
WRONLY_PROG = 1 << 8
PACKET_TYPES = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
PACKET_READERS = (
    ProgramType.XDP,
    ProgramType.SCHED_CLS,
    ProgramType.SCHED_ACT,
    ProgramType.CGROUP_SKB,
)
PACKET_WRITERS = PACKET_READERS[:3]
NEGATIVE = "min value is negative, either use unsigned index or do a if (index >=0) check."


class Access(NamedTuple):
    """``size`` bytes at ``ptr`` + ``off``, through register number ``reg``."""

    reg: int
    ptr: Reg
    off: int
    size: int
    write: bool
    helper: bool = False

    @property
    def fixed(self) -> int:
        """The offset from the pointer's variable part."""
        return self.ptr.off + self.off


def check_map_value(w: Walk, a: Access) -> None:
    """Kernel ``check_map_access``, with the map's access flags and its special fields."""
    m = w.env.maps[a.ptr.map]
    if m.flags & (RDONLY_PROG if a.write else WRONLY_PROG):
        verb = "write into" if a.write else "read from"
        w.reject(
            "map-read-only",
            f"{verb} map forbidden, value_size={m.value_size} off={a.fixed} size={a.size}",
            f"R{a.reg} points into map {m.name}, which programs may not use like this.",
            a.reg,
        )
    check_memory(w, a, m.value_size)
    low = a.fixed + a.ptr.scalar.smin
    high = a.fixed + a.ptr.scalar.umax + a.size
    for name, start, size in m.fields:
        if low < start + size and start < high:
            what = "helper" if a.helper else "load/store"
            message = f"{name} cannot be accessed directly by {what}"
            w.reject("special-field", message, f"{message}: it lies at {start} of {m.name}.", a.reg)


def check_memory(w: Walk, a: Access, limit: int) -> None:
    """Kernel ``check_mem_region_access``."""
    var = a.ptr.scalar
    if w.env.ints.region_access_ok(var, a.fixed, a.size, limit):
        return
    in_map = a.ptr.type is RegType.PTR_TO_MAP_VALUE
    if var.smin < 0 and (var.smin + a.fixed < 0 or var.smin == -(1 << 63)):
        message = f"R{a.reg} {NEGATIVE}"
    elif var.smin + a.fixed < 0 or var.smin + a.fixed + a.size > limit:
        message = _outside(a, limit, a.fixed + var.smin, in_map)
        if not a.ptr.is_const:
            message = f"R{a.reg} min value is outside of the allowed memory range"
    elif var.umax >= MAX_VAR_OFF:
        message = f"R{a.reg} unbounded memory access, make sure to bounds check any such access"
    else:
        message = f"R{a.reg} max value is outside of the allowed memory range"
    w.reject(
        "map-value-bounds" if in_map else "memory-bounds",
        message,
        f"R{a.reg} is {w.env.show(a.ptr)}: {a.size} bytes at +{a.off} are accessed, which may lie "
        f"outside the {limit} bytes that are there; bound the offset first.",
        a.reg,
    )


def _outside(a: Access, limit: int, at: int, in_map: bool) -> str:
    if in_map:
        return f"invalid access to map value, value_size={limit} off={at} size={a.size}"
    return f"invalid access to memory, mem_size={limit} off={at} size={a.size}"


def check_packet(w: Walk, a: Access) -> None:
    """Kernel ``check_packet_access``, and whether the program may write packets."""
    ptr, ints = a.ptr, w.env.ints
    if a.write and not a.helper and w.env.program.type not in PACKET_WRITERS:
        w.reject(
            "packet-write",
            "cannot write into packet",
            f"A program of type {w.env.program.type.value} may not write the packet.",
            a.reg,
        )
    if ptr.scalar.smin < 0:
        message = f"R{a.reg} {NEGATIVE}"
    elif (a.size == 0 and a.fixed >= 0 and a.fixed <= max(ptr.range, 0)) or ints.packet_access_ok(
        ptr.scalar, a.fixed, a.size, max(ptr.range, 0)
    ):
        return
    elif ptr.range < 0:
        message = f"R{a.reg} offset is outside of the packet"
    else:
        message = (
            f"invalid access to packet, off={a.fixed} size={a.size}, "
            f"R{a.reg}(id={ptr.id},off={a.fixed},r={ptr.range})"
        )
    w.reject(
        "packet-bounds",
        message,
        f"R{a.reg} is {w.env.show(ptr)}: bytes {a.fixed} to {a.fixed + a.size} are not known to "
        f"be in the packet; compare it with data_end first.",
        a.reg,
    )


_NAMES = {
    RegType.PTR_TO_STACK: "stack ",
    RegType.PTR_TO_MAP_VALUE: "value ",
    RegType.PTR_TO_MAP_KEY: "key ",
    RegType.PTR_TO_CTX: "context ",
    RegType.PTR_TO_PACKET: "packet ",
    RegType.PTR_TO_PACKET_META: "packet ",
    RegType.PTR_TO_SOCKET: "sock ",
    RegType.PTR_TO_SOCK_COMMON: "sock_common ",
    RegType.PTR_TO_TCP_SOCK: "tcp_sock ",
    RegType.PTR_TO_XDP_SOCK: "xdp_sock ",
}


def check_alignment(w: Walk, a: Access, *, strict: bool = False) -> None:
    """Reject what may be misaligned: on the stack always, elsewhere if the load asks for it."""
    type_ = a.ptr.type
    always = type_ is RegType.PTR_TO_STACK and w.env.policy.duties.aligned_stack
    if not (strict or w.env.strict or always) or a.size == 1:
        return
    extra = NET_IP_ALIGN if type_ in PACKET_TYPES else 0
    if w.env.ints.access_aligned(a.ptr.scalar.var_off, a.fixed + extra, a.size):
        return
    var = a.ptr.scalar.var_off
    tnum = f"({var.value:#x}; {var.mask:#x})" if var.mask else hex(var.value)
    before = f"{extra}+" if extra else ""
    name = _NAMES.get(type_, "")
    w.reject(
        "misaligned",
        f"misaligned {name}access off {before}{tnum}+{a.ptr.off}+{a.off} size {a.size}",
        f"R{a.reg} is {w.env.show(a.ptr)}: {a.size} bytes at +{a.off} are accessed, but the "
        f"address is not known to be a multiple of {a.size}.",
        a.reg,
    )


def check_unmoved(w: Walk, n: int, reg: Reg, off: int) -> None:
    """Reject a pointer to which something was added (``check_ptr_off_reg``)."""
    if reg.off == 0 and reg.is_const and reg.const_value == 0:
        return
    var, name = reg.scalar.var_off, reg.type.value
    if reg.off < 0:
        message = f"negative offset {name} ptr R{n} off={reg.off} disallowed"
    elif reg.is_const and reg.const_value == 0:
        message = f"dereference of modified {name} ptr R{n} off={reg.off} disallowed"
    else:
        message = f"variable {name} access var_off=({var.value:#x}; {var.mask:#x}) disallowed"
    w.reject(
        "modified-ctx",
        message,
        f"R{n} is {w.env.show(reg)}: it is used through an unmoved pointer only; put the offset "
        f"into the load itself.",
        n,
    )
