"""The result of cross-checking one program: the claims, the findings, the numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.precision import Precision
from bpfsmt.domain.analysis import Analysis
from bpfsmt.symbolic.claims import locations

EXIT_PROVED, EXIT_REFUTED, EXIT_INPUT, EXIT_UNKNOWN = 0, 1, 2, 3
"""Exit codes: all proved; something refuted; bad usage or input; something unknown."""


@dataclass
class Report:
    """One program's cross-check.

    ``findings`` are the answers about claims; ``settlement`` says of a rejected program
    whether the rejection was true, false or a matter of form ("true", "false", "form",
    "unknown", and "" for an accepted program), with ``rejection`` as its finding.
    """

    analysis: Analysis
    findings: list[Finding] = field(default_factory=list)
    settlement: str = ""
    rejection: Finding | None = None
    precision: Precision | None = None
    blocks: int = 0
    seconds: float = 0.0

    @property
    def claims(self) -> int:
        """How many claims there are: registers and stack slots, over all visits."""
        own = len(self.analysis.visits) - self.analysis.copies
        return sum(1 for v in self.analysis.visits[:own] for _ in locations(v.state))

    def count(self, status: Status) -> int:
        """How many obligations have this answer."""
        return Counter(f.status for f in self.findings)[status]

    @property
    def refuted(self) -> list[Finding]:
        """The findings that refute a claim."""
        return [f for f in self.findings if f.status is Status.REFUTED]

    @property
    def unknown(self) -> list[Finding]:
        """The findings without an answer, the settlement included."""
        open_ = [f for f in self.findings if f.status is Status.UNKNOWN]
        if self.settlement == "unknown" and self.rejection is not None:
            open_.append(self.rejection)
        return open_

    @property
    def exit_code(self) -> int:
        """1 if a claim is refuted, else 3 if anything is unknown, else 0."""
        if self.refuted:
            return EXIT_REFUTED
        return EXIT_UNKNOWN if self.unknown else EXIT_PROVED

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        p = self.precision
        return {
            "program": self.analysis.program.name,
            "type": self.analysis.program.type.value,
            "producer": self.analysis.producer,
            "instructions": len(self.analysis.program),
            "blocks": self.blocks,
            "walked": self.analysis.walked,
            "verdict": self.analysis.verdict.outcome.value,
            "pc": self.analysis.verdict.pc,
            "kind": self.analysis.verdict.kind,
            "reason": self.analysis.verdict.reason,
            "settlement": self.settlement,
            "claims": self.claims,
            "obligations": {s.value: self.count(s) for s in Status},
            "precision": None if p is None else {
                "median_bits": p.median, "measured": len(p.gaps), "skipped": p.skipped,
            },
            "seconds": round(self.seconds, 3),
            "findings": [
                finding_json(f) for f in self.findings if f.status is not Status.PROVED
            ] + ([finding_json(self.rejection)] if self.rejection else []),
        }  # fmt: skip


def finding_json(f: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    witness = {k: v.to_json() if hasattr(v, "to_json") else str(v) for k, v in f.witness.items()}
    return {
        "check": f.check, "pc": f.pc, "status": f.status.value, "claim": f.claim, "why": f.why,
        "replayed": f.replayed, "witness": witness, "seconds": round(f.seconds, 4),
    }  # fmt: skip
