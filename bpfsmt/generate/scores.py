"""How interesting a program is: what `hypothesis.target` may push towards.

* ``refinements``: branches behind which a number is known better than before;
* ``narrow``: different things known of numbers that are neither constants nor anything;
* ``loose``: by how many bits claims of this kind are wider than what runs have shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bpfsmt.domain import UNKNOWN, RegType, Scalar
from bpfsmt.domain.analysis import Analysis
from bpfsmt.machine import Inputs, Trace, run
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.verifier import verify

Score = Callable[[Program], Mapping[str, float]]

PACKETS = (bytes(64), bytes(range(128)), b"\xff" * 64)
"""What programs run on to see how loose the claims are."""

_ARMS = ("taken", "not-taken")


def scores(analysis: Analysis, traces: Iterable[Trace] = ()) -> dict[str, float]:
    """The scores of one program, 0 where it is not accepted."""
    if not analysis.verdict.accepted:
        return {"refinements": 0.0, "narrow": 0.0, "loose": 0.0}
    known = {reg.scalar for v in analysis.visits for reg in v.state.regs if _is_partial(reg.scalar)}
    return {
        "refinements": float(refinements(analysis)),
        "narrow": float(len(known)),
        "loose": looseness(analysis, traces),
    }


def refinements(analysis: Analysis) -> int:
    """How many branches, on any path, tell something of a number in a register."""
    before = {visit.index: visit.state.regs for visit in analysis.visits}
    return sum(
        any(
            a.type is b.type is RegType.SCALAR_VALUE and a.scalar != b.scalar
            for a, b in zip(before[edge.src], edge.state.regs, strict=True)
        )
        for edge in analysis.edges
        if edge.kind in _ARMS and edge.src >= 0
    )


def _is_partial(scalar: Scalar) -> bool:
    return scalar.var_off.mask != 0 and scalar != UNKNOWN


@dataclass(slots=True)
class _Span:
    """The least and the greatest claim, and the least and the greatest value seen."""

    low: int
    high: int
    least: int = 1 << 64
    greatest: int = -1


def looseness(analysis: Analysis, traces: Iterable[Trace]) -> float:
    """By how many bits claimed ranges are wider than the values seen there, on average.

    Of numbers that something but not all is known of, where a run came by.
    """
    claimed: dict[tuple[int, int], _Span] = {}
    for visit in analysis.visits:
        for n, reg in enumerate(visit.state.regs):
            if reg.type is RegType.SCALAR_VALUE and _is_partial(reg.scalar):
                low, high = reg.scalar.umin, reg.scalar.umax
                span = claimed.setdefault((visit.pc, n), _Span(low, high))
                span.low, span.high = min(span.low, low), max(span.high, high)
    for trace in traces:
        for step in trace.steps:
            for n, value in enumerate(step.regs):
                seen = claimed.get((step.pc, n))
                if seen is not None and step.written >> n & 1:
                    seen.least, seen.greatest = min(seen.least, value), max(seen.greatest, value)
    gaps = [
        (s.high - s.low).bit_length() - (s.greatest - s.least).bit_length()
        for s in claimed.values()
        if s.greatest >= 0
    ]
    return sum(gaps) / len(gaps) if gaps else 0.0


def scoring(rules: RuleSet, packets: Iterable[bytes] = PACKETS) -> Score:
    """A score for `bpfsmt.generate.sample`: verify a program, run it if it is accepted."""
    inputs = [Inputs(packet) for packet in packets]

    def score(program: Program) -> Mapping[str, float]:
        analysis = verify(program, rules)
        accepted = analysis.verdict.accepted
        results = (run(program, each, trace=True, budget=20_000) for each in inputs if accepted)
        return scores(analysis, [r.trace for r in results if r.trace is not None])

    return score
