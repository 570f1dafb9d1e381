"""How two registers or slots stand to each other."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpfsmt.agree.relation import Relation, disjoint, relate, relate_slots, same_names
from bpfsmt.domain import scalar_contains
from bpfsmt.domain.reg import NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.domain.state import Slot

NUMBER = RegType.SCALAR_VALUE
MIRROR = {Relation.TIGHTER: Relation.WIDER, Relation.WIDER: Relation.TIGHTER}


def number(scalar: Scalar, id_: int = 0) -> Reg:
    return Reg(NUMBER, scalar, id=id_)


def upto(top: int) -> Scalar:
    return Scalar(Tnum(0, (1 << top.bit_length()) - 1), 0, top, 0, top, 0, top, 0, top)


@dataclass
class Case:
    ours: Reg
    kernel: Reg
    relation: Relation


CASES = [
    Case(number(const(3)), number(const(3)), Relation.EQUAL),
    Case(number(const(3)), number(const(4)), Relation.DISJOINT),
    Case(number(const(3)), number(UNKNOWN), Relation.TIGHTER),
    Case(number(upto(9)), number(upto(8)), Relation.WIDER),
    Case(number(upto(8)._replace(umin=1, smin=1)), number(upto(7)), Relation.OTHER),
    Case(NOT_INIT, number(const(0)), Relation.WIDER),
    Case(number(const(0)), Reg(RegType.PTR_TO_CTX), Relation.DISJOINT),
    Case(Reg(RegType.PTR_TO_STACK, const(0), off=-8), Reg(RegType.PTR_TO_STACK, const(0), off=-8),
         Relation.EQUAL),
    Case(Reg(RegType.PTR_TO_STACK, const(0), off=-8), Reg(RegType.PTR_TO_STACK, const(0), off=-16),
         Relation.OTHER),
    Case(Reg(RegType.PTR_TO_STACK, const(0)), Reg(RegType.PTR_TO_STACK, const(0), frame=1),
         Relation.DISJOINT),
    Case(Reg(RegType.PTR_TO_PACKET, const(0), range=14), Reg(RegType.PTR_TO_PACKET, const(0)),
         Relation.TIGHTER),
    Case(Reg(RegType.PTR_TO_PACKET, const(0), range=-2), Reg(RegType.PTR_TO_PACKET, const(0)),
         Relation.OTHER),
    Case(Reg(RegType.PTR_TO_MAP_VALUE, const(0), map=0),
         Reg(RegType.PTR_TO_MAP_VALUE, const(0), map=1), Relation.DISJOINT),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_registers(case: Case) -> None:
    assert relate(case.ours, case.kernel) is case.relation
    mirrored = MIRROR.get(case.relation, case.relation)
    assert relate(case.kernel, case.ours) is mirrored


@pytest.mark.parametrize(
    ("ours", "kernel", "relation"),
    [
        (Slot("mmmmmmmm"), Slot("mmmmmmmm"), Relation.EQUAL),
        (Slot("00000000"), Slot("mmmmmmmm"), Relation.TIGHTER),
        (Slot("????mmmm"), Slot("mmmmmmmm"), Relation.WIDER),
        (Slot("0000mmmm"), Slot("mmmm0000"), Relation.OTHER),
        (Slot("rrrrrrrr", number(const(1))), Slot("mmmmmmmm"), Relation.TIGHTER),
        (Slot("mmmmmmmm"), Slot("rrrrrrrr", number(const(1))), Relation.WIDER),
        (Slot("rrrrrrrr", number(const(1))), Slot("rrrrrrrr", number(const(2))), Relation.DISJOINT),
        (Slot("mmmmrrrr", number(const(1))), Slot("rrrrrrrr", number(const(1))), Relation.OTHER),
        # A spilled register that is lost, and a slot in which nothing of it is left.
        (Slot("mrrrrrrr", NOT_INIT), Slot("mmmmmmmm"), Relation.EQUAL),
        (Slot("mmmmmmmm", number(const(1))), Slot("mmmmmmmm"), Relation.EQUAL),
    ],
)
def test_slots(ours: Slot, kernel: Slot, relation: Relation) -> None:
    assert relate_slots(ours, kernel) is relation


def test_ids_are_names() -> None:
    names: dict[int, int] = {}
    assert same_names(number(UNKNOWN, 7), number(UNKNOWN, 1), names)
    assert same_names(number(UNKNOWN, 7), number(UNKNOWN, 1), names)
    assert not same_names(number(UNKNOWN, 8), number(UNKNOWN, 1), names)
    assert not same_names(number(UNKNOWN, 0), number(UNKNOWN, 2), names)
    assert same_names(number(const(3), 0), number(const(3), 5), names)  # is not printed


u64 = st.integers(0, (1 << 64) - 1)


@st.composite
def scalars(draw: st.DrawFn) -> Scalar:
    """Scalars from a few numbers that they contain, as a join makes them."""
    some = draw(st.lists(st.one_of(st.integers(0, 12), u64), min_size=1, max_size=3))
    low, high = min(some), max(some)
    signed = [x - (1 << 64) if x >> 63 else x for x in some]
    half = [x & 0xFFFFFFFF for x in some]
    half_signed = [x - (1 << 32) if x >> 31 else x for x in half]
    mask = 0
    for x in some:
        mask |= x ^ some[0]
    return Scalar(
        var_off=Tnum(some[0] & ~mask, mask),
        umin=low, umax=high, smin=min(signed), smax=max(signed),
        u32min=min(half), u32max=max(half), s32min=min(half_signed), s32max=max(half_signed),
    )  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(scalars(), scalars(), st.lists(u64, max_size=4))
def test_relations_are_those_of_the_sets(a: Scalar, b: Scalar, more: list[int]) -> None:
    found = relate(number(a), number(b))
    assert relate(number(b), number(a)) is MIRROR.get(found, found)
    tried = [a.umin, a.umax, b.umin, b.umax, *more]
    for x in tried:
        ours, kernel = scalar_contains(a, x), scalar_contains(b, x)
        if found in (Relation.TIGHTER, Relation.EQUAL):
            assert kernel or not ours
        if found is Relation.DISJOINT:
            assert not (ours and kernel)
    assert disjoint(a, b) == (found is Relation.DISJOINT)
