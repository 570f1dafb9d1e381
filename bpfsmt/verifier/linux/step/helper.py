"""Calls of helpers: the arguments against the prototype, then what the call leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.bits import U32_MAX
from bpfsmt.domain import UNKNOWN, Reg, RegType, Tnum
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.isa import HELPER_NAMES
from bpfsmt.program.program import Param, ProgramType
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.semantics.prototypes import ALLOWED, Prototype, prototype
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.refs import acquire, check_none_held, is_cast, release
from bpfsmt.verifier.linux.step.branch import has_lock
from bpfsmt.verifier.linux.step.maps import check_map
from bpfsmt.verifier.linux.step.memory import write
from bpfsmt.verifier.linux.step.packet import forget_packet
from bpfsmt.verifier.linux.step.region import (
    PACKET_READERS,
    PACKET_TYPES,
    Access,
    check_alignment,
    check_map_value,
    check_memory,
    check_packet,
    check_unmoved,
)
from bpfsmt.verifier.linux.step.stack import known_key, place, smear
from bpfsmt.verifier.linux.walk import Walk
from bpfsmt.verifier.reasons import unsupported

_MEMORY = (
    RegType.PTR_TO_STACK,
    RegType.PTR_TO_PACKET,
    RegType.PTR_TO_PACKET_META,
    RegType.PTR_TO_MAP_KEY,
    RegType.PTR_TO_MAP_VALUE,
    RegType.PTR_TO_MEM,
    RegType.RINGBUF_MEM,
    RegType.RDONLY_MEM,
)
_SOCK_COMMON = (
    RegType.PTR_TO_SOCK_COMMON,
    RegType.PTR_TO_SOCKET,
    RegType.PTR_TO_TCP_SOCK,
    RegType.PTR_TO_XDP_SOCK,
)
_BTF_SOCK = _SOCK_COMMON[:3]
_RESULTS = {
    "socket?": RegType.PTR_TO_SOCKET_OR_NULL,
    "sock_common?": RegType.PTR_TO_SOCK_COMMON_OR_NULL,
    "tcp_sock?": RegType.PTR_TO_TCP_SOCK_OR_NULL,
    "ringbuf_mem?": RegType.RINGBUF_MEM_OR_NULL,
    "map_value?": RegType.PTR_TO_MAP_VALUE_OR_NULL,
    "map_value": RegType.PTR_TO_MAP_VALUE,
}
_ACQUIRES = frozenset({"bpf_sk_lookup_tcp", "bpf_sk_lookup_udp", "bpf_skc_lookup_tcp",
                       "bpf_ringbuf_reserve"})  # fmt: skip
_BOUNDED = frozenset({"bpf_get_stack", "bpf_get_task_stack", "bpf_probe_read_str",
                      "bpf_probe_read_kernel_str", "bpf_probe_read_user_str"})  # fmt: skip
_INDEXED = ("array", "percpu_array")


@dataclass(slots=True)
class Call:
    """What the arguments of one call said (kernel ``bpf_call_arg_meta``)."""

    proto: Prototype
    map: int = -1
    ref: int = 0
    release: int = 0
    raw: tuple[int, Reg, int] | None = None
    largest: int = 0
    mem: int = 0
    key: int = -1


def call_helper(w: Walk, number: int) -> None:
    """Check a call of the helper of that number, and do what it does to the state."""
    proto = _find(w, number)
    call = Call(proto)
    for n, arg in enumerate(proto.args, start=1):
        _argument(w, call, n, arg)
    if call.map >= 0:
        check_map(w, proto, call.map)
    _remember_key(w, call)
    if call.raw is not None:
        n, reg, size = call.raw
        for i in range(size):
            write(w, Access(n, reg, i, 1, write=True, helper=True), None, -1)
    if call.release and not release(w, call.release):
        w.reject("reference", f"func {proto.name}#{number} reference has not been acquired before")
    if proto.name == "bpf_get_local_storage":
        flags = w.read(2)
        if not _is_null(flags):
            w.reject("argument-type", "get_local_storage() doesn't support non-zero flags", reg=2)
    if proto.name == "bpf_tail_call":
        check_none_held(w, "tail_call")
        w.tail_calls.add(w.function_of(len(w.path.state.frames) - 1))
    _spin_lock(w, proto)
    w.clobber(NOT_INIT)
    w.clobber(_result(w, call))
    if w.env.makes_stale(proto):
        w.path.state = forget_packet(w.path.state)


def _find(w: Walk, number: int) -> Prototype:
    kind, program = w.env.program.type, w.env.program
    name = HELPER_NAMES.get(number)
    if name is None:
        w.reject("unknown-helper", f"invalid func unknown#{number}", f"No helper {number}.")
    proto = prototype(kind, number)
    if proto is None:
        raise unsupported(f"helper {name}")
    if proto.name not in ALLOWED[kind]:
        message = f"program of this type cannot use helper {name}#{number}"
        reason = f"A program of type {kind.value} cannot call {name}."
        w.reject("unknown-helper", message, reason)
    if proto.gpl and not is_gpl(program.license):
        message = "cannot call GPL-restricted function from non-GPL compatible program"
        w.reject("licence", message, f"{name} needs a licence that is compatible with the GPL.")
    if proto.unmodelled:
        raise unsupported(f"helper {name}: argument or result of kind {proto.unmodelled}")
    return proto


def is_gpl(license: str) -> bool:
    """Whether the kernel takes the licence for one that is compatible with the GPL."""
    return license in ("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL",
                       "Dual MIT/GPL", "Dual MPL/GPL")  # fmt: skip


def _expect(w: Walk, n: int, reg: Reg, *types: RegType) -> None:
    if reg.type in types:
        return
    names = ", ".join(t.value for t in types)
    w.reject(
        "argument-type",
        f"R{n} type={reg.type.value} expected={names}",
        f"R{n} is {w.env.show(reg)}, but argument {n} of this function must be {names}.",
        n,
    )


def _is_null(reg: Reg) -> bool:
    return reg.type is RegType.SCALAR_VALUE and reg.is_const and reg.const_value == 0


def _argument(w: Walk, call: Call, n: int, arg: str) -> None:
    """Kernel ``check_func_arg``."""
    reg = w.read(n)
    if arg == "any":
        return
    if reg.type in PACKET_TYPES:
        _check_packet_allowed(w, call, n, reg)
    optional = arg.endswith("?")
    kind = (
        arg.rstrip("?*@0123456789:") if arg[-1].isdigit() and arg != "size0" else arg.rstrip("?*")
    )
    null = optional and _is_null(reg)
    if not null:
        _check_kind(w, call, n, reg, kind)
    if reg.ref and kind not in ("ctx",):
        if call.ref:
            w.reject("reference", f"more than one arg with ref_obj_id R{n} {reg.ref} {call.ref}")
        call.ref = reg.ref
    if arg in ("btf_sock_common*", "ringbuf_mem"):
        _releases(w, call, n, reg)
    if not null:
        _check_memory_argument(w, call, n, reg, arg, kind)


def _check_packet_allowed(w: Walk, call: Call, n: int, reg: Reg) -> None:
    if call.proto.packet_args and w.env.program.type in PACKET_READERS:
        return
    w.reject(
        "argument-type",
        "helper access to the packet is not allowed",
        f"R{n} is {w.env.show(reg)}, but {call.proto.name} cannot be given packet memory; copy it "
        f"to the stack first.",
        n,
    )


def _check_kind(w: Walk, call: Call, n: int, reg: Reg, kind: str) -> None:
    match kind:
        case "ctx":
            _expect(w, n, reg, RegType.PTR_TO_CTX)
            check_unmoved(w, n, reg, 0)
        case "map":
            _expect(w, n, reg, RegType.CONST_PTR_TO_MAP)
            check_unmoved(w, n, reg, 0)
            call.map = reg.map
        case "size" | "size0" | "alloc_size":
            _expect(w, n, reg, RegType.SCALAR_VALUE)
        case "sock_common":
            _expect(w, n, reg, *_SOCK_COMMON)
            check_unmoved(w, n, reg, 0)
        case "btf_sock_common":
            _expect(w, n, reg, *_BTF_SOCK)
            check_unmoved(w, n, reg, 0)
        case "ringbuf_mem":
            _expect(w, n, reg, RegType.RINGBUF_MEM)
            if not w.env.policy.duties.whole_records:
                return
            if reg.off:
                message = f"R{n} must have zero offset when passed to release func"
                w.reject("modified-ctx", f"{message} or trusted arg to kfunc", reg=n)
            check_unmoved(w, n, reg, 0)
        case "spin_lock":
            _expect(w, n, reg, RegType.PTR_TO_MAP_VALUE)
        case "stack":
            _expect(w, n, reg, RegType.PTR_TO_STACK)
        case "key" | "value" | "out_value":
            sockets = call.map >= 0 and w.env.maps[call.map].type in ("sockmap", "sockhash")
            _expect(w, n, reg, *(_BTF_SOCK if sockets and kind == "value" else _MEMORY))
        case "mem" | "inout" | "out":
            _expect(w, n, reg, *_MEMORY)


def _releases(w: Walk, call: Call, n: int, reg: Reg) -> None:
    if not reg.ref and not _is_null(reg):
        message = f"R{n} must be referenced when passed to release function"
        w.reject("reference", message, f"{message}: it is {w.env.show(reg)}.", n)
    call.release = reg.ref


def _check_memory_argument(w: Walk, call: Call, n: int, reg: Reg, arg: str, kind: str) -> None:
    m = w.env.maps[call.map] if call.map >= 0 else None
    if kind == "key":
        assert m is not None
        hand_over(w, call, n, reg, m.key_size, writes=False)
        if w.env.policy.known_keys and m.type in _INDEXED:
            call.key = known_key(w, reg, m.key_size)
    elif kind in ("value", "out_value"):
        assert m is not None
        if kind == "value" and reg.type in _BTF_SOCK:
            return
        hand_over(w, call, n, reg, m.value_size, writes=kind == "out_value", fresh=True)
    elif arg in ("size", "size0"):
        _sized(w, call, n, reg, may_be_zero=arg == "size0")
    elif arg == "alloc_size":
        if not reg.is_const:
            w.reject("argument-size", f"R{n} is not a known constant'", reg=n)
        call.mem = reg.const_value & U32_MAX  # of more bits there is no room anyway
        if w.env.policy.duties.alloc_sizes:
            w.precise(n)
    elif arg[-1].isdigit() and kind in ("mem", "inout", "out"):
        size = int("".join(c for c in arg if c.isdigit()))
        writes = _writes(w, kind) or ("@" in arg and w.env.policy.duties.written_words)
        hand_over(w, call, n, reg, size, writes=writes, fresh=kind == "out")
        if "@" in arg:
            check_alignment(w, Access(n, reg, 0, size, write=True), strict=True)


def _writes(w: Walk, kind: str) -> bool:
    """Whether the kernel counts memory of a kind as written by the helper."""
    return kind == "out" or (kind == "inout" and w.env.policy.helpers_trusted)


def _sized(w: Walk, call: Call, n: int, size: Reg, *, may_be_zero: bool) -> None:
    """Check R(n), a size in bytes, and the memory that R(n-1) points to."""
    number, kind = size.scalar, call.proto.args[n - 2].rstrip("?")
    call.largest = number.umax
    if w.env.ints.size_arg_ok(number, may_be_zero):
        ptr = w.read(n - 1)
        if not (_is_null(ptr) and number.umax == 0 and may_be_zero):
            writes = _writes(w, kind)
            fresh = kind == "out" and size.is_const
            hand_over(w, call, n - 1, ptr, number.umax, writes=writes, fresh=fresh)
        w.precise(n)
        return
    if number.smin < 0:
        problem = "min value is negative, either use unsigned or 'var &= const'"
    elif number.umin == 0 and not may_be_zero:
        problem = f"invalid zero-sized read: u64=[{number.umin},{number.umax}]"
    else:
        problem = "unbounded memory access, use 'var &= const' or 'if (var < const)'"
    w.reject(
        "argument-size",
        f"R{n} {problem}",
        f"R{n} is {w.env.show(size)}: it is the size of the memory at R{n - 1}, and must be known "
        f"to lie in {0 if may_be_zero else 1}..{MAX_VAR_OFF - 1}.",
        n,
    )


def hand_over(
    w: Walk,
    call: Call | None,
    n: int,
    ptr: Reg,
    size: int,
    *,
    writes: bool,
    fresh: bool = False,
) -> None:
    """Check that ``size`` bytes at R(n) may be handed over (``check_helper_mem_access``).

    ``fresh`` says that the helper writes just these bytes.
    """
    a = Access(n, ptr, 0, size, writes, helper=True)
    t = ptr.type
    if t is RegType.PTR_TO_STACK:
        at = place(w, n, ptr, 0, size, "indirect access to")
        if writes and fresh and ptr.is_const and call is not None:
            call.raw = (n, ptr, size)
        elif writes or not w.env.policy.helpers_trusted:
            smear(w, at)
    elif t in PACKET_TYPES:
        check_packet(w, a)
    elif t is RegType.PTR_TO_MAP_VALUE:
        check_map_value(w, a)
    elif t in (RegType.PTR_TO_MEM, RegType.RINGBUF_MEM):
        check_memory(w, a, ptr.mem)
    elif t is RegType.RDONLY_MEM:
        if writes:
            w.reject("read-only", f"R{n} cannot write into {t.value}", reg=n)
        check_memory(w, a, ptr.mem)
    else:
        _expect(w, n, ptr, RegType.PTR_TO_STACK)


def _remember_key(w: Walk, call: Call) -> None:
    """A known tail call index, or a known key of an array, matters (``record_func_key``)."""
    if call.proto.name == "bpf_tail_call":
        index = w.read(3)
        entries = w.env.maps[call.map].max_entries
        number = index.type is RegType.SCALAR_VALUE
        if number and w.env.ints.index_known(index.scalar.var_off, entries):
            w.precise(3)


def _spin_lock(w: Walk, proto: Prototype) -> None:
    """Kernel ``process_spin_lock``."""
    if proto.name not in ("bpf_spin_lock", "bpf_spin_unlock"):
        return
    reg, state = w.path.state.regs[1], w.path.state
    m = w.env.maps[reg.map]
    if not reg.is_const:
        w.reject("spin-lock", "R1 doesn't have constant offset. bpf_spin_lock has to be at the "
                 "constant offset", reg=1)  # fmt: skip
    if not has_lock(w, reg.map):
        w.reject("spin-lock", f"map '{m.name}' has no valid bpf_spin_lock", reg=1)
    at = next(start for name, start, _ in m.fields if name == "bpf_spin_lock")
    off = reg.off + reg.const_value
    if off != at:
        w.reject("spin-lock", f"off {off} doesn't point to 'struct bpf_spin_lock' that is at {at}")
    identity = reg.id or (reg.map + 1) << 40
    if proto.name == "bpf_spin_lock":
        if state.lock:
            w.reject("spin-lock", "Locking two bpf_spin_locks are not allowed")
        w.path.state = state._replace(lock=identity)
    elif not state.lock:
        w.reject("spin-lock", "bpf_spin_unlock without taking a lock")
    elif state.lock != identity:
        w.reject("spin-lock", "bpf_spin_unlock of different lock")
    else:
        w.path.state = state._replace(lock=0)


def _result(w: Walk, call: Call) -> Reg:
    """R0 after the call."""
    proto = call.proto
    if proto.result == "void":
        return NOT_INIT
    if proto.result == "int":
        return _number(w, call)
    type_ = _RESULTS[proto.result]
    reg = w.env.pointer(type_, mem=call.mem if type_ is RegType.RINGBUF_MEM_OR_NULL else 0)
    if proto.result.startswith("map_value"):
        reg = reg._replace(map=call.map)
        elided = _never_null(w, call)
        if elided:
            reg = reg._replace(type=RegType.PTR_TO_MAP_VALUE)
        if reg.type.nonnull is None and has_lock(w, call.map):
            reg = reg._replace(id=w.fresh_id())
    if reg.type.nonnull is not None:
        reg = reg._replace(id=w.fresh_id())
    if is_cast(proto.name):
        return reg._replace(ref=call.ref)
    sockets = call.map >= 0 and w.env.maps[call.map].type in ("sockmap", "sockhash")
    if proto.name in _ACQUIRES or (sockets and proto.name == "bpf_map_lookup_elem"):
        ref = acquire(w)
        return reg._replace(id=ref, ref=ref)
    return reg


def _never_null(w: Walk, call: Call) -> bool:
    """A lookup in an array with a known index never fails (Linux 6.14)."""
    if call.proto.name != "bpf_map_lookup_elem" or call.key < 0:
        return False
    entries = w.env.maps[call.map].max_entries
    known: bool = w.env.ints.index_known(Tnum(call.key, 0), entries)
    return known


def _number(w: Walk, call: Call) -> Reg:
    """Kernel ``do_refine_retval_range``."""
    name = call.proto.name
    if name in _BOUNDED:
        return Reg(RegType.SCALAR_VALUE, w.env.ints.retval_length(UNKNOWN, call.largest))
    if name == "bpf_get_smp_processor_id":
        return Reg(RegType.SCALAR_VALUE, w.env.ints.retval_cpu(UNKNOWN, w.env.policy.cpus))
    return ANY


def check_parameter(w: Walk, n: int, reg: Reg, param: Param) -> None:
    """An argument of a global function against its signature (``btf_check_func_arg_match``)."""
    if param.kind == "scalar":
        if reg.type is not RegType.SCALAR_VALUE:
            w.reject("argument-type", f"R{n} is not a scalar", reg=n)
    elif param.kind == "ctx":
        _expect(w, n, reg, RegType.PTR_TO_CTX)
        check_unmoved(w, n, reg, 0)
    elif param.kind == "mem":
        _memory_parameter(w, n, reg, param)
    elif param.kind == "invalid":
        w.reject("signature", f"arg#{n - 1}: {param.text}")
    else:
        raise unsupported(f"{param.text} as parameter {n} of a global function")


def _memory_parameter(w: Walk, n: int, reg: Reg, param: Param) -> None:
    """Kernel ``check_mem_reg``."""
    if param.nullable and _is_null(reg):
        return
    if not param.nullable and reg.type.nonnull is not None:
        message = f"arg#{n - 1} is expected to be non-NULL"
        w.reject("argument-type", message, reg=n)
    if reg.type.nonnull is not None:
        reg = reg._replace(type=reg.type.nonnull)
    hand_over(w, None, n, reg, param.size, writes=True)


__all__ = ["ProgramType", "call_helper", "check_parameter", "hand_over", "is_gpl"]
