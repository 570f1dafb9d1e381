"""Replaying a refutation on the concrete machine: only then is it called refuted.

A global witness is a whole run: packet, context and the environment's answers.  The run is
traced, and the independent concrete checker must find it outside the claims (or the machine
must fault, where safety was claimed).  A counterexample to an inductive step need not be
reachable; it is replayed by the one step on numbers.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.crosscheck.concrete import check_trace
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.domain.analysis import Analysis
from bpfsmt.machine import Inputs, Result, run
from bpfsmt.machine.env import ScriptedEnvironment
from bpfsmt.symbolic.encode import Encoding


def run_witness(encoding: Encoding, witness: Witness) -> Result:
    """The concrete run that a witness stands for, traced."""
    env = ScriptedEnvironment(witness.events)
    inputs = Inputs(witness.packet, witness.ctx, witness.meta)
    return run(encoding.program, inputs, env, trace=True)


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
    result = run_witness(encoding, found)
    if finding.check in ("safety", "rejection"):
        shown = f"the machine faults: {result.fault}" if result.outcome == "fault" else ""
    else:
        violations = check_trace(analysis, result.trace)
        shown = f"in the replay {violations[0]}" if violations else ""
    if not shown:
        why = f"the witness did not replay ({finding.why})"
        return replace(finding, status=Status.UNKNOWN, why=why)
    return replace(finding, why=f"{finding.why}; {shown}", replayed=True)
