"""Loads, stores and atomics."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.isa import FETCH, AtomicOp, Class, Instruction, LdImm64Src, Mode
from bpfsmt.semantics.context import CtxField
from bpfsmt.verifier.env import Env, read_reg, write_reg
from bpfsmt.verifier.reasons import Rejection, unsupported
from bpfsmt.verifier.step.region import Access, check_alignment, check_region
from bpfsmt.verifier.step.stack import read_stack, stack_range, write_stack

_FIELD_TYPES = {
    "pkt": RegType.PTR_TO_PACKET,
    "pkt_end": RegType.PTR_TO_PACKET_END,
    "pkt_meta": RegType.PTR_TO_PACKET_META,
}


def load_imm64(env: Env, state: State, insn: Instruction) -> State:
    """``ld_imm64``: a number, a map, or a place inside a map's value."""
    if insn.src == LdImm64Src.IMM:
        reg = Reg(RegType.SCALAR_VALUE, env.const(insn.imm64))
    elif insn.src == LdImm64Src.MAP_BY_FD:
        reg = Reg(RegType.CONST_PTR_TO_MAP, env.zero, map=insn.imm)
    elif insn.src == LdImm64Src.MAP_VALUE:
        offset = insn.next_imm & 0xFFFFFFFF
        reg = Reg(RegType.PTR_TO_MAP_VALUE, env.zero, off=offset, map=insn.imm)
    else:
        raise unsupported(f"ld_imm64 of kind {insn.src}")
    return write_reg(state, insn.dst, reg)


def load(env: Env, state: State, insn: Instruction) -> State:
    """``dst = *(size *)(src + offset)``, zero- or sign-extended."""
    ptr = read_reg(state, insn.src)
    signed = insn.mode is Mode.MEMSX
    a = Access(insn.src, ptr, insn.offset, insn.size.bytes, write=False)
    check_alignment(env, a)
    if ptr.type is RegType.PTR_TO_CTX:
        value = _ctx_value(env, a, _ctx_field(env, a), signed)
    elif ptr.type is RegType.PTR_TO_STACK:
        where = stack_range(env, a.reg, ptr, a.off, a.size, write=False)
        value = read_stack(env, state, where, signed=signed)
    else:
        check_region(env, a)
        value = env.loaded(a.size, signed=signed)
    return write_reg(state, insn.dst, value)


def store(env: Env, state: State, insn: Instruction) -> State:
    """``*(size *)(dst + offset) = src``, or an immediate."""
    if insn.cls is Class.STX:
        value = read_reg(state, insn.src)
    else:
        value = Reg(RegType.SCALAR_VALUE, env.const(insn.imm))
    ptr = read_reg(state, insn.dst)
    a = Access(insn.dst, ptr, insn.offset, insn.size.bytes, write=True)
    check_alignment(env, a)
    if ptr.type is RegType.PTR_TO_CTX:
        _store_ctx(env, a, value, insn)
        return state
    if ptr.type is RegType.PTR_TO_STACK:
        where = stack_range(env, a.reg, ptr, a.off, a.size, write=True)
        if a.size < 8:
            value = _low_part(env, value, a.size)
        return write_stack(env, state, where, value)
    check_region(env, a)
    return state


def _low_part(env: Env, value: Reg, size: int) -> Reg:
    """What a narrow store keeps of a register: zero if it is zero, else anything."""
    keeps_zero = value.type is RegType.SCALAR_VALUE and value.is_const
    zero = keeps_zero and value.const_value % (1 << 8 * size) == 0
    return Reg(RegType.SCALAR_VALUE, env.zero if zero else env.sized(size))


def atomic(env: Env, state: State, insn: Instruction) -> State:
    """Atomic operations (RFC 9669, section 5.3), on the stack and in map values."""
    read_reg(state, insn.src)
    ptr = read_reg(state, insn.dst)
    if insn.imm == AtomicOp.CMPXCHG | FETCH:
        read_reg(state, 0)
    size = insn.size.bytes
    if ptr.type not in (RegType.PTR_TO_STACK, RegType.PTR_TO_MAP_VALUE) and ptr.is_pointer:
        raise Rejection(
            "atomic-target",
            f"BPF_ATOMIC stores into R{insn.dst} {ptr.type.value} is not allowed",
            f"R{insn.dst} is {env.show(ptr)}: atomics work on the stack and on map values only.",
            reg=insn.dst,
        )
    a = Access(insn.dst, ptr, insn.offset, size, write=True)
    _check_aligned_atomic(env, a)
    if ptr.type is RegType.PTR_TO_STACK:
        where = stack_range(env, a.reg, ptr, a.off, size, write=True)
        read_stack(env, state, where, signed=False)
        # what is there afterwards is known only to have some value
        state = write_stack(env, state, where, Reg(RegType.SCALAR_VALUE, env.sized(size)))
    else:
        check_region(env, a._replace(write=False))
        check_region(env, a)
    if not insn.imm & FETCH:
        return state
    into = 0 if insn.imm == AtomicOp.CMPXCHG | FETCH else insn.src
    return write_reg(state, into, env.loaded(size, signed=False))


def _check_aligned_atomic(env: Env, a: Access) -> None:
    """Atomics are always aligned, whatever the policy (kernel ``check_atomic``: strict)."""
    if a.ptr.type is RegType.PTR_TO_MAP_VALUE and not env.ints.access_aligned(
        a.ptr.scalar.var_off, a.fixed, a.size
    ):
        var = a.ptr.scalar.var_off
        raise Rejection(
            "misaligned",
            f"misaligned value access off ({var.value:#x}; {var.mask:#x})+{a.ptr.off}+{a.off} "
            f"size {a.size}",
            f"R{a.reg} is {env.show(a.ptr)}: the atomic at +{a.off} is not known to be aligned "
            f"to {a.size} bytes.",
            reg=a.reg,
        )
    check_alignment(env, a)


def _ctx_field(env: Env, a: Access) -> CtxField:
    """The context's field, read or written through an unmoved pointer (paper, 3.3.1)."""
    check_unmoved_ctx(env, a.reg, a.ptr, a.off)
    field = env.layout.access(a.off, a.size, write=a.write)
    if field is None:
        verb = "written" if a.write else "read"
        raise Rejection(
            "ctx-access",
            f"invalid bpf_context access off={a.off} size={a.size}",
            f"R{a.reg} is ctx: struct {env.layout.struct} of {env.program.type.value} programs has "
            f"no field that can be {verb} as {a.size} bytes at offset {a.off}.",
            reg=a.reg,
        )
    return field


def check_unmoved_ctx(env: Env, number: int, reg: Reg, off: int) -> None:
    """Reject a context pointer to which something was added."""
    if reg.off == 0 and reg.is_const and reg.const_value == 0:
        return
    var = reg.scalar.var_off
    if reg.is_const and reg.const_value == 0:
        message = f"dereference of modified ctx ptr R{number} off={reg.off}+{off}"
    else:
        message = f"variable ctx access var_off=({var.value:#x}; {var.mask:#x}) off={off}"
    raise Rejection(
        "modified-ctx",
        message,
        f"R{number} is {env.show(reg)}: the context is used through an unmoved pointer only; "
        f"put the offset into the load itself.",
        reg=number,
    )


def _ctx_value(env: Env, a: Access, field: CtxField, signed: bool) -> Reg:
    type_ = _FIELD_TYPES.get(field.kind)
    if type_ is None and field.kind != "scalar":
        raise unsupported(f"context field {field.name}")
    if type_ is None:
        return env.loaded(a.size, signed=signed)
    if signed:
        raise Rejection(
            "ctx-access",
            f"invalid bpf_context access off={a.off} size={a.size}",
            f"{field.name} is a pointer: a sign-extending load of it makes no sense.",
            reg=a.reg,
        )
    return env.pointer(type_)


def _store_ctx(env: Env, a: Access, value: Reg, insn: Instruction) -> None:
    field = _ctx_field(env, a)
    if insn.cls is Class.ST:
        raise Rejection(
            "ctx-access",
            f"BPF_ST stores into R{a.reg} ctx is not allowed",
            f"{field.name} is written with an immediate; put it into a register first.",
            reg=a.reg,
        )
    if value.is_pointer:
        raise Rejection(
            "pointer-leak",
            f"R{insn.src} leaks addr into ctx",
            f"R{insn.src} is {env.show(value)}: a pointer cannot be kept in the context.",
            reg=insn.src,
        )
