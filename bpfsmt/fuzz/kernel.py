"""The running kernel as an oracle: its verdict and states beside ours, its runs beside ours.

Verdicts and states are compared only with the rule set that means this kernel, or a user's
changed copy of it; results of test runs whatever the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bpfsmt.agree import causes
from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.compare import Agreement, Compared, compare
from bpfsmt.agree.relation import Relation
from bpfsmt.conformance.case import Agreement as Alike
from bpfsmt.conformance.case import Case
from bpfsmt.conformance.check import check
from bpfsmt.conformance.generated import fed_case
from bpfsmt.domain.analysis import Analysis
from bpfsmt.errors import OracleError
from bpfsmt.fuzz.addresses import shows_addresses
from bpfsmt.fuzz.blame import rule_of
from bpfsmt.fuzz.finding import Key, Kind, Oracle, Shown
from bpfsmt.fuzz.known import left_of
from bpfsmt.fuzz.unwritten import reads_unwritten
from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.isa.opcodes import JmpOp, LdImm64Src
from bpfsmt.kernel import RunningKernel
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.semantics.helpers import HELPERS

RUNS = 4
"""Test runs of each accepted program."""


def means(spec: str, rules: RuleSet, release: str) -> bool:
    """Whether a rule set is that of this kernel, or in a user's file and made from it."""
    try:
        name = rules_for(release)
    except OracleError:
        return False
    at: RuleSet | None = rules if spec.endswith(".py") else None
    while at is not None:
        if at.name == name:
            return True
        at = at.base
    return rules.name == name


class Kernel:
    """The running kernel on one program; ``counts`` says what came of it.

    Raises `OracleError` where it cannot be asked.
    """

    def __init__(self, program: Program, rules: RuleSet, spec: str) -> None:
        self.counts: Counter[str] = Counter()
        self._program = program
        self._rules = rules
        self._kernel = RunningKernel()
        self._same = means(spec, rules, self._kernel.release)

    def loads(self, analysis: Analysis) -> Iterator[Shown]:
        """In what its verifier differs from ours, of which this is all that it knew."""
        if not self._same:
            return
        result = self._kernel.load(self._program)
        others = list(causes.without(result, self._rules))
        found = compare(analysis, result, others=others)
        self.counts["kernel loads"] += 1
        self.counts[f"kernel {'accept' if found.kernel.accepted else 'reject'}"] += 1
        if found.agreement is Agreement.UNSUPPORTED:
            self.counts["kernel unsupported"] += 1
        elif found.agreement is not Agreement.SAME:
            same = (c for c, a in others if compare(a, result).agreement is Agreement.SAME)
            yield replace(self._verdict(found), cause=next(same, ""))
        yield from self._states(found)

    def _verdict(self, found: Compared) -> Shown:
        pc = max(found.ours.pc, found.kernel.pc, 0)
        said = [v.kind or v.outcome.value for v in (found.ours, found.kernel)]
        rule = rule_of(self._program, pc, None, to=-1, where="")
        key = Key(Kind.VERDICT.value, rule, f"ours {said[0]}, kernel {said[1]}")
        return Shown(key, Oracle.KERNEL, pc, found.cause)

    def _states(self, found: Compared) -> Iterator[Shown]:
        if found.states is None:
            return
        self.counts["kernel states"] += found.states.total
        for pair in [p for p in found.states.told if p.relation is not Relation.NAMES][:1]:
            # What differs later on is mostly what follows from the first difference.
            to = pair.pc + 1 if pair.after else pair.pc
            at = rule_of(self._program, pair.pc, None, to=to, where=pair.place)
            key = Key(Kind.STATE.value, at if pair.after else "path", pair.relation.value)
            text = f"{pair.place} at {pair.pc}: ours {pair.ours}, kernel {pair.kernel}"
            known = "; ".join(found.states.explained) if not found.states.unexplained else ""
            yield Shown(key, Oracle.KERNEL, pair.pc, text, cause=known)

    def runs(self, analysis: Analysis, name: str) -> Iterator[Shown]:
        """In what its test runs differ from the machine's; ``analysis`` is all that we knew."""
        chance = shows_addresses(analysis) or reads_unwritten(analysis)
        if chance or not repeatable(self._program):
            self.counts["kernel not repeatable"] += 1
            return
        case = fed_case(self._program, name, RUNS)
        checked = check(case)
        self.counts["kernel runs"] += checked.pairs
        self.counts[f"kernel {checked.agreement.value}"] += 1
        if checked.agreement is Alike.DIFFERENT:
            first = checked.differences[0]
            key = Key(Kind.RESULT.value, first.engine, " ".join(first.what.split()[:2]))
            yield Shown(key, Oracle.KERNEL, 0, str(first), cause=self._believed(case))

    def _believed(self, case: Case) -> str:
        """The known fault of the running kernel because of which it runs something else.

        It is one if the machine, given what is left of the program by it, does the same.
        """
        try:
            rules = rule_set(rules_for(self._kernel.release))
        except OracleError:
            return ""
        left = left_of(case.program, rules)
        same = (c for c, p in left if check(case, instead=p).agreement is Alike.SAME)
        return next(same, "")


_DEVICES = {
    HELPER_IDS[name]
    for name in (
        "bpf_check_mtu", "bpf_ringbuf_reserve", "bpf_ringbuf_query", "bpf_get_hash_recalc",
    )
}  # fmt: skip
"""Helpers of which every machine knows something else: its devices, memory, and secrets."""


def repeatable(program: Program) -> bool:
    """Whether a run gives the same on another machine: no clock, no chance, no number of a CPU."""
    for _, insn in program.instructions():
        if insn.is_jmp and insn.jmp_op is JmpOp.JCOND:  # how many rounds there are
            return False
        if insn.helper in _DEVICES or (insn.helper in HELPERS and not HELPERS[insn.imm].args):
            return False
        if insn.is_ld_imm64 and insn.src == LdImm64Src.CODE:
            return False
    return True
