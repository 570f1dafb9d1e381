"""The programs of ``bench_programs/rules``: each shows one rule, and says what it expects.

``.expect`` is what the verifier must answer; the reason is part of its kind, reason or
message.  A rejected program's line ``; settles: true|false|form`` says what the cross-check
must make of the rejection: some input goes wrong, none does, or it is about form alone.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.run import crosscheck
from bpfsmt.domain.analysis import Outcome, Verdict
from bpfsmt.program import Program, load, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

RULES = rule_set("xdp-paper")
DIRECTORY = Path(__file__).parents[2] / "bench_programs" / "rules"
FILES = sorted(DIRECTORY.glob("*.bpfasm"))
SETTLES = re.compile(r"^; settles: (.*)$", re.MULTILINE)

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> Program:
    (program,) = load(path)
    return program


def settles(text: str) -> str:
    """What the text says that a rejection settles to; "" if it says nothing."""
    found = SETTLES.findall(text)
    assert len(found) <= 1, f"settles more than once: {found}"
    assert set(found) <= {"true", "false", "form"}, found
    return found[0] if found else ""


def differences(program: Program, verdict: Verdict) -> list[str]:
    """In what the verdict is not the one that the program's author expects."""
    expect = program.expect
    if expect is None:
        return ["the program expects nothing"]
    found = []
    if verdict.outcome is not Outcome(expect.verdict):
        found.append(f"verdict {verdict.outcome.value}, expected {expect.verdict}")
    if expect.pc is not None and verdict.pc != expect.pc:
        found.append(f"at {verdict.pc}, expected at {expect.pc}")
    said = (verdict.kind, verdict.reason, verdict.message)
    if expect.reason is not None and not any(expect.reason in words for words in said):
        found.append(f"because {said}, expected {expect.reason!r}")
    return found


def judge(program: Program) -> list[str]:
    return differences(program, verify(program, RULES).verdict)


@each_file
def test_verdict(path: Path) -> None:
    program = read(path)
    assert judge(program) == []


@each_file
def test_every_claim_holds(path: Path) -> None:
    report = _report(path)
    assert report.refuted == []
    assert [finding for finding in report.unknown if finding is not report.rejection] == []
    walked = settles(path.read_text()) != "form"  # pass 1 rejects before any state is claimed
    assert bool(report.analysis.visits) == walked
    assert len(report.findings) >= len(report.analysis.edges)


@each_file
def test_every_rejection_settles(path: Path) -> None:
    report = _report(path)
    assert report.unknown == []
    assert report.settlement == settles(path.read_text())


@cache
def _report(path: Path) -> Report:
    return crosscheck(read(path), RULES, precision_seconds=0)


@each_file
def test_the_file_explains_itself(path: Path) -> None:
    lines = path.read_text().splitlines()
    comment = next(n for n, line in enumerate(lines) if not line.startswith("; "))
    assert 1 <= comment <= 3, "1 to 3 lines of comment come first"
    program = read(path)
    assert program.title
    assert program.expect is not None
    assert len(list(program.instructions())) <= 20
    rejects = program.expect.verdict == "reject"
    assert bool(settles(path.read_text())) == rejects
    if rejects:
        assert program.expect.reason
        marked = [n for n, line in enumerate(lines, 1) if "; rejected here" in line]
        assert [_pc_of_line(program, lines, n) for n in marked] == [program.expect.pc]


def _pc_of_line(program: Program, lines: list[str], number: int) -> int:
    """The pc of the instruction in a line: instructions stand indented, in order."""
    code = [n for n, line in enumerate(lines, 1) if line.startswith("    ")]
    pcs = [pc for pc, _ in program.instructions()]
    return pcs[code.index(number)]


def test_the_corpus_has_both_verdicts_and_all_settlements() -> None:
    verdicts = [program.expect.verdict for program in map(read, FILES) if program.expect]
    assert len(verdicts) == len(FILES)
    assert verdicts.count("accept") >= 18
    assert verdicts.count("reject") >= 18
    assert {settles(path.read_text()) for path in FILES} == {"", "true", "false", "form"}
    titles = [read(path).title for path in FILES]
    assert len(set(titles)) == len(titles)


REJECTED = """
.expect reject at 1 "R2 invalid mem access"
    r2 = 4096
    r0 = *(u8 *)(r2 + 0)
    exit
"""


@pytest.mark.parametrize(
    ("old", "new", "noticed"),
    [
        ('reject at 1 "R2 invalid mem access"', "accept", "verdict reject, expected accept"),
        ("at 1", "at 2", "at 1, expected at 2"),
        ("invalid mem", "valid mem", "expected 'R2 valid mem access'"),
        (".expect", "; expect", "the program expects nothing"),
        ("r0 = *(u8 *)(r2 + 0)", "r0 = 2", "verdict accept, expected reject"),
        ("r0 = *(u8 *)(r2 + 0)", "may_goto pc+0", "verdict unsupported, expected reject"),
    ],
)
def test_a_wrong_expectation_is_noticed(old: str, new: str, noticed: str) -> None:
    assert judge(load_asm(REJECTED, "right")) == []
    wrong = load_asm(REJECTED.replace(old, new), "wrong")
    assert noticed in " ".join(judge(wrong))


def test_settling_tells_an_unsafe_program_from_a_safe_one() -> None:
    """The same rejection, once of a program that goes wrong and once of one that does not."""
    unsafe = (DIRECTORY / "map_null_check_missing.bpfasm").read_text()
    safe = unsafe.replace("type=hash", "type=array").replace("= 1\n", "= 0\n")
    assert safe != unsafe
    for text, settlement in ((unsafe, "true"), (safe, "false")):
        report = crosscheck(load_asm(text, "lookup"), RULES, precision_seconds=0)
        assert report.analysis.verdict.kind == "possibly-null"
        assert report.settlement == settlement


@pytest.mark.parametrize("text", ["; settles: maybe\n", "; settles: true\n; settles: false\n"])
def test_a_wrong_settles_line_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError):
        settles(text)
