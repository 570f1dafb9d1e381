"""Agreement with recorded kernels; and every kind of disagreement, planted, is found."""

from dataclasses import replace

import pytest

from bpfsmt.agree.compare import Agreement, Compared, compare
from bpfsmt.agree.relation import Relation
from bpfsmt.agree.states import compare_states
from bpfsmt.agree.verdicts import kernel_verdict, same_kind, shape
from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.kernel.oracle import LoadFlag, LoadResult
from bpfsmt.program import ProgramType, load_asm
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.verifier import verify

from .common import NAMES, RELEASES, log_of, program, result

EVERY = [(name, version) for name in NAMES for version in RELEASES]


def ours(name: str, rules: str | RuleSet = "linux-6.18") -> Analysis:
    chosen = rule_set(rules) if isinstance(rules, str) else rules
    return verify(program(name), chosen, forgetful=False)


def against(name: str, log: str, version: str = "6.18") -> Compared:
    return compare(ours(name, f"linux-{version}"), result(name, version, log))


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_recorded_kernels_agree(name: str, version: str) -> None:
    found = compare(ours(name, f"linux-{version}"), result(name, version))
    assert found.agreement is Agreement.SAME
    assert found.cause == ""
    assert found.walked[0] == found.walked[1]
    states = found.states
    assert states is not None
    assert states.aligned == states.walked > 5
    assert not states.unread
    # Linux 6.1 has no ids for what a 32-bit move copies; our walk is that of 6.12.
    names = states.pairs[Relation.NAMES] if version == "6.1" else 0
    assert states.equal + names == states.total > 10, states.told


def test_a_rejection_agrees_in_place_and_kind() -> None:
    found = compare(ours("reject"), result("reject", "6.18"))
    assert (found.same_pc, found.same_kind) == (True, True)
    assert (found.kernel.pc, found.kernel.kind) == (5, "packet-bounds")


# Planted in the log


@pytest.mark.parametrize(
    ("old", "new", "relation"),
    [
        ("; R3=scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))",
         "; R3=scalar(smin=smin32=0,smax=umax=smax32=umax32=16,var_off=(0x0; 0x1f))",
         Relation.TIGHTER),
        ("; R3=scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))",
         "; R3=scalar(smin=smin32=0,smax=umax=smax32=umax32=3,var_off=(0x0; 0x3))", Relation.WIDER),
        ("(b7) r0 = 1                        ; R0=1", "(b7) r0 = 1 ; R0=2", Relation.DISJOINT),
        ("; R2=pkt(off=14,r=0)", "; R2=pkt(off=13,r=0)", Relation.OTHER),
        ("; R2=pkt(r=0) R6=pkt(r=0)", "; R2=pkt(r=0) R6=pkt_end()", Relation.DISJOINT),
        ("; R2=pkt(r=0) R6=pkt(r=0)", "; R2=pkt(id=1,r=0) R6=pkt(r=0)", Relation.NAMES),
    ],
)  # fmt: skip
def test_a_state_edited_in_the_log_is_found(old: str, new: str, relation: Relation) -> None:
    log = log_of("accept", "6.18")
    assert log.count(old) == 1
    states = against("accept", log.replace(old, new)).states
    assert states is not None
    assert states.pairs[relation] == 1
    assert states.equal == states.total - 1
    assert [pair.relation for pair in states.told] == [relation]
    assert sum(states.causes.values()) == 1


def test_an_edited_stack_slot_is_found() -> None:
    log = log_of("accept", "6.18")
    (line,) = [line for line in log.splitlines() if "(7b)" in line and "fp-8=" in line]
    states = against("accept", log.replace(line, line.split("fp-8=")[0] + "fp-8=mmmmmmmm")).states
    assert states is not None
    assert [(p.place, p.relation) for p in states.told] == [("fp-8", Relation.TIGHTER)]


def test_a_state_where_a_path_begins_is_found() -> None:
    log = log_of("accept", "6.18").replace("from 5 to 17: R0=1", "from 5 to 17: R0=3")
    states = against("accept", log).states
    assert states is not None
    (pair,) = states.told
    assert (pair.pc, pair.after, pair.place) == (17, False, "R0")


def test_a_walk_that_goes_on_is_compared_as_far_as_both_go() -> None:
    """The kernel of the edited log does not end the path at 5 but walks on."""
    log = log_of("loop", "6.18")
    longer = log.replace("5: safe", "5: (07) r8 += 1 ; R8=2\n6: (a5) if r8 < 0x4 goto pc-2")
    states = against("loop", longer).states
    assert states is not None
    assert states.walked == states.aligned + 2
    assert states.equal == states.total


def test_the_arm_that_the_walk_goes_on_with_is_compared() -> None:
    """Both arms lead to 3; the second one is pruned there."""
    text = "r0 = *(u32 *)(r1 + 0)\nr2 = r0\nif r0 > 7 goto +0\nr0 = 0\nexit"
    both = load_asm(text, "both", type=ProgramType.SOCKET_FILTER)
    both = replace(both, flags=int(LoadFlag.TEST_STATE_FREQ))
    analysis = verify(both, rule_set("linux-6.18"), forgetful=False)
    assert sum(edge.pruned for edge in analysis.edges) == 1
    log = [
        "0: R1=ctx() R10=fp0",
        "2: (25) if r0 > 0x7 goto pc+0 ; R0=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=7,"
        "var_off=(0x0; 0x7))",
        "3: (b7) r0 = 0 ; R0=0",
        "4: (95) exit",
        "from 2 to 3: safe",
    ]
    log[1:1] = ["0: (61) r0 = *(u32 *)(r1 +0)", "1: (bf) r2 = r0"]
    states = compare_states(analysis, LoadResult(both, "6.18.0", True, 0, "\n".join(log)))
    assert (states.aligned, states.equal, states.total) == (5, 4, 4)


def test_paths_are_the_same_by_their_branches_not_by_their_order() -> None:
    """The kernel of this log takes up the arms the other way round, and one of them twice."""
    text = "r0 = *(u32 *)(r1 + 0)\nif r0 > 7 goto +1\nr0 = 1\nexit"
    both = load_asm(text, "both", type=ProgramType.SOCKET_FILTER)
    big = "R0=scalar(smin=umin=umin32=8,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))"
    log = [
        "0: R1=ctx() R10=fp0",
        "0: (61) r0 = *(u32 *)(r1 +0)",
        f"1: (25) if r0 > 0x7 goto pc+1 ; {big}",
        "3: (95) exit",
        "from 1 to 2: R0=5 R10=fp0",
        "2: (b7) r0 = 1 ; R0=1",
        "3: (95) exit",
        "from 1 to 2: R0=5 R10=fp0",
        "2: (b7) r0 = 1 ; R0=1",
    ]
    analysis = verify(both, rule_set("linux-6.18"), forgetful=False)
    states = compare_states(analysis, LoadResult(both, "6.18.0", True, 0, "\n".join(log)))
    assert (states.walked, states.aligned) == (6, 5)
    assert [(pair.pc, pair.kernel) for pair in states.told] == [(2, "5")]
    assert states.total == states.equal + 1 == 6


def test_what_cannot_be_read_is_counted() -> None:
    log = log_of("accept", "6.18").replace("; R0=1", "; R0=ptr_task_struct(off=0)", 1)
    states = against("accept", log).states
    assert states is not None
    assert states.unread == 1


# Planted in the rules


@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    """Sum, as if no carry ever left an unknown bit."""
    unknown = a.mask | b.mask
    return Tnum((a.value + b.value) & ~unknown, unknown)


def test_a_wrong_rule_is_found_in_the_states() -> None:
    rules = rule_set("linux-6.18").derive("planted", tnum_add)
    found = compare_states(ours("accept", rules), result("accept", "6.18"))
    assert found.equal < found.total
    assert any("+=" in cause for cause in found.causes)


# Planted in the verdict


def verdict(outcome: Outcome, pc: int = -1, kind: str = "", message: str = "") -> Verdict:
    return Verdict(outcome, pc, kind, message=message)


def with_verdict(name: str, found: Verdict) -> Analysis:
    return replace(ours(name), verdict=found)


def test_an_accepted_access_out_of_bounds_is_unsafe() -> None:
    found = compare(with_verdict("reject", verdict(Outcome.ACCEPT)), result("reject", "6.18"))
    assert found.agreement is Agreement.FALSE_ACCEPT
    assert found.unsafe
    assert found.cause.startswith("we accept, the kernel rejects: kernel: invalid access to packet")


def test_an_accepted_program_that_the_kernel_only_finds_too_large_is_not_unsafe() -> None:
    large = "BPF program is too large. Processed 1000001 insn\n"
    answer = result("reject", "6.18", log_of("loop", "6.18") + large, accepted=False)
    found = compare(with_verdict("reject", verdict(Outcome.ACCEPT)), answer)
    assert found.agreement is Agreement.FALSE_ACCEPT
    assert not found.unsafe
    assert found.kernel.kind == "too-complex"


def test_a_false_rejection_is_found() -> None:
    wrong = verdict(Outcome.REJECT, 6, "packet-bounds", "invalid access to packet, off=12 size=1")
    found = compare(with_verdict("accept", wrong), result("accept", "6.18"))
    assert found.agreement is Agreement.FALSE_REJECT
    assert found.same_pc is None


def test_unsupported_is_a_disagreement() -> None:
    found = compare(
        with_verdict("accept", verdict(Outcome.UNSUPPORTED, 3, "unsupported", "dynptr")),
        result("accept", "6.18"),
    )
    assert found.agreement is Agreement.UNSUPPORTED
    assert "dynptr" in found.cause


@pytest.mark.parametrize(
    ("pc", "kind", "same_pc", "same_kind_"),
    [
        (5, "packet-bounds", True, True),
        (4, "packet-bounds", False, True),
        (5, "bad-pointer", True, False),
    ],
)
def test_another_reason_is_found(pc: int, kind: str, same_pc: bool, same_kind_: bool) -> None:
    found = compare(
        with_verdict("reject", verdict(Outcome.REJECT, pc, kind, "something else")),
        result("reject", "6.18"),
    )
    assert found.agreement is Agreement.SAME
    assert (found.same_pc, found.same_kind) == (same_pc, same_kind_)
    assert bool(found.cause) is not (same_pc and same_kind_)


# The kernel's verdict


def rejected(log: str, errno: int = 22) -> LoadResult:
    return replace(result("reject", "6.18", log, accepted=False), errno=errno)


def test_a_rejection_without_a_word() -> None:
    found = kernel_verdict(rejected(""))
    assert (found.pc, found.kind) == (-1, "silent")


def test_a_rejection_in_unknown_words_is_at_the_last_instruction() -> None:
    found = kernel_verdict(rejected("0: (b7) r0 = 1 ; R0=1\n1: (95) exit\nnever heard of it\n"))
    assert (found.pc, found.kind, found.message) == (1, "other", "never heard of it")


def test_a_rejection_that_names_its_instruction() -> None:
    found = kernel_verdict(rejected("unreachable insn 7\nprocessed 0 insns (limit 1000000)\n"))
    assert (found.pc, found.kind) == (7, "unreachable")


def test_a_rejection_of_no_instruction() -> None:
    log = "0: (95) exit\ncombined stack size of 2 calls is 600. Too large\n"
    assert kernel_verdict(rejected(log)).pc == -1


def test_kinds_of_reasons_are_those_of_one_table() -> None:
    def kinds(kind: str, mine: str, theirs: str) -> bool:
        kernel = kernel_verdict(rejected(f"0: (95) exit\n{theirs}\n"))
        return same_kind(verdict(Outcome.REJECT, 0, kind, mine), kernel)

    assert kinds("whatever", "the same words", "the same words")
    assert kinds("reference-leak", "x", "Unreleased reference id=2 alloc_insn=0")
    assert kinds("possibly-null", "x", "R0 invalid mem access 'map_value_or_null'")
    assert not kinds("possibly-null", "x", "R0 invalid mem access 'scalar'")
    assert shape("R3 !read_ok at -12") == "R !read_ok at N"
