"""What a corpus of programs reaches: verdicts, kinds of instructions, rules, states.

A rule is reached if it ran; of its conditions, both outcomes are wanted.  States count as
one if they differ in ids alone.  What is counted of rules needs a verifier that counts, so
programs are verified here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from bpfsmt.domain import Reg, State
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.domain.state import SPILL
from bpfsmt.generate.kinds import every_kind, kind_of
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.rules.counting import Condition, counting
from bpfsmt.verifier import verify


class Coverage:
    """Counts over all programs that were added."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._counting, self.counts = counting(rules)
        self.verdicts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        """Of the programs that are not accepted, by the kind of the reason."""
        self.kinds: Counter[str] = Counter()
        self.states: set[int] = set()
        self.numbers: set[int] = set()
        """What is known of numbers, apart from where."""

    def add(self, program: Program) -> Analysis:
        """Verify a program and count what it reaches."""
        analysis = verify(program, self._counting, forgetful=False)
        self.verdicts[analysis.verdict.outcome.value] += 1
        if not analysis.verdict.accepted:
            self.reasons[analysis.verdict.kind] += 1
        self.kinds.update(kind_of(insn) for _, insn in program.instructions())
        for visit in analysis.visits:
            self.states.add(hash(_shape(visit.state)))
            self.numbers.update(hash(reg.scalar) for reg in visit.state.regs)
        return analysis

    @property
    def programs(self) -> int:
        """How many programs were added."""
        return self.verdicts.total()

    @property
    def acceptance(self) -> float:
        """The share of programs that are accepted."""
        return self.verdicts[Outcome.ACCEPT.value] / max(self.programs, 1)

    @property
    def per_thousand(self) -> tuple[float, float]:
        """Distinct states and distinct knowledge of numbers, for a thousand programs."""
        scale = 1000 / max(self.programs, 1)
        return len(self.states) * scale, len(self.numbers) * scale

    def missing_kinds(self) -> list[str]:
        """The kinds of instructions that no program has."""
        return [kind for kind in every_kind() if not self.kinds[kind]]

    def idle_rules(self) -> list[str]:
        """The rules that never ran."""
        return [name for name, calls in self.counts.calls.items() if not calls]

    def missing_outcomes(self, *, ran: bool = False) -> Iterator[tuple[Condition, bool]]:
        """Conditions that never came out so; with ``ran``, those of rules that ran."""
        for n, condition in enumerate(self.counts.conditions):
            for outcome in (False, True):
                seen = self.counts.outcomes[2 * n + outcome]
                if not seen and (not ran or self.counts.calls[condition.rule]):
                    yield condition, outcome

    def shares(self) -> dict[str, tuple[int, int]]:
        """How many of how many: kinds of instructions, rules, outcomes of conditions."""
        outcomes = self.counts.outcomes
        kinds = every_kind()
        return {
            "instructions": (len(kinds) - len(self.missing_kinds()), len(kinds)),
            "rules": (len(self.counts.calls) - len(self.idle_rules()), len(self.counts.calls)),
            "outcomes": (sum(map(bool, outcomes)), len(outcomes)),
        }

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        states, numbers = self.per_thousand
        return {
            "rules": self.rules.name,
            "programs": self.programs,
            "verdicts": dict(self.verdicts),
            "reasons": dict(self.reasons),
            "acceptance": round(self.acceptance, 4),
            "states_per_thousand": round(states, 1),
            "numbers_per_thousand": round(numbers, 1),
            **{name: {"reached": a, "of": b} for name, (a, b) in self.shares().items()},
            "calls": dict(self.counts.calls),
            "missing_instructions": self.missing_kinds(),
            "missing_outcomes": [
                {"rule": c.rule, "line": c.line, "condition": c.text, "outcome": outcome}
                for c, outcome in self.missing_outcomes()
            ],
        }


def _shape(state: State) -> Hashable:
    """A state without its ids."""
    return tuple(
        (
            tuple(map(_known, frame.regs)),
            tuple(
                (n, slot.kinds, _known(slot.spill) if slot.spill and SPILL in slot.kinds else None)
                for n, slot in sorted(frame.stack.items())
            ),
        )
        for frame in state.frames
    )


def _known(reg: Reg) -> Hashable:
    return reg.type.value, reg.scalar, reg.off, reg.range, reg.map
