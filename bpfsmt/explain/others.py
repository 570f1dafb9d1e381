"""Which other verifiers accept the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpfsmt.domain.analysis import Analysis, Verdict
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, rule_set, rule_set_names


@dataclass(frozen=True, slots=True)
class Other:
    """What one rule set, or a kernel, says of the program."""

    name: str
    verdict: str
    pc: int = -1
    kind: str = ""
    repaired: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; ``repaired`` is its verdict on the program with the check added."""
        return {
            "name": self.name, "verdict": self.verdict, "pc": self.pc, "kind": self.kind,
            "repaired": self.repaired,
        }  # fmt: skip


def ask_others(
    program: Program,
    rules: RuleSet,
    repaired: Program | None,
    verify: Callable[..., Analysis],
) -> list[Other]:
    """All rule sets that come with bpfsmt, but the one that was asked first."""
    found = []
    for name in rule_set_names():
        other = rule_set(name)
        if other.fingerprint == rules.fingerprint and other.policy == rules.policy:
            continue
        verdict = verify(program, other, record=False).verdict
        after = (
            "" if repaired is None else verify(repaired, other, record=False).verdict.outcome.value
        )
        found.append(_of(name, verdict, after))
    return found


def _of(name: str, verdict: Verdict, repaired: str) -> Other:
    return Other(name, verdict.outcome.value, verdict.pc, verdict.kind, repaired)
