"""True claims pass, and every kind of false one is caught."""

from __future__ import annotations

import pytest

from bpfsmt.bits import rule
from bpfsmt.crosscheck.concrete import Violation, check_trace
from bpfsmt.domain import UNKNOWN, Frame, Reg, RegType, Scalar, Slot, State, Tnum
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict, Visit
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.scalar import const
from bpfsmt.machine import Environment, Event, ScriptedEnvironment
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .programs import asm, run_asm

CTX = Reg(RegType.PTR_TO_CTX, const(0))
FP = Reg(RegType.PTR_TO_STACK, const(0))
PKT, META, END = RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META, RegType.PTR_TO_PACKET_END
BYTE = UNKNOWN._replace(
    var_off=Tnum(0, 255), umin=0, umax=255, smin=0, smax=255,
    u32min=0, u32max=255, s32min=0, s32max=255,
)  # fmt: skip


def scalar(value: Scalar, id: int = 0) -> Reg:
    return Reg(RegType.SCALAR_VALUE, value, id=id)


def state(regs: dict[int, Reg], stack: dict[int, Slot] | None = None, callsite: int = -1) -> Frame:
    """A frame with these claims and R10."""
    claims = {10: FP, **regs}
    return Frame(tuple(claims.get(n, NOT_INIT) for n in range(11)), stack or {}, callsite)


def violations(
    text: str,
    claims: dict[int, Frame | tuple[Frame, ...] | list[Frame]],
    packet: bytes = bytes(64),
    env: Environment | None = None,
    *,
    meta: bytes = b"",
) -> list[Violation]:
    """Run a text, and check the claims at some pcs; of the others nothing is claimed."""
    program = asm(text)
    result = run_asm(text, packet, env, meta=meta, trace=True)
    assert result.trace is not None and result.outcome == "exit", result
    visits: list[Visit] = []
    for step in result.trace.steps:
        nothing = Frame((NOT_INIT,) * 11, {})
        outer = tuple(nothing._replace(callsite=frame.callsite) for frame in step.frames)
        claimed = claims.get(step.pc, outer)
        for one in claimed if isinstance(claimed, list) else [claimed]:
            frames = (one,) if isinstance(one, Frame) else one
            visits.append(Visit(len(visits), step.pc, State(frames)))
    return check_trace(Analysis(program, "test", Verdict(Outcome.ACCEPT), visits), result.trace)


def whys(found: list[Violation]) -> list[tuple[int, str, str]]:
    return [(v.pc, v.where, v.why) for v in found]


def test_a_start_state_holds() -> None:
    assert violations("r0 = 0\nexit", {0: state({1: CTX}), 1: state({0: scalar(const(0))})}) == []


def test_a_bound_that_is_off_by_one() -> None:
    text = "r1 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r1 + 0)\nexit"
    packet = b"\xff" + bytes(63)
    assert violations(text, {2: state({0: scalar(BYTE)})}, packet) == []
    tight = scalar(BYTE._replace(umax=254))
    [found] = violations(text, {2: state({0: tight})}, packet)
    assert (found.step, found.pc, found.where, found.value) == (2, 2, "R0", "0xff")
    assert str(found).startswith("step 2, pc 2: R0 is claimed scalar(")
    bits = scalar(BYTE._replace(var_off=Tnum(0, 254)))
    assert len(violations(text, {2: state({0: bits})}, packet)) == 1


def test_one_of_several_visits_is_enough_and_the_closest_reports() -> None:
    text = "r0 = 3\nr1 = 4\nexit"
    right = state({0: scalar(const(3)), 1: scalar(const(4))})
    half = state({0: scalar(const(3)), 1: scalar(const(5))})
    wrong = state({0: scalar(const(2)), 1: scalar(const(5))})
    assert violations(text, {2: [wrong, half, right]}) == []
    [found] = violations(text, {2: [wrong, half]})
    assert found.where == "R1"


def test_a_pc_that_no_visit_has() -> None:
    program = asm("r0 = 0\nexit")
    result = run_asm("r0 = 0\nexit", trace=True)
    assert result.trace is not None
    start = Visit(0, 0, State((state({1: CTX}),)))
    [found] = check_trace(Analysis(program, "t", Verdict(Outcome.ACCEPT), [start]), result.trace)
    assert str(found) == "step 1, pc 1: reached a pc that the analysis never visited"


PACKET = """
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = *(u32 *)(r1 + 8)
    r5 = r2
    r5 += 14
    r0 = 0
    exit
"""


def packet_claims(
    *, off: int = 14, range_: int = 14, meta_range: int = 0, end: RegType = END
) -> Frame:
    return state(
        {
            2: Reg(PKT, const(0), range=range_),
            3: Reg(end, const(0)),
            4: Reg(META, const(0), range=meta_range),
            5: Reg(PKT, const(0), off=off, range=range_),
        }
    )


def test_packet_pointers() -> None:
    packet = bytes(14)
    assert violations(PACKET, {5: packet_claims()}, packet) == []
    assert violations(PACKET, {5: packet_claims(meta_range=4)}, packet, meta=bytes(4)) == []
    [wrong_off] = violations(PACKET, {5: packet_claims(off=13)}, packet)
    assert wrong_off.where == "R5" and "outside the claimed offsets" in wrong_off.why
    assert "(packet+14)" in wrong_off.value
    found = whys(violations(PACKET, {5: packet_claims(range_=15)}, packet))
    assert found == [
        (5, "R2", "the claimed range ends 1 bytes behind data_end"),
        (5, "R5", "the claimed range ends 1 bytes behind data_end"),
    ]
    [meta] = violations(PACKET, {5: packet_claims(meta_range=5)}, packet, meta=bytes(4))
    assert meta.why == "the claimed range ends 1 bytes behind data"
    [end] = violations(PACKET, {5: packet_claims(end=PKT)}, packet)
    assert end.where == "R3"
    [start] = violations(PACKET, {5: state({2: Reg(END, const(0))})}, packet)
    assert start.why == "not the end of the packet"


VARIABLE = """
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u8 *)(r2 + 0)
    r2 += r3
    r4 = r2
    r4 += 2
    r5 = r3
    r5 += 1
    r0 = 0
    exit
"""


def test_ids_tie_variable_parts_and_numbers_together() -> None:
    packet = b"\x05" + bytes(63)

    def claims(fixed: int, number: Reg) -> dict[int, Frame]:
        moved = Reg(PKT, BYTE, id=1, off=fixed)
        return {7: state({2: Reg(PKT, BYTE, id=1), 4: moved, 3: scalar(BYTE, 2), 5: number})}

    assert violations(VARIABLE, {**claims(2, scalar(BYTE))}, packet) == []
    assert whys(violations(VARIABLE, {**claims(1, scalar(BYTE))}, packet)) == [
        (7, "R4", "differs from another with id 1")
    ]
    assert whys(violations(VARIABLE, {**claims(2, scalar(BYTE, 2))}, packet)) == [
        (7, "R5", "differs from another with id 2")
    ]


SPILLS = """
    *(u64 *)(r10 - 8) = r1
    r2 = 7
    *(u64 *)(r10 - 16) = r2
    *(u32 *)(r10 - 24) = r2
    *(u16 *)(r10 - 26) = 0
    r3 = r10
    r3 += -16
    r0 = 0
    exit
"""


@pytest.mark.parametrize(
    ("number", "slot", "why"),
    [
        (0, Slot("rrrrrrrr", CTX), ""),
        (0, Slot("rrrrrrrr", scalar(const(7))), "outside the claimed numbers"),
        (1, Slot("rrrrrrrr", scalar(const(7))), ""),
        (1, Slot("rrrrrrrr", scalar(const(8))), "outside the claimed numbers"),
        (1, Slot("00000000"), "a byte that is claimed zero is not"),
        (1, Slot("0000000m"), ""),
        (1, Slot("m0000000"), "a byte that is claimed zero is not"),
        (2, Slot("????rrrr", scalar(const(7))), ""),
        (2, Slot("????rrrr", scalar(const(6))), "outside the claimed numbers"),
        (3, Slot("00??????"), ""),
    ],
)
def test_stack_slots(number: int, slot: Slot, why: str) -> None:
    found = violations(SPILLS, {7: state({}, {number: slot})})
    assert [(v.where, v.why) for v in found] == ([(f"fp-{8 * number + 8}", why)] if why else [])


def test_stack_pointers() -> None:
    assert violations(SPILLS, {7: state({3: FP._replace(off=-16)})}) == []
    [found] = violations(SPILLS, {7: state({3: FP._replace(off=-8)})})
    assert "(stack[0]-16)" in found.value


LOOKUP = """
    .map other type=array key=4 value=8 entries=4
    .map m type={kind} key=4 value=8 entries=4
        *(u32 *)(r10 - 4) = 2
        r1 = map[m]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        r6 = r0
        r0 = 0
        exit
"""
OR_NULL, VALUE = RegType.PTR_TO_MAP_VALUE_OR_NULL, RegType.PTR_TO_MAP_VALUE


def test_maps_and_their_values() -> None:
    handle = Reg(RegType.CONST_PTR_TO_MAP, const(0), map=1)
    array, hash_ = LOOKUP.format(kind="array"), LOOKUP.format(kind="hash")
    either = {3: state({1: handle}), 6: state({0: Reg(OR_NULL, const(0), map=1, id=1)})}
    for text in (array, hash_):
        assert violations(text, {**either}) == []
    sure = {6: state({0: Reg(VALUE, const(0), map=1)})}
    assert violations(array, {**sure}) == []
    assert whys(violations(hash_, {**sure})) == [(6, "R0", "points elsewhere")]
    other = {3: state({1: handle._replace(map=0)}), 6: state({0: Reg(OR_NULL, const(0), map=0)})}
    assert whys(violations(array, {**other})) == [
        (3, "R1", "points elsewhere"), (6, "R0", "points elsewhere"),
    ]  # fmt: skip
    moved = {6: state({0: Reg(VALUE, const(0), off=4, map=1)})}
    [found] = violations(array, {**moved})
    assert "(map_value[1]+0)" in found.value


def test_a_scripted_value_is_a_value_too() -> None:
    env = ScriptedEnvironment([Event("call", 5, None)])
    sure = {6: state({0: Reg(VALUE, const(0), map=1)})}
    assert violations(LOOKUP.format(kind="hash"), {**sure}, env=env) == []


def test_a_claim_about_a_register_that_nobody_wrote() -> None:
    text = "call bpf_get_prandom_u32\nr2 = 1\nexit"
    claims = {1: state({0: scalar(UNKNOWN), 1: scalar(UNKNOWN)})}
    assert whys(violations(text, {**claims})) == [(1, "R1", "was never written")]


CALLS = """
    .func main
        r6 = 9
        *(u64 *)(r10 - 8) = r6
        r1 = r10
        call callee
        exit
    .func callee
        r0 = r1
        r6 = 0
        exit
"""


def test_frames() -> None:
    def claims(outer: int, spilled: int, pointer: int, callsite: int = 3) -> tuple[Frame, Frame]:
        slot = Slot("rrrrrrrr", scalar(const(spilled)))
        inner = state(
            {0: FP._replace(frame=pointer), 10: FP._replace(frame=1)}, callsite=callsite
        )  # fmt: skip
        return state({6: scalar(const(outer))}, {0: slot}), inner

    assert violations(CALLS, {6: claims(9, 9, 0)}) == []
    assert whys(violations(CALLS, {6: claims(8, 9, 0)})) == [
        (6, "frame0 R6", "outside the claimed numbers")
    ]
    assert [v.where for v in violations(CALLS, {6: claims(9, 8, 0)})] == ["frame0 fp-8"]
    [found] = violations(CALLS, {6: claims(9, 9, 1)})
    assert found.where == "R0" and "(stack[0]+0)" in found.value
    [unvisited] = violations(CALLS, {6: claims(9, 9, 0, callsite=2)})
    assert "never visited" in unvisited.why


@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    """Wrong: forgets the unknown bits of the low half byte."""
    return Tnum(a.value & b.value, a.mask & b.mask & 0xF0)


def test_a_verifier_with_an_unsound_rule_is_refuted_by_a_run() -> None:
    text = "r0 = *(u32 *)(r1 + 12)\nr0 &= 0x1f\nexit"
    trace = run_asm(text, ctx={"ingress_ifindex": 3}, trace=True).trace
    assert trace is not None
    sound = rule_set("xdp-paper")
    assert check_trace(verify(asm(text), sound), trace) == []
    [found] = check_trace(verify(asm(text), sound.derive("unsound", tnum_and)), trace)
    assert (found.pc, found.where, found.claim, found.value) == (2, "R0", "0", "0x3")


RESERVE = """
.map ring type=ringbuf key=0 value=0 entries=4096
r1 = map[ring]
r2 = SIZE
r3 = 0
call bpf_ringbuf_reserve
if r0 == 0 goto none
r1 = r0
r2 = 0
call bpf_ringbuf_discard
none:
r0 = 0
exit
"""


@pytest.mark.parametrize("size", [64, 8192])
def test_a_record_is_where_it_is_claimed_or_null(size: int) -> None:
    text = RESERVE.replace("SIZE", str(size))
    trace = run_asm(text, trace=True).trace
    assert trace is not None
    analysis = verify(asm(text), rule_set("linux-6.12"))
    assert analysis.verdict.accepted
    assert check_trace(analysis, trace) == []


def test_a_record_of_another_size_is_elsewhere() -> None:
    trace = run_asm(RESERVE.replace("SIZE", "64"), trace=True).trace
    assert trace is not None
    wrong = verify(asm(RESERVE.replace("SIZE", "128")), rule_set("linux-6.12"))
    assert any("points elsewhere" in v.why for v in check_trace(wrong, trace))
