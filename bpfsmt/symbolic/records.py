"""Records of a ring buffer: reserved, and given back by submitting or discarding them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import z3

from bpfsmt.bits import U32_MAX
from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.symbolic.memory import Access
from bpfsmt.symbolic.state import Cell, SymFrame, SymState
from bpfsmt.symbolic.values import (
    UNINIT,
    Alt,
    Region,
    Term,
    Value,
    choose,
    conj,
    const_of,
    disj,
    gather,
    neg,
    pointer,
)

RESERVE = HELPER_IDS["bpf_ringbuf_reserve"]
GIVES_BACK = {HELPER_IDS[f"bpf_ringbuf_{name}"]: name for name in ("submit", "discard")}

UNKNOWN_SIZE = -1
"""The size of a record in which nothing may be accessed, for it is not known how large it is."""

_JUNK = pointer(UNINIT, z3.BitVec("junk.record", 64))


def call_record(
    access: Access, state: SymState, number: int, read: Callable[[int], Value]
) -> tuple[SymState, Value] | None:
    """The state after a helper for records, and its result; `None` for any other helper."""
    if number == RESERVE:
        ring, size, _ = (read(i) for i in (1, 2, 3))
        return state, _reserve(access, ring, size)
    if number in GIVES_BACK:
        record, _ = read(1), read(2)
        return _give_back(access, state, GIVES_BACK[number], record), _JUNK
    return None


def _reserve(access: Access, ring: Value, size: Value) -> Value:
    """NULL, or a record of just as many bytes; of more than 32 bits of them there is none."""
    for alt in ring.alts:
        is_map = alt.region is not None and alt.region.kind == "map"
        is_ring = is_map and access.program.maps[alt.region.key[0]].type == "ringbuf"  # type: ignore[union-attr]
        if not is_ring:
            access.fault(alt.guard, "R1 of bpf_ringbuf_reserve is no ring buffer")
    none, zero = z3.Bool(f"null.{access.place}"), z3.BitVecVal(0, 64)
    length = z3.simplify(size.bits & U32_MAX)  # as the kernel keeps it
    sizes = sorted(set(_constants(length)))
    cases = [(n, z3.simplify(length == n)) for n in sizes]
    other = neg(disj(*(case for _, case in cases)))
    records = [
        Alt(conj(neg(none), case), Region("record", (n, access.place)), zero)
        for n, case in (*cases, (UNKNOWN_SIZE, other))
    ]
    return gather([Alt(none, None, zero), *records])


def _constants(term: Term) -> Iterator[int]:
    """The numbers among which a term chooses."""
    if z3.is_app_of(term, z3.Z3_OP_ITE):
        yield from _constants(term.arg(1))
        yield from _constants(term.arg(2))
    else:
        found = const_of(term)
        if found is not None:
            yield found


def _give_back(access: Access, state: SymState, name: str, record: Value) -> SymState:
    """Pointers to the record are stale; it has to be given back by its own address."""
    for alt in record.alts:
        is_record = alt.region is not None and alt.region.kind == "record"
        wrong = alt.off != 0 if is_record else z3.BoolVal(True)
        access.fault(conj(alt.guard, z3.simplify(wrong)), f"R1 of bpf_ringbuf_{name} is no record")
        if is_record:
            assert alt.region is not None
            state = _without(state, alt.region, alt.guard)
    return state


def _without(state: SymState, region: Region, guard: Term) -> SymState:
    """The state in which, under ``guard``, pointers into the region are mere numbers."""

    def stale(value: Value) -> Value:
        if all(alt.region != region for alt in value.alts):
            return value
        left = gather(_number(alt) if alt.region == region else alt for alt in value.alts)
        return choose(guard, left, value)

    def frame(old: SymFrame) -> SymFrame:
        stack = {
            n: cell if cell.value is None else Cell(stale(cell.value))
            for n, cell in old.stack.items()
        }
        return SymFrame(tuple(map(stale, old.regs)), stack)

    return replace(state, frames=tuple(map(frame, state.frames)))


def _number(alt: Alt) -> Alt:
    return Alt(alt.guard, None, alt.address)
