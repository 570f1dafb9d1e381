"""What our verifier and a kernel say of one program, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bpfsmt.agree.states import States, compare_states
from bpfsmt.agree.verdicts import MEMORY_SAFETY, kernel_verdict, same_kind, shape
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.kernel.oracle import LoadResult


class Agreement(Enum):
    """How two verdicts stand to each other; anything but `SAME` is a disagreement."""

    SAME = "same"
    FALSE_ACCEPT = "we accept, the kernel rejects"
    FALSE_REJECT = "we reject, the kernel accepts"
    UNSUPPORTED = "we do not support it"
    FAILED = "our verifier failed"


@dataclass(frozen=True, slots=True)
class Compared:
    """One program: both verdicts, and how they and the states stand to each other.

    ``same_pc`` and ``same_kind`` are of two rejections, `None` where there are not two or,
    of the instruction, where one names none.  ``states`` is `None` where they were not kept.
    """

    name: str
    ours: Verdict
    kernel: Verdict
    agreement: Agreement
    same_pc: bool | None = None
    same_kind: bool | None = None
    walked: tuple[int | None, int | None] = (None, None)
    states: States | None = None
    seconds: float = 0.0

    @property
    def unsafe(self) -> bool:
        """We accept what the kernel rejects to keep memory safe."""
        return self.agreement is Agreement.FALSE_ACCEPT and self.kernel.kind in MEMORY_SAFETY

    @property
    def cause(self) -> str:
        """What a disagreement is grouped by, "" where the verdicts and reasons are the same."""
        ours, kernel = _said(self.ours), _said(self.kernel)
        if self.agreement is Agreement.SAME:
            if self.ours.outcome is Outcome.ACCEPT or (
                self.same_kind and self.same_pc is not False
            ):
                return ""
            where = "" if self.same_pc is not False else "elsewhere, "
            return f"both reject, {where}ours: {ours}; kernel: {kernel}"
        return f"{self.agreement.value}: " + "; ".join(
            part for part in (ours and f"ours: {ours}", kernel and f"kernel: {kernel}") if part
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "program": self.name,
            "agreement": self.agreement.name.lower(),
            "ours": _verdict_json(self.ours),
            "kernel": _verdict_json(self.kernel),
            "same_pc": self.same_pc,
            "same_kind": self.same_kind,
            "unsafe": self.unsafe,
            "walked": {"ours": self.walked[0], "kernel": self.walked[1]},
            "states": self.states.to_json() if self.states else None,
            "cause": self.cause,
            "seconds": round(self.seconds, 4),
        }


def compare(
    analysis: Analysis,
    result: LoadResult,
    *,
    seconds: float = 0.0,
    others: Iterable[tuple[str, Analysis]] = (),
) -> Compared:
    """Compare what a verifier of ours says with what a kernel does, of the same program.

    The states of the analysis, where it has any, are to be whole (not ``forgetful``).
    ``seconds`` is what our verifier took; ``others`` explain differences (`compare_states`).
    """
    ours, kernel = analysis.verdict, kernel_verdict(result)
    agreement = _agreement(ours, kernel)
    both = ours.outcome is kernel.outcome is Outcome.REJECT
    named = both and ours.pc >= 0 and kernel.pc >= 0
    return Compared(
        analysis.program.name, ours, kernel, agreement,
        same_pc=ours.pc == kernel.pc if named else None,
        same_kind=same_kind(ours, kernel) if both else None,
        walked=(analysis.walked, result.insns_processed),
        states=compare_states(analysis, result, others) if analysis.visits else None,
        seconds=seconds,
    )  # fmt: skip


def failed(name: str, why: str, result: LoadResult) -> Compared:
    """The comparison where our verifier ended with an exception."""
    ours = Verdict(Outcome.UNSUPPORTED, -1, "failed", why, why)
    walked = (None, result.insns_processed)
    return Compared(name, ours, kernel_verdict(result), Agreement.FAILED, walked=walked)


def _agreement(ours: Verdict, kernel: Verdict) -> Agreement:
    if ours.outcome is Outcome.UNSUPPORTED:
        return Agreement.UNSUPPORTED
    if ours.outcome is kernel.outcome:
        return Agreement.SAME
    return Agreement.FALSE_ACCEPT if ours.accepted else Agreement.FALSE_REJECT


def _said(verdict: Verdict) -> str:
    return shape(verdict.message or verdict.kind)


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.outcome.value,
        "pc": verdict.pc if verdict.pc >= 0 else None,
        "kind": verdict.kind,
        "message": verdict.message,
    }
