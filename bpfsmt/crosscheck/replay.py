"""Replaying a refutation on the concrete machine: only then is it called refuted.

A global witness is a whole run: packet, context and the environment's answers.  The run is
traced, and the independent concrete checker must find it outside the claims, or, where
safety is in question, the machine must fault or something must be misused.  A
counterexample to an inductive step need not be reachable by any run, so it has no replay.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.crosscheck.concrete import check_trace
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.misuse import misuse
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.domain.analysis import Analysis
from bpfsmt.machine import Code, Inputs, Result, ScriptedEnvironment, run
from bpfsmt.program.program import Program
from bpfsmt.symbolic.encode import Encoding


def run_witness(
    program: Program | Code, witness: Witness, *, seed: int = 0, budget: int = 1_000_000
) -> Result:
    """The concrete run that a witness stands for, traced; ``seed`` picks the stack's junk."""
    env = ScriptedEnvironment(witness.events)
    inputs = Inputs(witness.packet, witness.ctx, witness.meta)
    return run(program, inputs, env, budget=budget, trace=True, seed=seed)


def replay(analysis: Analysis, encoding: Encoding, finding: Finding) -> Finding:
    """The finding with its replay; a whole-run refutation that does not replay is unknown."""
    if finding.status is not Status.REFUTED or finding.replayed:
        return finding
    if "model" in finding.witness:
        witness = witness_of(encoding, finding.witness["model"])
        finding = replace(finding, witness={"inputs": witness})
    found = finding.witness.get("inputs")
    if not isinstance(found, Witness):
        return finding
    program = encoding.program
    shown = _danger(program, found) if finding.check in ("safety", "rejection") else None
    if finding.check in ("global", "unreachable"):
        shown = _violation(analysis, found)
    if not shown:
        why = f"the witness did not replay ({finding.why})"
        return replace(finding, status=Status.UNKNOWN, why=why)
    return replace(finding, why=f"{finding.why}; in the replay {shown}", replayed=True)


def _violation(analysis: Analysis, witness: Witness) -> str | None:
    """The first place where the run is outside the claims."""
    trace = run_witness(analysis.program, witness).trace
    violations = check_trace(analysis, trace) if trace is not None else []
    return str(violations[0]) if violations else None


def _danger(program: Program, witness: Witness) -> str | None:
    """What goes wrong in the run: a fault, junk that is read, a contract broken."""
    one, two = run_witness(program, witness), run_witness(program, witness, seed=1)
    if one.trace is not None and two.trace is not None:
        shown = misuse(program, one.trace, two.trace)
        if shown:
            return shown
    return f"the machine faults: {one.fault}" if one.outcome == "fault" else None
