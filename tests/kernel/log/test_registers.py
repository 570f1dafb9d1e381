"""Printing and reading are mirror images: text to register and back, for any register."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.domain import UNKNOWN, Reg, RegType, Scalar, Slot, Tnum, format_reg, format_slot
from bpfsmt.domain.printing import format_state
from bpfsmt.domain.reg import ADD_CONST, AT_PKT_END, BEYOND_PKT_END, NOT_INIT
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import EMPTY_SLOT, Frame, State
from bpfsmt.kernel.log import (
    Dialect,
    Reader,
    Unmodelled,
    Unreadable,
    read_slot,
    split_state,
)
from bpfsmt.program.program import MapDef

MAPS = (MapDef("counters", "array", 4, 8, 16), MapDef("seen", "hash", 8, 16, 64))
NEW, OLD = Reader(MAPS), Reader(MAPS, Dialect.OLD)

_U64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 100_000), st.just(2**64 - 1))
_S64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-70_000, 70_000))
_U32 = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 100_000))
_S32 = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-70_000, 70_000))


@st.composite
def scalars(draw: st.DrawFn) -> Scalar:
    """Any scalar but a constant, whether or not it makes sense."""
    mask = draw(st.one_of(st.just(2**64 - 1), st.integers(1, 2**64 - 1), st.integers(1, 255)))
    value = draw(_U64) & ~mask
    return Scalar(
        Tnum(value, mask), draw(_U64), draw(_U64), draw(_S64), draw(_S64),
        draw(_U32), draw(_U32), draw(_S32), draw(_S32),
    )  # fmt: skip


@st.composite
def numbers(draw: st.DrawFn) -> Reg:
    if draw(st.booleans()):
        return Reg(RegType.SCALAR_VALUE, const(draw(_S64)))
    id_ = draw(st.integers(0, 99))
    added = bool(id_) and draw(st.booleans())
    off = draw(st.integers(-(2**31), 2**31 - 1)) if added else 0
    return Reg(RegType.SCALAR_VALUE, draw(scalars()), id=id_ | ADD_CONST * added, off=off)


@st.composite
def pointers(draw: st.DrawFn) -> Reg:
    packet = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
    of_map = (RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL, RegType.CONST_PTR_TO_MAP)
    type_ = draw(st.sampled_from([*packet, *of_map, RegType.PTR_TO_CTX, RegType.PTR_TO_STACK]))
    varies = type_ is not RegType.PTR_TO_CTX and draw(st.booleans())
    ranges = st.one_of(st.integers(0, 0xFFFF), st.sampled_from([AT_PKT_END, BEYOND_PKT_END]))
    return Reg(
        type_,
        draw(scalars().filter(lambda s: s != UNKNOWN)) if varies else const(0),
        off=draw(st.integers(-512, 100_000)),
        id=draw(st.integers(0, 99)) if type_ is not RegType.PTR_TO_STACK else 0,
        range=draw(ranges) if type_ in packet else 0,
        map=draw(st.integers(0, 1)) if type_ in of_map else -1,
        frame=draw(st.integers(0, 7)) if type_ is RegType.PTR_TO_STACK else 0,
    )


@given(st.one_of(numbers(), pointers()), st.integers(0, 7))
def test_registers(reg: Reg, frame: int) -> None:
    text = format_reg(reg, MAPS, frame)
    assert NEW.reg(text, frame).reg == reg
    if reg.type is RegType.SCALAR_VALUE:
        marked = NEW.reg("P" + text, frame)
        assert marked.precise
        assert marked.reg == reg


_KINDS = st.text("?m0", min_size=8, max_size=8)


@st.composite
def slots(draw: st.DrawFn) -> Slot:
    """Bytes, or the spill of a register or of the low bytes of a number."""
    kinds = draw(_KINDS)
    size = draw(st.sampled_from([0, 1, 2, 4, 8]))
    if size == 0:
        return Slot(kinds)
    spill = draw(st.one_of(numbers(), pointers()) if size == 8 else numbers())
    zero = spill.is_const and spill.const_value == 0
    if size == 1 and zero:
        return Slot(kinds)  # printed as a byte that is zero, which means the same
    return Slot(kinds[: 8 - size] + "r" * size, spill)


@given(slots(), st.integers(0, 7))
def test_slots(slot: Slot, frame: int) -> None:
    assert read_slot(NEW, format_slot(slot, MAPS, frame), frame, EMPTY_SLOT) == slot


@given(st.lists(st.one_of(numbers(), pointers(), st.just(NOT_INIT)), min_size=11, max_size=11),
       st.dictionaries(st.integers(0, 63), slots(), max_size=4))  # fmt: skip
def test_states(regs: list[Reg], stack: dict[int, Slot]) -> None:
    state = State((Frame(tuple(regs), stack),))
    parts = split_state(format_state(state, MAPS))
    read = {n: NEW.reg(said, 0).reg for n, said in parts.regs.items()}
    assert [read.get(n, NOT_INIT) for n in range(11)] == regs
    written = {n: slot for n, slot in stack.items() if slot != EMPTY_SLOT}
    assert {n: read_slot(NEW, said, 0, EMPTY_SLOT) for n, said in parts.slots.items()} == written


def test_linux_6_12_says_more_than_a_number() -> None:
    parts = split_state(" frame1: R0_w=P5 R6_rwD=scalar(id=2+8) fp-16_r=mmmm5 refs=2,3 cb")
    assert (parts.frame, parts.other) == (1, "refs=2,3 cb")
    assert parts.regs == {0: "P5", 6: "scalar(id=2+8)"}
    assert read_slot(NEW, parts.slots[1], 0, EMPTY_SLOT) == Slot(
        "mmmmrrrr", Reg(RegType.SCALAR_VALUE, const(5))
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scalar(umax=255,var_off=(0x0; 0xff))",
         "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))"),
        ("scalar(smin=-5,smax=7)", "scalar(smin=smin32=-5,smax=smax32=7)"),
        ("scalar(umin=5)", "scalar(umin=5)"),
        ("scalar(umin=9223372036854775813)",
         "scalar(smin=0x8000000000000005,smax=-1,umin=0x8000000000000005)"),
        ("scalar(umax=4294967295,var_off=(0x0; 0xffffffff))",
         "scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))"),
        ("scalar(umax=4294967295,var_off=(0x0; 0xffffffff),s32_min=0,u32_max=2147483647)",
         "scalar(smin=smin32=0,smax=umax=0xffffffff,umax32=0x7fffffff,var_off=(0x0; 0xffffffff))"),
        ("ctx(off=0,imm=0)", "ctx()"),
        ("pkt(off=14,r=14,imm=0)", "pkt(off=14,r=14)"),
        ("map_value_or_null(id=3,off=0,ks=8,vs=16,imm=0)",
         "map_value_or_null(id=3,map=seen,ks=8,vs=16)"),
        ("fp-16", "fp-16"),
        ("inv", None),
    ],
)  # fmt: skip
def test_linux_6_1(old: str, new: str | None) -> None:
    """What the older kernel leaves out is what the newer one prints."""
    if new is None:
        with pytest.raises(Unmodelled):
            OLD.reg(old, 0)
        return
    assert format_reg(OLD.reg(old, 0).reg, MAPS, 0) == new


def test_hints_for_linux_6_1() -> None:
    """It does not say which map, nor which frame: what is known of the operands does."""
    twins = Reader((MAPS[0], MAPS[0]), Dialect.OLD)
    with pytest.raises(Unmodelled, match="several of the program's"):
        twins.reg("map_ptr(off=0,ks=4,vs=8,imm=0)", 0)
    second = Reg(RegType.CONST_PTR_TO_MAP, const(0), map=1)
    assert twins.reg("map_ptr(off=0,ks=4,vs=8,imm=0)", 0, second).reg == second
    outer = Reg(RegType.PTR_TO_STACK, const(0), off=-8, frame=0)
    assert OLD.reg("fp-8", 1, outer).reg == outer


@pytest.mark.parametrize("text", ["scalar(smin=)", "scalar(umax=1", "5x", "pkt(r=q)", "scalar(7)"])
def test_nonsense(text: str) -> None:
    with pytest.raises((Unreadable, Unmodelled)):
        NEW.reg(text, 0)


@pytest.mark.parametrize("text", ["ptr_task_struct()", "map_value(map=other,ks=4,vs=8)", "arena"])
def test_outside_the_domain(text: str) -> None:
    with pytest.raises(Unmodelled):
        NEW.reg(text, 0)
