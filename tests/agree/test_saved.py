"""Answers are kept as they come, and found again only for the same question."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.agree import pool, saved
from bpfsmt.agree.saved import Saved
from bpfsmt.agree.selftests.running import Ran
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program import Program
from bpfsmt.rules import rule_set

from .common import NAMES, Recorded, program
from .test_command import agree, files

RULES = rule_set("linux-6.18")


class Counting(Recorded):
    """Counts what it is asked; at one name it is interrupted."""

    def __init__(self, stop: str = "") -> None:
        super().__init__()
        self.asked: list[str] = []
        self.stop = stop

    def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
        self.asked.append(program.name)
        if program.name == self.stop:
            raise KeyboardInterrupt
        return super().load(program, flags=flags)


def test_the_same_command_goes_on_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    names = files("accept", "loop", "reject")
    assert agree(monkeypatch, Counting("loop"), *names).exit_code == 130
    kernel = Counting()
    done = agree(monkeypatch, kernel, *names)
    assert done.exit_code == 0
    assert kernel.asked == ["loop", "reject"]
    assert "3 of 3 (100.00 %)" in done.output
    assert "(1 from an earlier run)" in done.output
    assert agree(monkeypatch, kernel, *names, "--no-cache").exit_code == 0
    assert kernel.asked == ["loop", "reject", *NAMES]


def test_who_is_killed_has_what_came_before(tmp_path: Path) -> None:
    kernel = Counting()
    programs = [(n, program(name)) for n, name in enumerate(NAMES)]
    answers = pool.run(programs, kernel, "linux-6.18", 1, lambda index, result: "said",
                       Saved(tmp_path / "file", kernel, RULES))  # fmt: skip
    first = next(answers)  # and nothing is closed
    again = Saved(tmp_path / "file", kernel, RULES)
    found = again.find(7, programs[0][1])
    assert found == replace(first, index=7)
    assert found is not None
    assert found.note == "said"
    assert again.find(8, programs[1][1]) is None


def test_what_an_answer_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, one = Counting(), program("accept")
    file = tmp_path / "file"
    list(pool.run([(0, one)], kernel, "linux-6.18", 1, kept=Saved(file, kernel, RULES)))
    assert Saved(file, kernel, RULES).find(0, one) is not None
    assert Saved(file, Recorded("6.12"), RULES).find(0, one) is None, "another kernel"
    assert Saved(file, kernel, rule_set("linux-6.12")).find(0, one) is None, "other rules"
    assert Saved(file, kernel, RULES, lambda n: "x").find(0, one) is None, "other messages"
    assert Saved(file, kernel, RULES).find(0, program("reject")) is None, "another program"
    monkeypatch.setattr(saved, "source_hash", lambda: "changed")
    assert Saved(file, kernel, RULES).find(0, one) is None, "another verifier"


def test_a_failure_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    kernel, one = Counting(), program("accept")
    monkeypatch.setattr(pool, "verify", fail)
    kept = Saved(tmp_path / "file", kernel, RULES)
    (answer,) = pool.run([(0, one)], kernel, "linux-6.18", 1, kept=kept)
    assert answer.bug
    assert kept.find(0, one) is None


def test_test_runs_are_kept(tmp_path: Path) -> None:
    kept = Saved(tmp_path / "file", Recorded(), RULES)
    ran = Ran(expected=3, kernel=3, ours=3)
    kept.keep_run(program("accept"), 3, ran)
    assert kept.find_run(program("accept"), 3) == ran
    assert kept.find_run(program("accept"), 4) is None


def test_a_file_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache" / "bpfsmt").mkdir(parents=True)
    (tmp_path / "cache" / "bpfsmt" / "agreement.sqlite").write_text("no database, but text " * 50)
    done = agree(monkeypatch, Recorded(), *files("accept"))
    assert done.exit_code == 2
    assert "agreement.sqlite" in done.stderr
    assert "Traceback" not in done.output
