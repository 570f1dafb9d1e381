"""What helpers do to a symbolic state, as far as their contracts promise.

A result is any that the contract admits.  Lookups give null or the value's address; the
packet helpers move the packet's window or fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import z3

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.semantics.context import layout_of
from bpfsmt.semantics.helpers import HELPERS, Arg, Helper, Ret
from bpfsmt.symbolic.memory import Access, write_bytes, write_somewhere
from bpfsmt.symbolic.records import call_record
from bpfsmt.symbolic.state import SymState
from bpfsmt.symbolic.values import (
    UNINIT,
    Alt,
    Region,
    Term,
    Value,
    conj,
    const_of,
    gather,
    ite,
    neg,
    number,
    pointer,
)

CHECK_MTU = HELPER_IDS["bpf_check_mtu"]

HEADROOM = 256
"""Bytes before the packet that adjust_head and adjust_meta may claim (XDP_PACKET_HEADROOM)."""

MIN_PACKET = 14
"""No helper makes a packet shorter than an Ethernet header (ETH_HLEN)."""

MAX_PACKET = 0xFFFF
"""No buffer holds more; what is assumed of a packet at the start stays true."""

_UPDATES_MEMORY = ("bpf_fib_lookup",)
"""Helpers that read a memory argument and write their answer over it."""

_ERRNO_MAX = 4095


def call_helper(
    access: Access, state: SymState, pc: int, number_: int, read: Callable[[int], Value]
) -> SymState:
    """The state after helper ``number_``; ``read(i)`` reads R1..R5.

    Raises `UnsupportedError` for a helper without a contract.
    """
    record = call_record(access, state, number_, read)
    if record is not None:
        return behind(access, *record)
    if number_ == CHECK_MTU:
        return behind(access, *_check_mtu(access, state, [read(i) for i in range(1, 6)]))
    helper = HELPERS.get(number_)
    if helper is None:
        raise UnsupportedError(f"instruction {pc}: helper {number_} is not modelled")
    args = [read(i) for i in range(1, len(helper.args) + 1)]
    state = _arguments(access, state, helper, args)
    move = _MOVES.get(helper.name)
    if move is not None:
        state, result = move(access, state, args)
    else:
        result = _result(access, state, helper, args)
        if helper.changes_packet:
            state = _other_packet(access, state)
    return behind(access, state, result)


def behind(access: Access, state: SymState, result: Value) -> SymState:
    """The state behind a call: R0 is its result, and R1 to R5 are lost."""
    junk = tuple(pointer(UNINIT, z3.BitVec(f"r{i}.{access.place}", 64)) for i in range(1, 6))
    top = state.frames[-1]
    regs = (result, *junk, *top.regs[6:])
    return replace(state, frames=(*state.frames[:-1], replace(top, regs=regs)))


def _map_of(access: Access, value: Value) -> int | None:
    """The map that a value points to, `None` if it points to none.

    Raises `UnsupportedError` if it may be either of several.
    """
    maps = {a.region for a in value.alts if a.region is not None and a.region.kind == "map"}
    if len(maps) > 1:
        raise UnsupportedError(f"{access.place}: a register that holds either of several maps")
    return int(maps.pop().key[0]) if maps else None


def _arguments(access: Access, state: SymState, helper: Helper, args: list[Value]) -> SymState:
    """Check the memory that the helper reads; forget what it writes."""
    index = next(
        (_map_of(access, v) for v, a in zip(args, helper.args, strict=True) if a is Arg.MAP), None
    )
    for i, (value, arg) in enumerate(zip(args, helper.args, strict=True)):
        if arg is Arg.MAP:
            for alt in value.alts:
                ok = alt.region is not None and alt.region.kind == "map"
                access.fault(
                    conj(alt.guard, z3.BoolVal(not ok)), f"R{i + 1} of {helper.name} is no map"
                )
        elif arg in (Arg.MAP_KEY, Arg.MAP_VALUE):
            if index is None:
                continue
            m = access.program.maps[index]
            size = m.key_size if arg is Arg.MAP_KEY else m.value_size
            if size:
                access.check(state, value, size)
                _read_stack(access, state, value, size)
        elif arg in (Arg.MEM, Arg.MEM_OR_NULL, Arg.UNINIT_MEM):
            writes = arg is Arg.UNINIT_MEM or helper.name in _UPDATES_MEMORY
            state = _memory(access, state, value, args[i + 1], arg, writes)
        elif arg is Arg.CTX:
            _expect_context(access, helper.name, i + 1, value)
    return state


def _expect_context(access: Access, name: str, register: int, value: Value) -> None:
    for alt in value.alts:
        ok = alt.region is not None and alt.region.kind == "ctx" and const_of(alt.off) == 0
        access.fault(
            conj(alt.guard, z3.BoolVal(not ok)), f"R{register} of {name} is not the context"
        )


def _read_stack(access: Access, state: SymState, value: Value, size: int) -> None:
    for alt in value.alts:
        if alt.region is not None and alt.region.kind == "stack" and const_of(alt.off) is not None:
            for at in range(size):
                access.load(state, Value((Alt(alt.guard, alt.region, alt.off + at),)), 1)


def _memory(
    access: Access, state: SymState, value: Value, size: Value, arg: Arg, writes: bool
) -> SymState:
    """A memory argument with its size register: in bounds, and written if it is an output."""
    known = const_of(size.bits)
    limit = size.bits
    for alt in value.alts:
        region = alt.region
        if region is None:
            # Where there may be none, of no bytes nothing is touched, whatever the number is.
            bad = limit != 0 if arg is Arg.MEM_OR_NULL else z3.BoolVal(True)
            access.fault(conj(alt.guard, z3.simplify(bad)), "memory argument is a number")
            continue
        low, high = _window(access, state, region)
        # An empty range is never touched; sizes are bounded so that the sum cannot wrap.
        inside = z3.And(alt.off >= low, alt.off + limit <= high, limit >= 0, limit <= 1 << 29)
        outside = z3.simplify(z3.And(limit != 0, z3.Not(inside)))
        access.fault(conj(alt.guard, outside), f"memory argument in {region.kind}")
        if writes:
            access.check_writable(alt)
        if writes and region.kind == "packet":
            state = replace(state, packet=_fresh_bytes(access))
        if writes and region.kind == "stack":
            off = const_of(alt.off)
            if known is None:
                raise UnsupportedError(f"{access.place}: output of unknown size on the stack")
            fresh = [z3.BitVec(f"out.{access.place}.{k}", 8) for k in range(max(known, 0))]
            if off is None:
                state = write_somewhere(state, region.key[0], alt.off, fresh, alt.guard)
            else:
                state = write_bytes(state, region.key[0], off, fresh, alt.guard)
    return state


def _fresh_bytes(access: Access) -> Term:
    """Packet bytes of which nothing is known."""
    return z3.Array(f"packet.{access.place}", z3.BitVecSort(32), z3.BitVecSort(8))


def _other_packet(access: Access, state: SymState) -> SymState:
    """After a helper that may rewrite or resize the packet in ways not followed here."""
    length, meta = (z3.BitVec(f"packet.{n}.{access.place}", 64) for n in ("len", "meta"))
    access.assumed.append(z3.And(z3.ULE(length, 0xFFFF), z3.ULE(meta, 252), meta & 3 == 0))
    end, start = state.data + length, state.data - meta
    return replace(state, packet=_fresh_bytes(access), data_end=end, data_meta=start)


def other_program(access: Access, state: SymState) -> SymState:
    """After a program of the same type that may have done anything to packet and context.

    What it gives is in R0.
    """
    data = z3.BitVec(f"packet.data.{access.place}", 64)
    moved = _other_packet(access, replace(state, data=data))
    near = z3.And(data >= -HEADROOM, data <= MAX_PACKET, moved.data_meta >= -HEADROOM)
    access.assumed.append(near)
    return changed(access, moved)


def changed(access: Access, state: SymState) -> SymState:
    """The same where the packet stays in its place, with other content."""
    fields = layout_of(access.program.type).fields
    written = {
        f.name: z3.BitVec(f"ctx.{f.name}.{access.place}", 64)
        for f in fields
        if f.kind == "scalar" and f.size <= 8
    }
    result = number(z3.BitVec(f"r0.{access.place}", 64))
    after = replace(state, packet=_fresh_bytes(access), ctx={**state.ctx, **written})
    return after.with_reg(0, result)


def _window(access: Access, state: SymState, region: Region) -> tuple[Term, Term]:
    if region.kind == "packet":
        return state.data_meta, state.data_end
    if region.kind == "stack":
        return z3.BitVecVal(-512, 64), z3.BitVecVal(0, 64)
    if region.kind == "record":
        return z3.BitVecVal(0, 64), z3.BitVecVal(region.key[0], 64)
    size = access.program.maps[region.key[0]].value_size if region.kind == "map_value" else 0
    return z3.BitVecVal(0, 64), z3.BitVecVal(size, 64)


def _result(access: Access, state: SymState, helper: Helper, args: list[Value]) -> Value:
    fresh = z3.BitVec(f"r0.{access.place}", 64)
    if helper.ret is Ret.SCALAR:
        if helper.range is not None:
            access.assumed.append(z3.And(fresh >= helper.range[0], fresh <= helper.range[1]))
        if helper.longest:
            longest = args[helper.longest - 1].bits
            access.assumed.append(z3.And(fresh >= -_ERRNO_MAX, fresh <= longest))
        return number(fresh)
    if helper.ret is not Ret.MAP_VALUE_OR_NULL:
        raise UnsupportedError(f"{access.place}: result of {helper.name}")
    index = _map_of(access, args[0])
    if index is None:
        return number(fresh)  # no map at all: the argument has been found wrong
    m = access.program.maps[index]
    if "of_maps" in m.type:
        raise UnsupportedError(f"{access.place}: lookup in the map-in-map {m.name}")
    missing: Term = z3.Bool(f"null.{access.place}")
    if m.type in ("array", "percpu_array"):
        # An array holds every index below its size and no other.
        quiet = Access(access.program, access.place)
        missing = z3.simplify(z3.UGE(quiet.load(state, args[1], 4).bits, m.max_entries))
    region = Region("map_value", (index, access.place))
    zero = z3.BitVecVal(0, 64)
    return gather([Alt(missing, None, zero), Alt(neg(missing), region, zero)])


def _check_mtu(access: Access, state: SymState, args: list[Value]) -> tuple[SymState, Value]:
    """A length is read from where R3 points, and the device's written there."""
    _expect_context(access, "bpf_check_mtu", 1, args[0])
    access.load(state, args[2], 4)
    length = z3.BitVec(f"mtu.{access.place}", 64)
    state = access.store(state, args[2], 4, number(length))
    return state, number(z3.BitVec(f"r0.{access.place}", 64))


def _error(access: Access) -> tuple[Term, Term]:
    """Whether the helper fails, and its result: 0 or some negative error code."""
    fails, code = z3.Bool(f"fails.{access.place}"), z3.BitVec(f"r0.{access.place}", 64)
    access.assumed.append(z3.And(code >= -_ERRNO_MAX, code < 0))
    return fails, ite(fails, code, z3.BitVecVal(0, 64))


def _delta(value: Value) -> Term:
    """The second argument, an int."""
    return z3.simplify(z3.SignExt(32, z3.Extract(31, 0, value.bits)))


def _adjust_head(access: Access, state: SymState, args: list[Value]) -> tuple[SymState, Value]:
    fails, result = _error(access)
    data = state.data + _delta(args[1])
    meta_length = state.data - state.data_meta
    fits = z3.And(
        data - meta_length >= -HEADROOM,
        data <= state.data_end - MIN_PACKET,
        data >= state.data_end - MAX_PACKET,
    )
    access.assumed.append(z3.Or(fails, fits))
    meta = z3.simplify(state.data_meta + _delta(args[1]))
    return (
        replace(
            state,
            data=ite(fails, state.data, z3.simplify(data)),
            data_meta=ite(fails, state.data_meta, meta),
        ),
        number(result),
    )


def _adjust_meta(access: Access, state: SymState, args: list[Value]) -> tuple[SymState, Value]:
    fails, result = _error(access)
    meta = z3.simplify(state.data_meta + _delta(args[1]))
    length = state.data - meta
    fits = z3.And(meta >= -HEADROOM, length >= 0, length <= 252, length & 3 == 0)
    access.assumed.append(z3.Or(fails, fits))
    return replace(state, data_meta=ite(fails, state.data_meta, meta)), number(result)


def _adjust_tail(access: Access, state: SymState, args: list[Value]) -> tuple[SymState, Value]:
    fails, result = _error(access)
    end = z3.simplify(state.data_end + _delta(args[1]))
    fits = z3.And(end >= state.data + MIN_PACKET, end <= state.data + 0xFFFF)
    access.assumed.append(z3.Or(fails, fits))
    return replace(state, data_end=ite(fails, state.data_end, end)), number(result)


_MOVES = {
    "bpf_xdp_adjust_head": _adjust_head,
    "bpf_xdp_adjust_meta": _adjust_meta,
    "bpf_xdp_adjust_tail": _adjust_tail,
}
