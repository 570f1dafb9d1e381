"""The walk: claims, pruning, limits, determinism."""

from bpfsmt.bits import rule, s64, u64
from bpfsmt.domain import Reg, RegType, Scalar, Slot, State, Tnum
from bpfsmt.domain.scalar import const
from bpfsmt.verifier import REASONS, includes

from .common import LOOKUP, OUT, PACKET, PAPER, accepted, rejected, run, with_policy

DIAMONDS = "".join(
    f"r2 = *(u32 *)(r1 + 12)\nif r2 > {i} goto l{i}\nr6 = {i}\nl{i}:\n" for i in range(20)
)


def test_claims_fit_together() -> None:
    analysis = accepted(LOOKUP + "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nout:" + OUT)
    assert [v.index for v in analysis.visits] == list(range(len(analysis.visits)))
    assert analysis.visits[0].pc == 0
    for edge in analysis.edges:
        dst = analysis.visits[edge.dst]
        assert dst.pc == edge.pc
        if not edge.pruned:
            assert dst.state == edge.state
    entered = {e.dst for e in analysis.edges if not e.pruned}
    assert entered == set(range(1, len(analysis.visits)))


def test_dead_registers_do_not_hinder_pruning() -> None:
    # 2**20 paths, but what differs between them is never read
    analysis = accepted("r6 = 0\n" + DIAMONDS + OUT)
    assert analysis.walked < 100
    assert sum(e.pruned for e in analysis.edges) == 20


def test_live_registers_do() -> None:
    limited = with_policy(max_walked=1000)
    sums = DIAMONDS.replace("r6 = ", "r6 += ")
    rejected("r6 = 0\n" + sums + "r0 = r6\nexit", "too-complex", rules=limited)


def test_limit_is_exact() -> None:
    accepted("r0 = 0\nexit", rules=with_policy(max_walked=2))
    rejected("r0 = 0\nr0 = 1\nexit", "too-complex", pc=2, rules=with_policy(max_walked=2))


def test_less_known_state_is_walked_again() -> None:
    text = "r0 = *(u32 *)(r1 + 12)\nif r0 > 7 goto out\nif r0 > 3 goto out\nr0 = 1\nout:\nexit"
    analysis = accepted(text)
    at_exit = [e for e in analysis.edges if e.pc == 4]
    assert [e.pruned for e in at_exit] == [False, False, False]


def reg_state(reg: Reg, number: int = 0) -> State:
    return accepted("r0 = 0\nexit").visits[0].state.with_reg(number, reg)


def number(lo: int, hi: int) -> Reg:
    bound: Scalar = PAPER.ints.from_srange(lo, hi)
    return Reg(RegType.SCALAR_VALUE, bound)


def test_inclusion_of_numbers() -> None:
    wide, narrow = reg_state(number(0, 10)), reg_state(number(2, 3))
    assert includes(PAPER.ints, wide, narrow)
    assert not includes(PAPER.ints, narrow, wide)
    odd = Reg(RegType.SCALAR_VALUE, number(0, 15).scalar._replace(var_off=Tnum(1, 14)))
    assert not includes(PAPER.ints, reg_state(odd), reg_state(number(0, 15)))


def test_inclusion_of_unwritten_registers() -> None:
    bare = accepted("r0 = 0\nexit").visits[0].state
    assert includes(PAPER.ints, bare, reg_state(number(0, 1)))
    assert not includes(PAPER.ints, reg_state(number(0, 1)), bare)


def test_inclusion_of_packet_pointers() -> None:
    def packet(range_: int, off: int = 0) -> State:
        return reg_state(Reg(RegType.PTR_TO_PACKET, const(0, subreg=False), off=off, range=range_))

    assert includes(PAPER.ints, packet(8), packet(14))
    assert not includes(PAPER.ints, packet(14), packet(8))
    assert not includes(PAPER.ints, packet(8), packet(8, off=2))


def test_inclusion_keeps_copies_together() -> None:
    def lookups(first: int, second: int) -> State:
        or_null = Reg(RegType.PTR_TO_MAP_VALUE_OR_NULL, const(0, subreg=False), map=0)
        return reg_state(or_null._replace(id=first)).with_reg(6, or_null._replace(id=second))

    assert includes(PAPER.ints, lookups(1, 1), lookups(5, 5))
    assert not includes(PAPER.ints, lookups(1, 1), lookups(5, 6))
    assert includes(PAPER.ints, lookups(1, 2), lookups(2, 1))
    same = lookups(1, 1)
    assert includes(PAPER.ints, same, same)


def test_inclusion_of_stacks() -> None:
    empty = accepted("r0 = 0\nexit").visits[0].state

    def stack(slot: Slot) -> State:
        return empty.with_slot(0, 0, slot)

    misc, zero, half = Slot("mmmmmmmm"), Slot("00000000"), Slot("mmmm????")
    spilled = Slot("rrrrrrrr", number(0, 9))
    pointer = Slot("rrrrrrrr", empty.regs[1])
    order = [(empty, s) for s in (misc, zero, half, spilled, pointer)]
    for old, new in order:
        assert includes(PAPER.ints, old, stack(new))
        assert not includes(PAPER.ints, stack(new), old)
    assert includes(PAPER.ints, stack(half), stack(misc))
    assert not includes(PAPER.ints, stack(misc), stack(half))
    assert includes(PAPER.ints, stack(misc), stack(zero))
    assert not includes(PAPER.ints, stack(zero), stack(misc))
    assert includes(PAPER.ints, stack(misc), stack(spilled))
    assert not includes(PAPER.ints, stack(misc), stack(pointer))
    assert not includes(PAPER.ints, stack(spilled), stack(misc))
    anything = Slot("rrrrrrrr", Reg(RegType.SCALAR_VALUE))
    assert includes(PAPER.ints, stack(anything), stack(misc))


def test_rules_decide_not_the_verifier() -> None:
    @rule
    def packet_access_ok(var: Scalar, off: s64, size: u64, checked: u64) -> bool:
        """Anything goes."""
        return True

    text = PACKET + "r0 = *(u8 *)(r2 + 0)\nexit"
    rejected(text, "packet-bounds")
    assert run(text, rules=PAPER.derive("bold", packet_access_ok)).verdict.accepted


def test_every_reason_is_explained() -> None:
    assert all(word and word == word.lower() and text for word, text in REASONS.items())
