"""The main job: a producer's claims about a program, proved or refuted for all inputs."""

from __future__ import annotations

import time
from dataclasses import replace

from bpfsmt.cfg import build_cfg
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.forget import forgetting
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.crosscheck.precision import measure
from bpfsmt.crosscheck.replay import replay
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.settle import has_form, settle
from bpfsmt.crosscheck.whole import NO_FORMULA, Whole
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.kernel.log import parse_log
from bpfsmt.program.program import Program
from bpfsmt.prover import Solver
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.symbolic.encode import Encoding, encode
from bpfsmt.verifier import verify

MERGED_SECONDS = 8.0
"""How long the merged query of the global check may take."""


UNREAD_SHOWN = 20
"""So many lines of a log that are not understood are findings of their own."""


def crosscheck(
    program: Program,
    rules: RuleSet | str = "xdp-paper",
    *,
    timeout: float = 30.0,
    precision_seconds: float = 3.0,
) -> Report:
    """Verify ``program`` with ``rules`` and check every claim of the analysis with Z3.

    ``timeout`` bounds each query, ``precision_seconds`` the measuring of gaps (0: none).
    """
    chosen = rule_set(rules) if isinstance(rules, str) else rules
    return check(verify(program, chosen), timeout=timeout, precision_seconds=precision_seconds)


def check(analysis: Analysis, *, timeout: float = 30.0, precision_seconds: float = 3.0) -> Report:
    """Check the claims of any producer's analysis."""
    start = time.perf_counter()
    solver = Solver(timeout)
    analysis = forgetting(analysis, solver)
    report = Report(analysis, blocks=_blocks(analysis.program))
    report.findings += Inductive(analysis, solver).run()
    encoding, why = _encoding(analysis.program)
    if any(edge.kind == "over" for edge in analysis.edges):
        encoding, why = None, "a function is verified apart"
    if analysis.verdict.accepted:
        induction = all(f.status is Status.PROVED for f in report.findings)
        if encoding is None and induction:
            claim = f"no run leaves the claims ({why})"
            report.findings.append(Finding("global", 0, Status.PROVED, claim, NO_FORMULA))
        elif encoding is None:
            report.findings.append(Finding("global", 0, Status.UNKNOWN, why=why))
        else:
            whole = Whole(analysis, encoding, solver)
            report.findings += whole.run(induction=induction, seconds=min(timeout, MERGED_SECONDS))
            if precision_seconds and not report.refuted:
                report.precision = measure(analysis, encoding, seconds=precision_seconds)
    else:
        _settle(report, encoding, why, solver)
    if encoding is not None:
        report.findings = [replay(analysis, encoding, f) for f in report.findings]
    report.seconds = time.perf_counter() - start
    return report


def check_log(
    program: Program,
    log: str,
    *,
    producer: str = "kernel",
    accepted: bool | None = None,
    complete: bool = True,
    timeout: float = 30.0,
    precision_seconds: float = 3.0,
) -> Report:
    """Check what a kernel said of ``program`` in its verifier's log, written at level 2.

    ``accepted`` is the kernel's answer, if it is known apart from the log.  A line that is
    not understood may claim something, so it is a finding without an answer; of a log
    that is not ``complete`` nothing is checked.
    """
    if not complete:
        return _cut_off(program, producer, accepted)
    parsed = parse_log(program, log, producer=producer, accepted=accepted)
    report = check(parsed.analysis, timeout=timeout, precision_seconds=precision_seconds)
    for number, line in parsed.unread[:UNREAD_SHOWN]:
        why = f"line {number} of the log is not understood"
        report.findings.append(Finding("log", -1, Status.UNKNOWN, line.strip(), why))
    more = len(parsed.unread) - UNREAD_SHOWN
    if more > 0:
        why = f"{more} more lines of the log are not understood"
        report.findings.append(Finding("log", -1, Status.UNKNOWN, why=why))
    return report


def _cut_off(program: Program, producer: str, accepted: bool | None) -> Report:
    """Of a log without its beginning nothing can be checked."""
    outcome = {True: Outcome.ACCEPT, False: Outcome.REJECT, None: Outcome.UNSUPPORTED}[accepted]
    report = Report(Analysis(program, producer, Verdict(outcome)), blocks=_blocks(program))
    why = "the log is cut off: it did not fit the largest buffer"
    report.findings.append(Finding("log", -1, Status.UNKNOWN, why=why))
    return report


def _blocks(program: Program) -> int:
    try:
        return len(build_cfg(program).graph)
    except BpfsmtError:
        return 0


def _encoding(program: Program) -> tuple[Encoding | None, str]:
    try:
        return encode(program), ""
    except UnsupportedError as e:
        return None, str(e)


def _settle(report: Report, encoding: Encoding | None, why: str, solver: Solver) -> None:
    """Say of a rejection whether it is true, false, or about the program's form."""
    verdict, program = report.analysis.verdict, report.analysis.program
    if verdict.outcome is Outcome.UNSUPPORTED:
        unsupported = Finding("rejection", verdict.pc, Status.UNKNOWN, why=verdict.reason)
        report.rejection, report.settlement = unsupported, "unknown"
        return
    form = has_form(program, verdict.kind)
    if form:
        report.settlement = "form"
        report.rejection = Finding(
            "rejection", verdict.pc, Status.PROVED, f"the program has the form: {verdict.kind}"
        )
        return
    if encoding is None:
        report.rejection = Finding("rejection", verdict.pc, Status.UNKNOWN, why=why)
        report.settlement = "unknown"
        return
    finding = settle(encoding, solver, verdict.pc, uninit_stack=report.analysis.uninit_stack)
    if finding.status is Status.REFUTED:
        finding = replay(report.analysis, encoding, finding)
        if not finding.replayed:
            finding = replace(
                finding, status=Status.UNKNOWN, why=f"the witness did not replay: {finding.why}"
            )
    report.rejection = finding
    report.settlement = {
        Status.PROVED: "false", Status.REFUTED: "true", Status.UNKNOWN: "unknown",
    }[finding.status]  # fmt: skip
