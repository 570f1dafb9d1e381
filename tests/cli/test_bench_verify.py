"""``bpfsmt bench verify``: JSON, verdicts that differ, no kernel to ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bpfsmt.bench import verified
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.kernel import available
from bpfsmt.program import load_asm

from .common import ACCEPTED, bpfsmt, written

needs_kernel = pytest.mark.skipif(available() is not None, reason=str(available()))


@needs_kernel
def test_json_of_both(tmp_path: Path) -> None:
    file = written(tmp_path, "a.bpfasm", ACCEPTED)
    result = bpfsmt("bench", "verify", file, "--runs", "2", "--json", "-r", "linux-6.18")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    (row,) = found["rows"]
    assert (row["length"], row["walked"], row["kernel_processed"]) == (2, 2, 2)
    assert (row["verdict"], row["wrong"], row["problem"]) == ("accept", False, "")
    assert len(row["ms"]["runs"]) == len(row["kernel_ms"]["runs"]) == 2
    assert row["walked_per_second"] == pytest.approx(2e3 / row["ms"]["median"])
    assert row["peak_bytes"] > 0
    assert (found["compared"], found["walked_no_more"]) == (1, 1)


@needs_kernel
def test_another_verdict_than_the_kernel_s_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lenient(program: object, rules: object, record: bool) -> Analysis:
        return Analysis(load_asm("exit", "x"), "", Verdict(Outcome.ACCEPT), walked=1)

    monkeypatch.setattr(verified, "verify", lenient)
    file = written(tmp_path, "x.bpfasm", "exit\n")
    result = bpfsmt("bench", "verify", file, "--runs", "1", "--no-memory")
    assert result.exit_code == 1
    assert "wrong x: the kernel rejects, our verdict is accept" in result.stdout


def test_without_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpfsmt.cli.bench_verify.available", lambda: "no bpf() here")
    file = written(tmp_path, "a.bpfasm", ACCEPTED)
    result = bpfsmt("bench", "verify", file, "--runs", "2", "-r", "linux-6.12")
    assert result.exit_code == 0
    assert result.stderr == "bpfsmt: our verifier alone is measured: no bpf() here\n"
    assert "processed" not in result.stdout
    assert "2 instructions walked" in result.stdout
    assert "2 runs each with linux-6.12" in result.stdout


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    kfunc = written(tmp_path, "x.bpfasm", "r0 = 0\ncall kfunc 5\nexit\n")
    result = bpfsmt("bench", "verify", kfunc, tmp_path / "missing.o", "--no-kernel")
    assert result.exit_code == 2
    assert "missing.o" in result.stderr
    assert bpfsmt("bench", "verify").exit_code == 2
