"""Programs drawn by the verifier's states: accepted, with everything in them, the same again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import find, settings

from bpfsmt.domain import RegType
from bpfsmt.errors import BpfsmtError
from bpfsmt.generate import FEATURES, guided_programs, guided_sample, sample, supported
from bpfsmt.generate.guided.branches import Body
from bpfsmt.generate.guided.draft import Draft
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.gadgets import GADGETS, Gadget, Nest
from bpfsmt.generate.insns import EXIT, MAY_GOTO, alu, call, compare, const, load, mov
from bpfsmt.generate.kinds import kind_of
from bpfsmt.isa import HELPER_IDS, AluOp, JmpOp
from bpfsmt.program import load_asm
from bpfsmt.program.program import LOAD_FLAGS, Param, Program, ProgramType, Signature
from bpfsmt.program.text import program_text
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

RULE_SETS = ("xdp-paper", "linux-6.1", "linux-6.12", "linux-6.18")
LINUX = rule_set("linux-6.12")


def draft(rules: str = "linux-6.12") -> Draft:
    return Draft(rule_set(rules), ProgramType.XDP)


@pytest.mark.parametrize("name", RULE_SETS)
def test_most_are_accepted(name: str) -> None:
    rules = rule_set(name)
    verdicts = [verify(p, rules, record=False).verdict for p in guided_sample(rules, 40, 1)]
    accepted = sum(v.accepted for v in verdicts)
    assert accepted >= 0.7 * len(verdicts), Counter(v.message for v in verdicts)
    assert accepted < len(verdicts)  # some go too far, on purpose


def test_the_same_seed_gives_the_same_programs() -> None:
    once, again = (list(guided_sample(LINUX, 12, 5)) for _ in range(2))
    assert once == again
    assert list(guided_sample(LINUX, 4, 5, first=8)) == once[8:]
    assert list(guided_sample(LINUX, 12, 6)) != once
    strategy = guided_programs(LINUX)
    assert list(sample(strategy, 8, 3)) == list(sample(strategy, 8, 3))


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_appears(feature: str) -> None:
    """Each gadget of the feature puts something into the programs that have it."""
    put: Counter[int] = Counter()

    def counted(gadget: Gadget | Nest) -> Gadget | Nest:
        def draw(d: Drawing, *body: Body) -> None:
            before = len(d.draft)
            gadget.draw(d, *body)
            put[id(gadget)] += len(d.draft) > before

        return type(gadget)(gadget.feature, draw, gadget.weight)

    mine = [g for g in GADGETS if g.feature == feature]
    table = [counted(g) if g in mine else g for g in GADGETS]
    list(guided_sample(LINUX, 25, 2, [feature, "alu"], gadgets=table))
    if mine:
        assert all(put[id(g)] for g in mine)


def test_only_what_was_asked_for() -> None:
    kinds = Counter(
        kind_of(insn)
        for program in guided_sample(LINUX, 30, 1, ["alu", "branches"])
        for _, insn in program.instructions()
    )
    assert not any("atomic" in kind or " 32 reg" in kind or "local" in kind for kind in kinds)
    assert any(kind.startswith("jgt 64") for kind in kinds)


def test_features_are_limited_to_what_the_rule_set_supports() -> None:
    assert supported(LINUX) == FEATURES.keys()
    assert FEATURES.keys() - supported(rule_set("xdp-paper")) == {
        "loops", "links", "variable-stack", "rounds", "constants", "records", "globals",
        "tail-calls", "frequent",
    }  # fmt: skip
    assert FEATURES.keys() - supported(rule_set("linux-6.1")) == {"extensions", "rounds"}
    with pytest.raises(BpfsmtError, match=r"no feature telepathy \(there are: alu, "):
        guided_programs(LINUX, ["telepathy"])


@pytest.mark.slow
def test_examples_shrink_to_what_matters() -> None:
    def wanted(program: Program) -> bool:
        return any(kind_of(i) == "jsgt 32 imm" for _, i in program.instructions())

    strategy = guided_programs(LINUX, ["alu", "alu32", "branches", "jmp32", "stack"], max_insns=40)
    quiet = settings(database=None, derandomize=True, max_examples=200, deadline=None)
    assert len(find(strategy, wanted, settings=quiet)) <= 10


# The draft


def test_a_refused_instruction_changes_nothing() -> None:
    d = draft()
    assert d.put(const(2, 5))
    before = d.at, d.here, dict(d.code)
    assert not d.put(alu(AluOp.ADD, 2, None, 1), mov(3, 4))  # R4 was never written
    assert (d.at, d.here, dict(d.code)) == before


def test_a_branch_leads_to_two_states_and_a_label_joins_them() -> None:
    d = draft()
    d.put(load(2, 1, 12, 4))
    label = d.label()
    assert d.jump(compare(JmpOp.JGT, 2, None, 7), label)
    assert [reg.scalar.umax for reg in d.regs(2)] == [7]
    d.place(label)
    assert sorted(reg.scalar.umin for reg in d.regs(2)) == [0, 8]


def test_a_loop_is_walked_as_often_as_it_turns() -> None:
    d = draft()
    d.put(const(6, 0))
    top = d.at
    d.put(alu(AluOp.ADD, 6, None, 1))
    assert d.jump(compare(JmpOp.JLT, 6, None, 5), top)
    assert [reg.const_value for reg in d.regs(6)] == [5]
    d.put(const(7, 1))
    top = d.at
    d.put(alu(AluOp.ADD, 7, None, 1))
    assert not d.jump(compare(JmpOp.JLT, 7, None, 1 << 30), top)  # too long to walk


def test_a_loop_without_a_count_is_walked_once_more_and_closed() -> None:
    d = draft()
    d.put(const(6, 0))
    out, top = d.label(), d.at
    assert d.jump(MAY_GOTO, out)
    d.put(const(6, 4096))
    assert d.close(top)
    d.place(out)
    assert {reg.const_value for reg in d.regs(6)} == {0, 4096}


def test_a_loop_whose_next_round_is_refused_is_not_closed() -> None:
    d = draft()
    d.put(mov(6, 10))
    out, top = d.label(), d.at
    assert d.jump(MAY_GOTO, out)
    assert d.put(load(0, 6, -8, 8), const(6, 0))  # R6 is no pointer in the next round
    before = d.at, d.here
    assert not d.close(top)
    assert (d.at, d.here) == before


def test_an_instruction_for_some_states_leaves_the_others_behind() -> None:
    d = draft()
    d.put(load(2, 1, 12, 4), const(6, -8))
    label = d.label()
    d.jump(compare(JmpOp.JGT, 2, None, 7), label)
    d.put(const(6, 8))
    d.place(label)
    d.put(mov(3, 10), alu(AluOp.ADD, 3, 6))
    assert not d.put(load(0, 3, 0, 8))
    assert d.put_for_some(load(0, 3, 0, 8))
    assert [reg.const_value for reg in d.regs(6)] == [(1 << 64) - 8]
    assert not d.put_for_some(load(0, 3, 512, 8))


def test_a_function_of_its_own_is_verified_by_itself() -> None:
    d = draft()
    start = d.begin_global(Signature(True, (Param("ctx"),)))
    with d.inside(start):
        assert [reg.type for reg in d.regs(1)] == [RegType.PTR_TO_CTX]
        d.put(const(2, -14), call(HELPER_IDS["bpf_xdp_adjust_tail"]), EXIT)
    packet = load(6, 1, 0, 4)
    assert d.put(packet)
    assert d.call(start)
    assert d.regs(6)[0].type is not RegType.PTR_TO_PACKET  # it may have changed the packet
    d.put(const(0, 0), EXIT)
    program = d.finish("p", LOAD_FLAGS["test_state_freq"])
    assert program.signatures == {4: Signature(True, (Param("ctx"),))}
    assert verify(program, LINUX).verdict.accepted
    assert replace(load_asm(program_text(program), "p"), source={}) == program


def test_functions_get_their_places() -> None:
    d = draft()
    d.put(const(1, 3))
    start = d.new_function()
    assert d.call(start)
    with d.inside(start):
        d.put(mov(0, 1), alu(AluOp.ADD, 0, None, 4), EXIT)
    assert [reg.const_value for reg in d.regs(0)] == [7]
    d.put(EXIT)
    program = d.finish("p")
    assert program.functions == {0: "main", 3: "f1"}
    assert program[1].imm == 1
    assert verify(program, LINUX).verdict.accepted


@pytest.mark.parametrize("name", ["xdp-paper", "linux-6.12"])
def test_the_states_are_the_verifiers(name: str) -> None:
    """What the draft knows before the last instruction is what the verifier finds there."""
    d = draft(name)
    d.put(load(0, 1, 12, 4))
    label = d.label()
    d.jump(compare(JmpOp.JSGT, 0, None, 100), label)
    d.put(alu(AluOp.LSH, 0, None, 3))
    d.place(label)
    here = {reg.scalar for reg in d.regs(0)}
    d.put(EXIT)
    analysis = verify(d.finish("p"), rule_set(name), forgetful=False)
    assert {v.state.regs[0].scalar for v in analysis.at(len(d) - 1)} == here
