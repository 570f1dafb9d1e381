"""What is known of one program after its cross-check, as plain data that crosses processes.

Tables and JSON are both made from it, so that they cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.cli.boundary import (
    EXIT_BUG,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    worst,
)
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.whole import BY_INDUCTION, NO_FORMULA
from bpfsmt.domain.analysis import Outcome, Verdict
from bpfsmt.program import Expectation

Checks = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Result:
    """One program's outcome; exactly one of ``report``, ``unknown``, ``error`` and ``bug`` is set.

    ``report`` is `Report.to_json`, ``checks`` counts its obligations by check and answer.
    ``inferred`` counts the global obligations that are proved by the inductive check alone,
    for the reason ``inferred_why``.  ``unexpected`` says in what the
    verdict differs from what the program's author wrote, ``unknown`` why there is no report
    (out of memory, say), ``error`` what is wrong with the input, ``bug`` the traceback of an
    unforeseen exception.
    """

    file: str
    program: str
    report: dict[str, Any] | None = None
    checks: Checks = field(default_factory=dict)
    inferred: int = 0
    inferred_why: str = ""
    code: int = EXIT_PROVED
    unexpected: str = ""
    unknown: str = ""
    error: str = ""
    bug: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of this program alone."""
        if self.bug:
            return EXIT_BUG
        if self.error:
            return EXIT_INPUT
        if self.unknown:
            return EXIT_UNKNOWN
        return EXIT_REFUTED if self.unexpected else self.code

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        base: dict[str, Any] = {"file": self.file, "program": self.program}
        if self.report is not None:
            own = {
                "checks": self.checks,
                "inferred": self.inferred,
                "unexpected": self.unexpected,
            }
            return base | self.report | own
        why = {"unknown": self.unknown, "error": self.error, "bug": self.bug}
        return base | {key: text for key, text in why.items() if text}


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run: the results in the order of the arguments, and the files that were no good."""

    rules: str
    results: Sequence[Result]
    errors: Sequence[str]
    seconds: float
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """The worst of all, see `worst`."""
        codes = {result.exit_code for result in self.results}
        codes |= {EXIT_INPUT} if self.errors else set()
        codes |= {EXIT_INTERRUPTED} if self.interrupted else set()
        return worst(codes)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The reports that there are."""
        return [result.report for result in self.results if result.report is not None]

    def total(self) -> dict[str, Any]:
        """The sums over all programs."""
        obligations: Counter[str] = Counter()
        for report in self.reports:
            obligations.update(report["obligations"])
        verdicts = Counter(report["verdict"] for report in self.reports)
        settled = Counter(r["settlement"] for r in self.reports if r["verdict"] == "reject")
        return {
            "programs": len(self.results),
            "verdicts": {outcome.value: verdicts[outcome.value] for outcome in Outcome},
            "rejections": {word: settled[word] for word in ("true", "false", "form", "unknown")},
            "claims": sum(report["claims"] for report in self.reports),
            "obligations": {
                word: obligations[word] for word in ("proved", "refuted", "unknown")
            },
            "inferred": sum(result.inferred for result in self.results),
            "unexpected": sum(1 for result in self.results if result.unexpected),
            "bad_inputs": len(self.errors) + sum(1 for result in self.results if result.error),
            "seconds": round(self.seconds, 3),
        }  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Everything as one document."""
        return {
            "rules": self.rules,
            "results": [result.to_json() for result in self.results],
            "errors": list(self.errors),
            "total": self.total(),
            "interrupted": self.interrupted,
            "exit_code": self.exit_code,
        }


def result_of(file: str, report: Report, *, expected: bool = True) -> Result:
    """The plain data of a report.

    ``expected`` says that the verdict should be what the program's author wrote.
    """
    program = report.analysis.program
    checks: Checks = {}
    for finding in report.findings:
        answers = checks.setdefault(finding.check, {})
        answers[finding.status.value] = answers.get(finding.status.value, 0) + 1
    inferred = [f.why for f in report.findings if f.why in (BY_INDUCTION, NO_FORMULA)]
    return Result(
        file,
        program.name,
        report=report.to_json(),
        checks=checks,
        inferred=len(inferred),
        inferred_why=inferred[0] if inferred else "",
        code=report.exit_code,
        unexpected=difference(program.expect, report.analysis.verdict) if expected else "",
    )


def difference(expected: Expectation | None, verdict: Verdict) -> str:
    """In what a verdict is not the expected one, "" if it is or nothing is expected.

    A program that the verifier does not support has no verdict, so nothing differs.  The
    expected reason is the word for the failed check or part of either sentence.

    >>> difference(Expectation("reject", 3), Verdict(Outcome.REJECT, 5, message="R0 !read_ok"))
    'expected reject at 3, is reject at 5: R0 !read_ok'
    """
    if expected is None or verdict.outcome is Outcome.UNSUPPORTED:
        return ""
    words = (verdict.kind, verdict.reason, verdict.message)
    same = (
        verdict.outcome.value == expected.verdict
        and expected.pc in (None, verdict.pc)
        and (expected.reason is None or any(expected.reason in text for text in words))
    )
    if same:
        return ""
    reason = verdict.message or verdict.reason or verdict.kind
    wanted = _verdict(expected.verdict, expected.pc, expected.reason)
    return f"expected {wanted}, is {_verdict(verdict.outcome.value, verdict.pc, reason)}"


def _verdict(verdict: str, pc: int | None, reason: str | None) -> str:
    if verdict == "accept":
        return verdict
    return verdict + (f" at {pc}" if pc is not None else "") + (f": {reason}" if reason else "")
