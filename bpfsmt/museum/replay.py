"""An exhibit's program: believed safe by its rules, and run.

Where the fault is in code that runs in place of an instruction, the machine runs that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpfsmt.crosscheck.concrete import Violation, check_trace
from bpfsmt.domain.analysis import Verdict
from bpfsmt.isa import AluOp, Class, Instruction
from bpfsmt.machine import Environment, Inputs, run
from bpfsmt.machine.code import Code
from bpfsmt.machine.memory import Fault
from bpfsmt.program import Program, load_asm
from bpfsmt.rules.linux.emitted import GOES_ON, LEAVES
from bpfsmt.rules.museum import Exhibit
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.verifier import verify

PACKET = bytes(64)


@dataclass(frozen=True)
class Belief:
    """What one rule set says of the program, and the run of what it emits.

    ``false`` are the claims that the run contradicts; an accepted program that faults is
    wrong too.  ``fault`` says where the run ended, if it did not end well.
    """

    verdict: Verdict
    false: tuple[Violation, ...]
    fault: str

    @property
    def accepted(self) -> bool:
        """The program may run."""
        return self.verdict.accepted

    @property
    def wrong(self) -> bool:
        """It may run, and does what was ruled out."""
        return self.accepted and bool(self.false or self.fault)


@dataclass(frozen=True)
class Replay:
    """The program with the fault and without it."""

    wrong: Belief
    right: Belief

    @property
    def shown(self) -> bool:
        """The fault lets the program through, and its correction does not, or does no harm."""
        return self.wrong.wrong and not self.right.wrong


def replay(exhibit: Exhibit) -> Replay | None:
    """Verify the exhibit's program with both rule sets and run it; `None` if it has none."""
    if exhibit.program is None:
        return None
    program = load_asm(exhibit.program.read_text(), exhibit.name)
    other = None if exhibit.other is None else load_asm(exhibit.other.read_text(), "other")
    return Replay(*(believe(program, rules, other) for rules in (exhibit.rules, exhibit.base)))


def believe(program: Program, rules: RuleSet, other: Program | None = None) -> Belief:
    """Verify a program, run what is emitted for it, and hold the claims against the run.

    Tail calls with index 0 lead to the ``other``.
    """
    analysis = verify(program, rules)
    places = ((m.name, 0) for m in program.maps if m.type == "prog_array" and other is not None)
    env = Environment(programs={place: other for place in places if other is not None})
    result = run(emitted(program, rules), Inputs(PACKET), env, trace=True, engine="interpret")
    assert result.trace is not None
    false = check_trace(analysis, result.trace) if analysis.verdict.accepted else []
    return Belief(analysis.verdict, tuple(false), str(result.fault or ""))


def emitted(program: Program, rules: RuleSet) -> Code:
    """The program's code, with the rule set's code for divisions if it says anything of that."""
    code = Code(program)
    for pc, insn in program.instructions():
        rule = _division(insn, rules)
        if rule is not None:
            code.ops[pc] = _divide(pc, insn, rule)
    return code


def _division(insn: Instruction, rules: RuleSet) -> Callable[[int, int], Any] | None:
    if not insn.is_alu or insn.alu_op not in (AluOp.DIV, AluOp.MOD) or not insn.uses_reg:
        return None
    bits = 64 if insn.cls is Class.ALU64 else 32
    signed = "s" if insn.offset == 1 else ""
    return rules.linked.ints.get(f"emitted_{signed}{insn.alu_op.name.lower()}{bits}")


def _divide(pc: int, insn: Instruction, rule: Callable[[int, int], Any]) -> Any:
    def op(interpreter: Any, regs: list[int]) -> int:
        dst, src, then = rule(regs[insn.dst], regs[insn.src])
        if then == GOES_ON:
            regs[insn.src], regs[insn.dst] = src, dst
            return pc + 1
        if then == LEAVES:
            regs[0] = 0
            left: int = interpreter.leave()
            return left
        raise Fault("a division that traps")

    return op
