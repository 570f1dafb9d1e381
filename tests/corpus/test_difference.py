"""Two sides on one program: each kind of difference, planted, is seen and told from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bpfsmt.agree.abreast import abreast, compare_arrival
from bpfsmt.agree.relation import Relation
from bpfsmt.agree.states import States
from bpfsmt.corpus import side
from bpfsmt.corpus.difference import Difference, difference
from bpfsmt.corpus.digest import program_digest, steps
from bpfsmt.corpus.expected import entry, parting
from bpfsmt.corpus.side import say
from bpfsmt.domain import Reg, Slot, State
from bpfsmt.domain.analysis import Analysis, Edge, Outcome, Verdict
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.program import Program, load, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import (
    BENCH,
    LOOSE_AND,
    NO_PRUNING,
    RULES,
    STATES,
    UNSUPPORTED,
    VERDICT,
    WALKED,
    program,
)

ALL = sorted((BENCH / "rules").glob("*.bpfasm"))


def differ(name: str, rules: str) -> Difference:
    one = program(name)
    return difference(one, say(one, RULES), say(one, rules))


@pytest.mark.parametrize("name", [STATES, VERDICT, "xdp_vlan.o", "local_call_ok.bpfasm"])
def test_nothing_differs_from_itself(name: str) -> None:
    found = differ(name, RULES)
    assert not found.kinds
    assert found.compared
    assert found.parting is None
    assert found.states is not None
    assert found.states.equal == found.states.total > 10


def test_a_looser_state() -> None:
    found = differ(STATES, LOOSE_AND)
    assert found.kinds == {"states"}
    assert found.a.accepted and found.b.accepted
    assert found.states is not None
    assert found.states.pairs[Relation.WIDER] == found.states.total - found.states.equal == 1
    assert found.parting is not None
    assert (found.parting.pc, found.parting.insn) == (1, "r6 &= 12")
    assert found.parting.a.startswith("R6=scalar(") and found.parting.a.endswith("(0x0; 0xc))")
    assert found.parting.b.endswith("(0x0; 0xf))")
    assert found.parting.whole is not None
    assert found.parting.a in found.parting.whole[0]
    assert found.parting.b in found.parting.whole[1]


def test_the_other_way_round_it_is_tighter() -> None:
    one = program(STATES)
    found = difference(one, say(one, LOOSE_AND), say(one, RULES))
    assert found.states is not None
    assert found.states.pairs[Relation.TIGHTER] == 1
    assert found.states.pairs[Relation.WIDER] == 0


def test_a_verdict() -> None:
    found = differ(VERDICT, LOOSE_AND)
    assert found.kinds == {"verdict", "states", "walked"}
    assert (found.a.outcome, found.b.outcome) == (Outcome.ACCEPT, Outcome.REJECT)
    assert (found.b.pc, found.b.kind) == (11, "misaligned")
    assert found.parting is not None
    assert found.parting.pc == 1, "where it is lost, not where it is missed"


def test_a_longer_walk_alone() -> None:
    found = differ(WALKED, NO_PRUNING)
    assert found.kinds == {"walked"}
    assert found.walked[0] is not None and found.walked[1] is not None
    assert found.walked[0] < found.walked[1]
    assert found.states is not None
    assert found.states.equal == found.states.total
    assert found.parting is not None
    assert {found.parting.a, found.parting.b} == {"goes on", "an earlier state stands for it"}


def test_unsupported_is_no_verdict() -> None:
    odd = load_asm(UNSUPPORTED, "odd")
    found = difference(odd, say(odd, "xdp-paper"), say(odd, RULES))
    assert found.kinds == {"unknown"}


def test_another_reason_is_a_difference() -> None:
    one = program("packet_bounds_off_by_one.bpfasm")
    said = say(one, RULES)
    for changed in ({"pc": said.verdict.pc + 1}, {"kind": "bad-pointer", "message": "else"}):
        other = replace(said, verdict=replace(said.verdict, **changed))
        assert difference(one, said, other).kinds == {"verdict"}, changed


def test_too_many_states_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side, "RECORDED", 20)
    side._impatient.cache_clear()
    try:
        one = program("xdp_vlan.o")
        said = say(one, RULES)
        assert said.walk is None
        assert said.verdict.accepted and said.walked == 304
        found = difference(one, said, say(one, RULES))
        assert (found.kinds, found.compared, found.states) == (set(), False, None)
        assert not entry("vlan", one, said).steps
    finally:
        side._impatient.cache_clear()


# Names


def changed(analysis: Analysis, change: Callable[[Reg], Reg]) -> Analysis:
    """The analysis with every register of the main function as ``change`` makes it."""

    def state(old: State) -> State:
        (frame,) = old.frames
        return old._replace(frames=(frame._replace(regs=tuple(map(change, frame.regs))),))

    return replace(
        analysis,
        visits=[replace(visit, state=state(visit.state)) for visit in analysis.visits],
        edges=[replace(edge, state=state(edge.state)) for edge in analysis.edges],
    )


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda reg: reg._replace(id=reg.id * 7), True),
        (lambda reg: reg._replace(id=bool(reg.id)), False),
        (lambda reg: reg._replace(id=0), False),
    ],
    ids=["other names", "one name for two", "no names"],
)
def test_ids_count_by_what_shares_them(change: Callable[[Reg], Reg], same: bool) -> None:
    text = "r2 = *(u32 *)(r1 + 12)\nr3 = r2\nr4 = *(u32 *)(r1 + 16)\nr5 = r4\nr0 = 2\nexit"
    analysis = verify(load_asm(text, "ids"), rule_set(RULES), forgetful=False)
    other = changed(analysis, change)
    for a, b in ((analysis, other), (other, analysis)):
        found = States()
        for arrival in abreast(a, b):
            compare_arrival(a, arrival, found)
        assert (found.equal == found.total) is same
        assert set(found.pairs) <= {Relation.EQUAL, Relation.NAMES}
    assert (list(steps(analysis)) == list(steps(other))) is same


# Walks with one thing changed in them

CALL = """
.type xdp
    r6 = *(u32 *)(r1 + 12)
    r7 = *(u32 *)(r1 + 0)
    *(u64 *)(r10 - 8) = r6
    r1 = 5
    call sub
    if r6 > 3 goto out
    r0 = 1
out:
    r0 = 2
    exit
sub:
    r0 = r1
    exit
"""


def in_frame(state: State, depth: int, **change: Any) -> State:
    """The state with that frame, if it is there, changed."""
    frames = list(state.frames)
    if depth < len(frames):
        frames[depth] = frames[depth]._replace(**change)
    return state._replace(frames=tuple(frames))


def edited(analysis: Analysis, at: int, change: Callable[[Edge], Edge | None]) -> Analysis:
    """The analysis with the edges from ``at`` changed, or left out with all behind them."""
    known = {0: 0}
    edges: list[Edge] = []
    for edge in analysis.edges:
        found = change(edge) if analysis.visits[edge.src].pc == at else edge
        if found is None or edge.src not in known:
            continue
        if not found.pruned:
            known[edge.dst] = len(known)
        edges.append(replace(found, src=known[edge.src], dst=known[found.dst]))
    visits = [replace(analysis.visits[old], index=new) for old, new in known.items()]
    return replace(analysis, visits=visits, edges=edges)


def with_state(change: Callable[[State], State]) -> Callable[[Edge], Edge]:
    return lambda edge: replace(edge, state=change(edge.state))


def lost_reg(state: State) -> State:
    return in_frame(state, 0, regs=(*state.frames[0].regs[:7], NOT_INIT, *state.frames[0].regs[8:]))


CHANGES: dict[str, tuple[int, Callable[[Edge], Edge | None], str]] = {
    "a slot": (2, with_state(lambda s: in_frame(s, 0, stack={0: Slot("mmmmmmmm")})), "fp-8"),
    "no slot": (2, with_state(lambda s: in_frame(s, 0, stack={})), "fp-8"),
    "a register": (1, with_state(lost_reg), "R7"),
    "a caller's register": (9, with_state(lost_reg), "frame0: R7"),
    "a reference": (3, with_state(lambda s: s._replace(refs=(7,))), "refs"),
    "an arm": (5, lambda edge: None if edge.kind == "taken" else edge, "no way"),
    "a pruned arm": (5, lambda edge: replace(edge, pruned=True, dst=0), "an earlier state"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_one_thing_changed_is_seen_where_it_is(what: str) -> None:
    at, change, text = CHANGES[what]
    one = load_asm(CALL, "call")
    before = say(one, RULES)
    assert isinstance(before.walk, Analysis) and before.verdict.accepted
    for walks in ((before.walk, edited(before.walk, at, change)),
                  (edited(before.walk, at, change), before.walk)):  # fmt: skip
        a, b = (replace(before, walk=walk) for walk in walks)
        found = difference(one, a, b)
        assert found.kinds == ({"walked"} if "pruned" in what else {"states"})
        assert found.parting is not None
        assert found.parting.pc == at
        assert text in found.parting.a + found.parting.b
        short = parting(entry("x", one, a), entry("x", one, b))
        assert short is not None
        # where a way is left out, the next one that is walked is what the digest sees
        assert short[0] == at or what == "an arm"


def test_a_walk_that_ended_early_says_nothing_of_what_it_did_not_come_to() -> None:
    one = load_asm(CALL, "call")
    before = say(one, RULES)
    assert isinstance(before.walk, Analysis)
    walk = edited(before.walk, 5, lambda edge: None)
    rejected = Verdict(Outcome.REJECT, 5, "bad-pointer")
    walk = replace(walk, verdict=rejected)
    after = replace(before, verdict=rejected, walk=walk)
    assert difference(one, before, after).kinds == {"verdict"}
    assert parting(entry("x", one, before), entry("x", one, after)) is None


# Digests


@pytest.mark.parametrize("rules", [RULES, LOOSE_AND, "linux-6.18"])
def test_digests_see_what_a_comparison_sees(rules: str) -> None:
    """The same programs differ, and from the same instruction on."""
    different = 0
    for path in ALL:
        for one in load(path).programs:
            before, after = say(one, RULES), say(one, rules)
            full = difference(one, before, after).parting
            short = parting(entry("x", one, before), entry("x", one, after))
            assert (full and full.pc) == (short and short[0]), path.name
            different += full is not None
    assert (different > 0) is (rules != RULES)


def test_a_program_is_its_instructions_and_maps_not_its_names() -> None:
    one = program(STATES)
    digest = program_digest(one)
    assert digest == program_digest(replace(one, name="other", title="else", expect=None))
    wider = replace(one.maps[0], value_size=32)
    moved: list[Program] = [
        replace(one, maps=(wider,)), replace(one, flags=1), replace(one, slots=one.slots[:-1])
    ]  # fmt: skip
    assert digest not in [program_digest(each) for each in moved]
