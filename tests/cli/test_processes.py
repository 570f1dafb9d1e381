"""Workers that die, hang or hit a bug; Ctrl-C; the command as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import z3

from bpfsmt.cli import worker
from bpfsmt.cli.pool import run_jobs
from bpfsmt.cli.results import Result
from bpfsmt.cli.worker import Job
from bpfsmt.errors import LoadError, UnsupportedError
from bpfsmt.program import load_asm

from .common import ACCEPTED, CARRY, PLANTED_BUG, crosscheck, written

IN_WORKER = """
import multiprocessing, os, time
from bpfsmt.rules import rule_set
RULES = rule_set("xdp-paper")
if multiprocessing.parent_process() is not None:
    {action}
"""


def job(name: str = "good", rules: str = "xdp-paper") -> Job:
    return Job(f"{name}.bpfasm", load_asm(ACCEPTED, name), rules, 30.0, 0.0)


def results(jobs: Sequence[Job]) -> list[Result]:
    return [result for _, result in sorted(run_jobs(jobs, 2), key=lambda pair: pair[0])]


def test_a_worker_that_dies_leaves_its_program_unknown_and_the_others_alone(
    tmp_path: Path,
) -> None:
    killer = written(tmp_path, "killer.py", IN_WORKER.format(action="os._exit(9)"))
    jobs = [job("a"), job("b", rules=str(killer)), job("c"), job("d")]
    a, b, c, d = results(jobs)
    assert [r.exit_code for r in (a, b, c, d)] == [0, 3, 0, 0]
    assert b.unknown == "its process died"
    assert b.report is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 3),
        (z3.Z3Exception("out of memory"), 3),
        (UnsupportedError("no such thing"), 3),
        (LoadError("no good"), 2),
        (RecursionError("too deep"), 70),
        (z3.Z3Exception("sort mismatch"), 70),
    ],
)
def test_what_each_exception_in_a_worker_means(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(worker, "crosscheck", fail)
    result = worker.work(job())
    assert result.exit_code == code
    assert result.report is None


def test_an_unforeseen_exception_is_a_bug_with_its_traceback() -> None:
    wrong = replace(job("wrong"), timeout=float("nan"))
    bug, good = results([wrong, job()])
    assert bug.exit_code == 70
    assert "Traceback" in bug.bug
    assert "ValueError" in bug.bug
    assert good.exit_code == 0


def test_finished_results_are_printed_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(jobs: Sequence[Job], processes: int) -> Iterator[tuple[int, Result]]:
        yield 1, Result(jobs[1].file, jobs[1].program.name, unknown="no time")
        raise KeyboardInterrupt

    module = sys.modules["bpfsmt.cli.crosscheck"]
    monkeypatch.setattr(module, "run_jobs", interrupted)
    files = [written(tmp_path, f"{name}.bpfasm", ACCEPTED) for name in "ab"]
    result = crosscheck(*files)
    assert result.exit_code == 130
    assert "b.bpfasm" in result.stdout
    assert "1 program" in result.stdout
    assert result.stderr == "bpfsmt: interrupted\n"


def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    action = f"open({str(marker)!r}, 'w').close(); time.sleep(300)"
    sleeper = written(tmp_path, "sleeper.py", IN_WORKER.format(action=action))
    process = subprocess.Popen(
        [sys.executable, "-m", "bpfsmt", "crosscheck", "--rules", sleeper, CARRY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not marker.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert marker.exists()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "bpfsmt: interrupted\n"
    assert out.startswith("0 programs")


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bpfsmt", *map(str, args)], capture_output=True, text=True
    )


def test_the_real_command(tmp_path: Path) -> None:
    refuted = run("crosscheck", "--no-precision", "--rules", PLANTED_BUG, CARRY)
    assert refuted.returncode == 1
    assert "refuted" in refuted.stdout
    assert not refuted.stderr
    missing = run("verify", tmp_path / "missing.o")
    assert missing.returncode == 2
    assert missing.stderr == f"bpfsmt: {tmp_path / 'missing.o'}: No such file or directory\n"
    assert not missing.stdout


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    long = written(tmp_path, "long.bpfasm", "r0 = 1\n" * 20_000 + "exit\n")
    command = f'"{sys.executable}" -m bpfsmt disasm "{long}" | head -n 1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout == "0: r0 = 1\n"
    assert done.stderr == ""
