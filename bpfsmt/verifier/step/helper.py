"""Calls of helpers: the arguments against the contract, then what the call leaves behind."""

from __future__ import annotations

from bpfsmt.cfg.flow import function_entries
from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import Frame
from bpfsmt.isa import HELPER_IDS
from bpfsmt.program.maptypes import MAPS_OF_MAPS, RDONLY_PROG
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.semantics.helpers import HELPERS, MAP_ONLY, Arg, Helper, Ret
from bpfsmt.verifier.env import Env, read_reg
from bpfsmt.verifier.reasons import Rejection, unsupported
from bpfsmt.verifier.step.memory import check_unmoved_ctx
from bpfsmt.verifier.step.packet import forget_packet
from bpfsmt.verifier.step.pointer import PACKET_TYPES
from bpfsmt.verifier.step.region import PACKET_READERS, Access, check_region
from bpfsmt.verifier.step.stack import smear, stack_range

_OTHER_VALUES = MAPS_OF_MAPS | {"sockmap", "sockhash", "xskmap"}
"""Map types whose lookup gives no pointer to plain memory."""

TAIL_CALL = HELPER_IDS["bpf_tail_call"]
_CHANGES_MAP = ("bpf_map_update_elem", "bpf_map_delete_elem")
_SIZES = (Arg.SIZE, Arg.SIZE_OR_ZERO)


def call_helper(env: Env, state: State, number: int) -> State:
    """The state after a call of the helper of that number."""
    helper = HELPERS[number]
    map_index = -1
    for n, arg in enumerate(helper.args, start=1):
        reg = read_reg(state, n)
        if arg is Arg.CTX:
            _expect(env, n, reg, RegType.PTR_TO_CTX)
            check_unmoved_ctx(env, n, reg, 0)
        elif arg is Arg.MAP:
            _expect(env, n, reg, RegType.CONST_PTR_TO_MAP)
            map_index = reg.map
            _check_map(env, helper, map_index)
        elif arg in (Arg.MAP_KEY, Arg.MAP_VALUE):
            m = env.maps[map_index]
            size = m.key_size if arg is Arg.MAP_KEY else m.value_size
            state = _memory(env, state, helper, n, reg, size)
        elif arg in _SIZES:
            state = _sized_memory(env, state, helper, n)
    if helper.changes_packet:
        state = forget_packet(state)
    frame = state.frames[-1]
    regs = (_result(env, helper, map_index), *[NOT_INIT] * 5, *frame.regs[6:])
    return State((*state.frames[:-1], Frame(regs, frame.stack, frame.callsite)))


def _expect(env: Env, n: int, reg: Reg, *types: RegType) -> None:
    if reg.type in types:
        return
    names = [t.value for t in types]
    raise Rejection(
        "argument-type",
        f"R{n} type={reg.type.value} expected={', '.join(names)}",
        f"R{n} is {env.show(reg)}, but argument {n} of this helper must be {' or '.join(names)}.",
        reg=n,
    )


def _check_map(env: Env, helper: Helper, index: int) -> None:
    """Kernel ``check_map_func_compatibility``, in both directions."""
    m = env.maps[index]
    only = MAP_ONLY.get(m.type)
    if helper.name in _CHANGES_MAP and m.flags & RDONLY_PROG:
        raise Rejection(
            "map-read-only",
            "write into map forbidden",
            f"Map {m.name} is one that programs may only read; {helper.name} changes it.",
        )
    if helper.number == TAIL_CALL and len(function_entries(env.program)) > 1:
        raise Rejection(
            "map-helper-mismatch",
            "tail_calls are not allowed in programs with bpf-to-bpf calls",
            "A program with functions of its own cannot make tail calls.",
        )
    if (only is None or helper.number in only) and (not helper.maps or m.type in helper.maps):
        return
    raise Rejection(
        "map-helper-mismatch",
        f"cannot pass map_type {m.type} into func {helper.name}#{helper.number}",
        f"Map {m.name} is of type {m.type}, on which {helper.name} does not work.",
    )


def _sized_memory(env: Env, state: State, helper: Helper, n: int) -> State:
    """Check R(n), a size in bytes, and the memory that R(n-1) points to."""
    size, ptr = read_reg(state, n), read_reg(state, n - 1)
    _expect(env, n, size, RegType.SCALAR_VALUE)
    number, arg = size.scalar, helper.args[n - 2]
    may_be_zero = helper.args[n - 1] is Arg.SIZE_OR_ZERO
    if number.smin < 0:
        problem = "min value is negative, either use unsigned or 'var &= const'"
    elif number.umin == 0 and not may_be_zero:
        problem = "invalid zero-sized read"
    elif number.umax >= MAX_VAR_OFF:
        problem = "unbounded memory access, use 'var &= const' or 'if (var < const)'"
    else:
        is_null = ptr.type is RegType.SCALAR_VALUE and ptr.is_const and ptr.const_value == 0
        if is_null and number.umax == 0:
            return state
        uninit = arg is Arg.UNINIT_MEM
        return _memory(
            env, state, helper, n - 1, ptr, number.umax,
            write=uninit, fresh=uninit and size.is_const,
        )  # fmt: skip
    raise Rejection(
        "argument-size",
        f"R{n} {problem}",
        f"R{n} is {env.show(size)}: it is the size of the memory at R{n - 1}, and must be known "
        f"to lie in {0 if may_be_zero else 1}..{MAX_VAR_OFF - 1}.",
        reg=n,
    )


def _memory(
    env: Env,
    state: State,
    helper: Helper,
    n: int,
    ptr: Reg,
    size: int,
    *,
    write: bool = False,
    fresh: bool = False,
) -> State:
    """Check that ``size`` bytes at R(n) may be handed over, and note that they may change.

    ``fresh`` says that the helper writes them all, so that they need not be initialised.
    """
    if ptr.type is RegType.PTR_TO_STACK:
        # A helper may write any memory that it is given: the kernel trusts none of it.
        where = stack_range(env, n, ptr, 0, size, write=write)
        return smear(env, state, where, must_be_written=not fresh)
    if ptr.type in PACKET_TYPES:
        if not helper.packet_args or env.program.type not in PACKET_READERS:
            raise Rejection(
                "argument-type",
                f"helper access to the packet is not allowed: R{n}",
                f"R{n} is {env.show(ptr)}, but {helper.name} cannot be given packet memory; copy "
                f"it to the stack first.",
                reg=n,
            )
        check_region(env, Access(n, ptr, 0, size, write))
    elif ptr.type is RegType.PTR_TO_MAP_VALUE:
        check_region(env, Access(n, ptr, 0, size, write))
    else:
        _expect(env, n, ptr, RegType.PTR_TO_STACK, *PACKET_TYPES, RegType.PTR_TO_MAP_VALUE)
    return state


def _result(env: Env, helper: Helper, map_index: int) -> Reg:
    """R0 after the call."""
    if helper.ret is Ret.MAP_VALUE_OR_NULL:
        kind = env.maps[map_index].type
        if kind in _OTHER_VALUES:
            raise unsupported(f"a lookup in a map of type {kind}")
        type_ = RegType.PTR_TO_MAP_VALUE_OR_NULL
        return Reg(type_, env.zero, id=env.fresh_id(), map=map_index)
    if helper.range is not None:
        return Reg(RegType.SCALAR_VALUE, env.ints.from_srange(*helper.range))
    return Reg(RegType.SCALAR_VALUE)
