"""Loads, stores and atomics (``check_mem_access``)."""

from __future__ import annotations

from bpfsmt.domain import UNKNOWN, Reg, RegType
from bpfsmt.isa import FETCH, AtomicOp, Class, Instruction, LdImm64Src, Mode
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import ProgramType
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.semantics.context import SOCKETS
from bpfsmt.verifier.linux.env import ANY, Env, number
from bpfsmt.verifier.linux.refs import check_none_held
from bpfsmt.verifier.linux.step.calls import leave
from bpfsmt.verifier.linux.step.mapstruct import read_map_structure, write_map_structure
from bpfsmt.verifier.linux.step.region import (
    NEGATIVE,
    Access,
    check_alignment,
    check_map_value,
    check_memory,
    check_packet,
    check_unmoved,
)
from bpfsmt.verifier.linux.step.stack import (
    place,
    read_fixed,
    read_variable,
    store_fixed,
    store_variable,
)
from bpfsmt.verifier.linux.walk import Effect, Walk
from bpfsmt.verifier.reasons import unsupported

_SOCKET_TYPES = {
    RegType.PTR_TO_SOCKET: "sock",
    RegType.PTR_TO_SOCK_COMMON: "sock_common",
    RegType.PTR_TO_TCP_SOCK: "tcp_sock",
    RegType.PTR_TO_XDP_SOCK: "xdp_sock",
}
_FIELD_TYPES = {t.value: t for t in RegType}
_LEGACY_TYPES = (ProgramType.SOCKET_FILTER, ProgramType.SCHED_CLS, ProgramType.SCHED_ACT)
_NO_ATOMICS = frozenset({RegType.PTR_TO_CTX, RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META,
                         RegType.PTR_TO_FLOW_KEYS, *_SOCKET_TYPES})  # fmt: skip


def load_imm64(w: Walk, insn: Instruction) -> None:
    """``ld_imm64``: a number, a map, or a place inside a map's value."""
    if insn.src == LdImm64Src.IMM:
        w.write(insn.dst, w.env.number(insn.imm64))
        return
    if insn.src not in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE):
        raise unsupported(f"ld_imm64 of kind {LdImm64Src(insn.src).name}")
    if w.env.maps[insn.imm].type == "arena":
        raise unsupported("an arena")
    if insn.src == LdImm64Src.MAP_BY_FD:
        reg = w.env.pointer(RegType.CONST_PTR_TO_MAP, map=insn.imm)
    else:
        off = insn.next_imm & 0xFFFFFFFF
        reg = w.env.pointer(RegType.PTR_TO_MAP_VALUE, off=off, map=insn.imm)
    w.write(insn.dst, reg)


def load(env: Env, insn: Instruction) -> Effect:
    """``dst = *(size *)(src + offset)``, zero- or sign-extended."""
    n, m, off, size = insn.dst, insn.src, insn.offset, insn.size.bytes
    signed = insn.mode is Mode.MEMSX

    def run(w: Walk) -> None:
        ptr = w.read(m)
        if n == 10:
            w.write(10, ANY)
        value = read(w, Access(m, ptr, off, size, write=False), n, signed=signed)
        w.check_pointer_type(ptr)
        if size < 8 and value.type is RegType.SCALAR_VALUE:
            value = _narrowed(w, value, size, signed)
        w.write(n, value if value.type is not RegType.SCALAR_VALUE else env.checked(value))

    return run


def _narrowed(w: Walk, value: Reg, size: int, signed: bool) -> Reg:
    """The value cut to its low bytes (``coerce_reg_to_size``, ``_sx``)."""
    if value is ANY:
        return w.env.loaded(size, signed=signed)
    rule = w.env.ints.fill_sext if signed else w.env.ints.fill
    return value._replace(scalar=rule(value.scalar, size))


def read(w: Walk, a: Access, into: int, *, signed: bool = False, strict: bool = False) -> Reg:
    """What a load gives, before it is narrowed; rejects one that may go wrong."""
    check_alignment(w, a, strict=strict)
    t = a.ptr.type
    if t is RegType.PTR_TO_STACK:
        at = place(w, a.reg, a.ptr, a.off, a.size, "read from")
        if a.ptr.is_const:
            return read_fixed(w, at, into, signed=signed)
        return read_variable(w, at)
    if t is RegType.PTR_TO_CTX:
        return _read_ctx(w, a, signed)
    if t is RegType.PTR_TO_MAP_VALUE:
        check_map_value(w, a)
        return _constant(w, a, signed) or ANY
    if t in _SOCKET_TYPES:
        _check_socket(w, a)
    elif t is RegType.CONST_PTR_TO_MAP:
        return read_map_structure(w, a)
    else:
        _check_plain(w, a)
    return ANY


def write(w: Walk, a: Access, value: Reg | None, source: int, *, strict: bool = False) -> None:
    """A store of ``value`` (`None`: anything); rejects one that may go wrong."""
    check_alignment(w, a, strict=strict)
    t = a.ptr.type
    if t is RegType.PTR_TO_STACK:
        at = place(w, a.reg, a.ptr, a.off, a.size, "write to")
        (store_fixed if a.ptr.is_const else store_variable)(w, at, value, source)
    elif t is RegType.PTR_TO_CTX:
        _write_ctx(w, a)
    elif t is RegType.PTR_TO_MAP_VALUE:
        check_map_value(w, a)
    elif t in _SOCKET_TYPES:
        w.reject("read-only", f"R{a.reg} cannot write into {t.value}", reg=a.reg)
    elif t is RegType.CONST_PTR_TO_MAP:
        write_map_structure(w, a)
    else:
        _check_plain(w, a)


def _check_plain(w: Walk, a: Access) -> None:
    """An access to the packet, or to memory of known size."""
    t = a.ptr.type
    if t in (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META):
        check_packet(w, a)
    elif t in (RegType.PTR_TO_MEM, RegType.RINGBUF_MEM, RegType.RDONLY_MEM):
        if a.write and t is RegType.RDONLY_MEM:
            w.reject("read-only", f"R{a.reg} cannot write into {t.value}", reg=a.reg)
        check_memory(w, a, a.ptr.mem)
    elif t is RegType.PTR_TO_TP_BUFFER:
        _check_buffer(w, a)
    else:
        message = f"R{a.reg} invalid mem access '{t.value}'"
        null = t.nonnull is not None
        why = "it may be NULL, compare it with 0 first" if null else "it points to no memory"
        kind = "possibly-null" if null else "bad-pointer"
        w.reject(kind, message, f"R{a.reg} is {w.env.show(a.ptr)}: {why}.", a.reg)


def _check_buffer(w: Walk, a: Access) -> None:
    """Kernel ``check_tp_buffer_access``."""
    if a.fixed < 0:
        w.reject(
            "memory-bounds",
            f"R{a.reg} invalid tracepoint buffer access: off={a.fixed}, size={a.size}",
            reg=a.reg,
        )
    if not a.ptr.is_const or a.ptr.const_value:
        t = a.ptr.scalar.var_off
        w.reject(
            "memory-bounds",
            f"R{a.reg} invalid variable buffer offset: off={a.fixed}, "
            f"var_off=({t.value:#x}; {t.mask:#x})",
            reg=a.reg,
        )


def _check_socket(w: Walk, a: Access) -> None:
    """Kernel ``check_sock_access``."""
    t = a.ptr.type
    if a.ptr.scalar.smin < 0:
        w.reject("memory-bounds", f"R{a.reg} {NEGATIVE}", reg=a.reg)
    layout = SOCKETS.get(_SOCKET_TYPES[t])
    if layout is None:
        raise unsupported(f"access to {t.value}")
    field = layout.access(a.fixed, a.size, write=False)
    hidden = t is RegType.PTR_TO_SOCK_COMMON and 8 <= a.fixed < 24
    if field is None or hidden or not a.ptr.is_const or a.ptr.const_value:
        message = f"R{a.reg} invalid {t.value} access off={a.fixed} size={a.size}"
        w.reject("ctx-access", message, f"{message}: there is no such field.", a.reg)


def _constant(w: Walk, a: Access, signed: bool) -> Reg | None:
    """The bytes of a map of constants, if it is known which."""
    m = w.env.maps[a.ptr.map]
    if not (m.frozen and m.flags & RDONLY_PROG and m.data is not None and a.ptr.is_const):
        return None
    start = a.fixed + a.ptr.scalar.smin
    content = m.data[start : start + a.size]
    return w.env.number(int.from_bytes(content, "little", signed=signed))


def _read_ctx(w: Walk, a: Access, signed: bool) -> Reg:
    check_unmoved(w, a.reg, a.ptr, a.off)
    field = _ctx_field(w, a)
    if field.kind == "scalar":
        return ANY
    if signed and field.kind.startswith("pkt"):
        _no_field(w, a)
    type_ = _FIELD_TYPES[field.kind]
    id_ = w.fresh_id() if type_.nonnull is not None else 0
    return w.env.pointer(type_, id=id_)


def _write_ctx(w: Walk, a: Access) -> None:
    check_unmoved(w, a.reg, a.ptr, a.off)
    _ctx_field(w, a)


def _ctx_field(w: Walk, a: Access):  # type: ignore[no-untyped-def]
    field = w.env.layout.access(a.fixed, a.size, write=a.write)
    if field is None or (field.name == "egress_ifindex" and not _in_devmap(w)):
        _no_field(w, a)
    return field


def _in_devmap(w: Walk) -> bool:
    """A program that runs where packets leave by a devmap (``xdp_is_valid_access``)."""
    return w.env.program.section.removeprefix("?") in ("xdp/devmap", "xdp.frags/devmap")


def _no_field(w: Walk, a: Access) -> None:
    layout = w.env.layout
    verb = "written" if a.write else "read"
    w.reject(
        "ctx-access",
        f"invalid bpf_context access off={a.fixed} size={a.size}",
        f"R{a.reg} is ctx: struct {layout.struct} has no field that a program of type "
        f"{w.env.program.type.value} may have {verb} as {a.size} bytes at offset {a.fixed}.",
        a.reg,
    )


def store(env: Env, insn: Instruction) -> Effect:
    """``*(size *)(dst + offset) = src``, or an immediate."""
    n, off, size = insn.dst, insn.offset, insn.size.bytes
    source = insn.src if insn.cls is Class.STX else -1
    immediate = None if source >= 0 else number(env.ints.store_imm(insn.imm))

    def run(w: Walk) -> None:
        value = w.read(source) if immediate is None else immediate
        ptr = w.read(n)
        write(w, Access(n, ptr, off, size, write=True), value, source)
        w.check_pointer_type(ptr)

    return run


def atomic(w: Walk, insn: Instruction) -> None:
    """Atomic operations (RFC 9669, section 5.3; kernel ``check_atomic``)."""
    w.read(insn.src)
    ptr = w.read(insn.dst)
    exchange = insn.imm == AtomicOp.CMPXCHG | FETCH
    if exchange:
        w.read(0)
    if ptr.type in _NO_ATOMICS:
        w.reject(
            "atomic-target",
            f"BPF_ATOMIC stores into R{insn.dst} {ptr.type.value} is not allowed",
            f"R{insn.dst} is {w.env.show(ptr)}: atomics do not work there.",
            insn.dst,
        )
    a = Access(insn.dst, ptr, insn.offset, insn.size.bytes, write=False)
    into = -1
    if insn.imm & FETCH:
        into = 0 if exchange else insn.src
    read(w, a, -1, strict=True)
    loaded: Reg | None = None
    if into >= 0:
        loaded = read(w, a, into, strict=True)
        if a.size < 8 and loaded.type is RegType.SCALAR_VALUE:
            loaded = _narrowed(w, loaded, a.size, signed=False)
    if loaded is not None:
        w.write(into, loaded)
    # The pointer itself may be what was loaded into: the store is checked through that.
    write(w, a._replace(ptr=w.read(insn.dst), write=True), None, -1, strict=True)


def load_packet(w: Walk, insn: Instruction) -> int | None:
    """The legacy loads of packet bytes, which end the program beyond the packet."""
    if w.env.program.type not in _LEGACY_TYPES:
        message = "BPF_LD_[ABS|IND] instructions not allowed for this program type"
        w.reject("legacy-load", message)
    check_none_held(w, "BPF_LD_[ABS|IND]")
    ctx = w.read(6)
    if ctx.type is not RegType.PTR_TO_CTX:
        w.reject("argument-type", "at the time of BPF_LD_ABS|IND R6 != pointer to skb", reg=6)
    check_unmoved(w, 6, ctx, 0)
    if insn.mode is Mode.IND:
        w.read(insn.src)
    w.clobber(Reg(RegType.SCALAR_VALUE, UNKNOWN))
    if len(w.path.state.frames) > 1:
        # beyond the packet the function returns 0
        w.push(w.path.state, w.path.pc + 1, "next")
        w.clobber(w.env.number(0))
        return leave(w)
    return w.path.pc + 1


__all__ = ["MAX_VAR_OFF", "atomic", "load", "load_imm64", "load_packet", "read", "store", "write"]
