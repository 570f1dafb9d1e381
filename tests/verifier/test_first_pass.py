"""The first pass: every rejection that needs no register state."""

import pytest

from bpfsmt.domain.analysis import Outcome
from bpfsmt.isa import Instruction
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.verifier import verify

from .common import OUT, PAPER, accepted, rejected, run, with_policy

EXIT = Instruction(0x95)
R0_0 = Instruction(0xB7)


@pytest.mark.parametrize(
    ("slots", "kind", "pc"),
    [
        ((), "program-length", 0),
        ((Instruction(0x05, offset=5), EXIT), "bad-jump", 0),
        ((Instruction(0x05, offset=1), Instruction(0x18), None, EXIT), "bad-jump", 0),
        ((R0_0,), "falls-off", 0),
        ((R0_0, EXIT, EXIT), "unreachable", 2),
        ((R0_0, Instruction(0x05, offset=-2), EXIT), "back-edge", 1),
        ((R0_0, Instruction(0x85, src=1, imm=-2), EXIT), "recursion", 1),
        ((Instruction(0x18, dst=1, src=1, imm=3), None, EXIT), "bad-map-reference", 0),
        ((Instruction(0x85, imm=4000), R0_0, EXIT), "unknown-helper", 0),
        ((Instruction(0xB7, imm=1, offset=3), EXIT), "bad-instruction", 0),
    ],
)
def test_malformed(slots: tuple[Instruction | None, ...], kind: str, pc: int) -> None:
    verdict = verify(Program("x", ProgramType.XDP, slots), PAPER).verdict
    assert (verdict.outcome, verdict.kind, verdict.pc) == (Outcome.REJECT, kind, pc)


@pytest.mark.parametrize(
    "slots",
    [
        (Instruction(0x85, src=2, imm=1), R0_0, EXIT),  # kfunc
        (Instruction(0x85, imm=131), R0_0, EXIT),  # ringbuf_reserve
        (Instruction(0x20, imm=1), EXIT),  # legacy packet load
        (Instruction(0x18, dst=1, src=4, imm=3), None, R0_0, EXIT, R0_0, EXIT),  # callback
        (Instruction(0xE5, offset=0), R0_0, EXIT),  # may_goto
    ],
)
def test_what_is_not_modelled_is_no_rejection(slots: tuple[Instruction | None, ...]) -> None:
    verdict = verify(Program("x", ProgramType.XDP, slots), PAPER).verdict
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert verdict.kind == "unsupported"


def test_length_limit() -> None:
    program = "r0 = 0\n" * 9 + "exit"
    accepted(program, rules=with_policy(max_insns=10))
    rejected(program, "program-length", rules=with_policy(max_insns=9))


def test_helper_of_another_program_type() -> None:
    call = "r1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_skb_vlan_pop" + OUT
    rejected(call, "unknown-helper", pc=5)
    assert run(".type sched_cls\nr6 = r1\ncall bpf_skb_vlan_pop" + OUT).verdict.accepted


def test_direct_value_of_a_map_without_one() -> None:
    rejected("r1 = map[counts][0]+0" + OUT, "bad-map-reference", pc=0)
    rejected("r1 = map[config][0]+16" + OUT, "bad-map-reference", pc=0)
    accepted("r1 = map[config][0]+15\nr0 = *(u8 *)(r1 + 0)\nexit")


def test_calls_only_if_the_policy_admits_them() -> None:
    program = "call f\nexit\nf:\nr0 = 0\nexit"
    accepted(program)
    rejected(program, "local-calls", pc=0, rules=with_policy(calls=False))
