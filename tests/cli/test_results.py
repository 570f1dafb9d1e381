"""From a report to what is shown: nothing is counted twice, hidden or called by another word."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bpfsmt.cli.boundary import worst
from bpfsmt.cli.results import Result, Results, result_of
from bpfsmt.cli.tables import show
from bpfsmt.cli.witness import packet_text
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.whole import BY_INDUCTION
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.program import load_asm

from .common import ACCEPTED


def report(*findings: Finding) -> Report:
    analysis = Analysis(load_asm(ACCEPTED, "p"), "test", Verdict(Outcome.ACCEPT))
    return Report(analysis, list(findings))


def shown(*results: Result, verbose: bool = False) -> str:
    out = io.StringIO()
    show(Results("r", results, [], 1.0), Console(file=out, width=200), verbose=verbose)
    return out.getvalue()


def test_what_is_proved_by_induction_alone_is_said() -> None:
    inferred = Finding("global", 1, Status.PROVED, "R0=2", BY_INDUCTION)
    alone = Finding("global", 0, Status.PROVED, "R0=2")
    result = result_of("p.o", report(inferred, alone))
    assert result.inferred == 1
    text = shown(result)
    assert "1 global obligation (by the inductive check" in text
    assert "2 obligations: 2 proved" in text
    assert "(1 of the global ones by induction)" in text
    assert "induction" not in shown(result_of("p.o", report(alone)))


def test_a_long_claim_is_cut_only_where_it_is_unknown() -> None:
    claim = "R1=scalar() " * 40
    unknown = Finding("global", 0, Status.UNKNOWN, claim, "timeout")
    refuted = Finding("global", 0, Status.REFUTED, claim, "a run leaves the claim")
    assert claim.strip() not in shown(result_of("p.o", report(unknown)))
    assert claim.strip() in shown(result_of("p.o", report(unknown)), verbose=True)
    assert claim.strip() in shown(result_of("p.o", report(refuted)))


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (set(), 0), ({0, 3}, 3), ({0, 2, 3}, 2), ({1, 2, 3}, 1), ({70, 1}, 70), ({130, 70}, 130),
    ],
)  # fmt: skip
def test_the_worst_exit_code(codes: set[int], code: int) -> None:
    assert worst(codes) == code


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        ("", "(0 bytes)"),
        ("00" * 11, "(11 bytes) " + "00" * 11),
        ("00" * 12, "(12 bytes) [12 x 00]"),
        ("ab" + "01" * 20 + "cd", "(22 bytes) ab[20 x 01]cd"),
    ],
)
def test_packets(packet: str, text: str) -> None:
    assert packet_text(packet) == text
