"""``bpfsmt generate``: rates, files, JSON, exit codes."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from bpfsmt.domain.analysis import Analysis
from bpfsmt.program import Program, load
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import bpfsmt

COMMAND = importlib.import_module("bpfsmt.cli.generate")


def test_a_table_of_rates() -> None:
    result = bpfsmt("generate", "--count", "6", "--seed", "1")
    assert result.exit_code == 0
    for words in ("accepted ", "kinds of instructions", "rules that ran", "distinct states"):
        assert words in result.output
    assert "6 programs (guided) with linux-6.12; " in result.output


def test_programs_are_written_and_read_back(tmp_path: Path) -> None:
    result = bpfsmt("generate", "-n", "5", "--rules", "xdp-paper", "--out", tmp_path, "--json")
    assert result.exit_code == 0
    told = json.loads(result.output)
    files = sorted(tmp_path.glob("*.bpfasm"))
    assert len(files) == told["programs"] == 5
    found = [program for file in files for program in load(file)]
    verdicts = [verify(p, rule_set("xdp-paper")).verdict.outcome.value for p in found]
    assert {v: verdicts.count(v) for v in verdicts} == told["verdicts"]
    assert found[0].title.startswith("xdp-paper: ")
    assert told["kernel"] is None
    assert told["calls"]["alu64_mul"] >= 0
    assert told["outcomes"]["of"] - told["outcomes"]["reached"] == len(told["missing_outcomes"])


def test_the_same_seed_gives_the_same_report() -> None:
    once, again = (json.loads(bpfsmt("generate", "-n", "4", "--json").output) for _ in range(2))
    for told in (once, again):
        del told["seconds"]
    assert once == again


def test_what_was_not_reached_is_listed() -> None:
    result = bpfsmt("generate", "-n", "1", "--maker", "scalar", "--missing")
    assert "no instruction: atomic cmpxchg fetch 64" in result.output
    assert "never ran: swap_bytes" in result.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--feature", "telepathy"], "no feature telepathy (there are: alu,"),
        (["--rules", "linux-9"], "no rule set 'linux-9'"),
        (["--oracle", "moon"], "no oracle 'moon'"),
        (["--count", "0"], "--count"),
    ],
)
def test_bad_input_is_one_line(args: list[str], words: str) -> None:
    result = bpfsmt("generate", *args)
    assert result.exit_code == 2
    assert words in result.output


def test_a_kernel_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        release = "0.0"

    def ask(kernel: Any, program: Program, analysis: Analysis) -> None:
        kernel.asked += 1
        kernel.different[program.name] = "planted"

    monkeypatch.setattr(COMMAND, "oracle", lambda name: Elsewhere())
    monkeypatch.setattr(COMMAND.Kernel, "ask", ask)
    result = bpfsmt("generate", "-n", "1", "--oracle", "kernel")
    assert result.exit_code == 1
    assert "differs guided_0_0: planted" in result.output


def test_ctrl_c_tells_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMAND, "_measure", interrupted)
    result = bpfsmt("generate", "-n", "1")
    assert result.exit_code == 130
    assert "0 programs (guided)" in result.output
