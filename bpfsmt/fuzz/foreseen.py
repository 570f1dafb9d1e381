"""What rules would have foreseen, where they reject a program before they come to it.

A program that is rejected has no runs, so that a finding is not there any more says nothing of
it by itself.  But the walk may begin anew with these rules, in the very state from which a run
went astray: what it then claims has to be true of that run, up to the first step that is
outside of the claims that the finding is about.  And of the rules with the fault the same must
not be so: else it is where the walk began that made the difference.
"""

from __future__ import annotations

from bpfsmt.crosscheck.concrete import TraceCheck
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.fuzz.finding import Shown
from bpfsmt.fuzz.machine import Watch
from bpfsmt.fuzz.steps import FROM_PRUNED, Steps
from bpfsmt.machine import Fault, Trace
from bpfsmt.rules import RuleSet
from bpfsmt.verifier.linux import verify_from

DRAWS = 8
"""So many times as many states are drawn as when the finding was met."""


def step_foreseen(watch: Watch, rules: RuleSet, mended: RuleSet, shown: Shown) -> bool:
    """Whether ``mended`` claim nothing false of the step that a finding's input shows.

    ``watch`` has the claims, by ``rules``, of which the finding says that one is false.
    """
    strays = None if shown.witness is None else watch.strays(shown.witness)
    if strays is None:
        return False
    trace, index, state = strays
    program, pc = watch.analysis.program, trace.steps[index - 1].pc
    wrong, right = (
        TraceCheck(verify_from(program, r, state, pc)).at(trace, index)[1] for r in (rules, mended)
    )
    return bool(wrong) and not right


def ways_foreseen(
    claims: Analysis, full: Analysis, rules: RuleSet, mended: RuleSet, shown: Shown
) -> bool:
    """The same of a state that another one stands for: of all ways to what was not foreseen.

    ``claims`` are those of the walk with ``rules``, where the finding is, ``full`` is all that
    it knew.
    """
    steps, stands, found = Steps(full, rules), TraceCheck(claims), False
    for number, edge in enumerate(full.edges):
        if not edge.pruned or edge.pc != shown.pc:
            continue
        begun: list[Analysis] = []
        for n in range(DRAWS * FROM_PRUNED):
            astray = steps.astray(edge, f"foreseen {number}/{n}")
            if astray is None:
                continue
            found = True
            begun = begun or [
                verify_from(full.program, r, edge.state, edge.pc) for r in (rules, mended)
            ]
            before, after = (_foreseen(stands, local, *astray) for local in begun)
            if before or not after:
                return False
    return found


def _foreseen(stands: TraceCheck, local: Analysis, trace: Trace, fault: Fault | None) -> bool:
    """Whether what the walk begun anew claims is true for longer than what is claimed.

    What is claimed from the start on was never true; then it has to be true to the end, and
    a fault has to be where the program is rejected.
    """
    false, left = _outside(stands, trace), _outside(TraceCheck(local), trace)
    if false:
        return left is None or left > false
    rejected = local.verdict.outcome is Outcome.REJECT
    return left is None and (fault is None or (rejected and local.verdict.pc == fault.pc))


def _outside(check: TraceCheck, trace: Trace) -> int | None:
    """The first step outside of the claims."""
    return next((n for n in range(len(trace.steps)) if check.at(trace, n)[1]), None)


__all__ = ["step_foreseen", "ways_foreseen"]
