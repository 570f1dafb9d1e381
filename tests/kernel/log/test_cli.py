"""``crosscheck --from-log`` and ``--oracle``: a kernel's claims from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpfsmt.cli import main

from ..common import needs_bpf
from .common import BENCH, LOGS, text

PROGRAM = BENCH / "rules" / "branch_refines_both_sides.bpfasm"
LOG = LOGS / "6.12" / "branch_refines_both_sides.log"
FORGOTTEN = LOGS / "programs" / "packet_end_forgotten.bpfasm"
SIGN_EXTENDED = LOGS / "programs" / "sign_extended_fill.bpfasm"


def crosscheck(*args: str | Path) -> Result:
    """Run ``crosscheck`` without measuring."""
    return CliRunner().invoke(main, ["crosscheck", "--no-precision", *map(str, args)])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def edited(folder: Path, old: str, new: str) -> Path:
    log = text("6.12", "branch_refines_both_sides")
    assert old in log
    return written(folder, "edited.log", log.replace(old, new, 1))


def test_an_honest_log_is_0() -> None:
    result = crosscheck("--from-log", LOG, PROGRAM)
    assert result.exit_code == 0, result.output
    assert "1 program (1 accept)" in result.stdout
    assert str(LOG) in result.stdout


def test_a_lie_is_1_and_is_shown(tmp_path: Path) -> None:
    log = edited(tmp_path, "umax32=31,", "umax32=30,")
    result = crosscheck("--from-log", log, PROGRAM)
    assert result.exit_code == 1
    assert "umax32=30" in result.stdout
    assert "inductive" in result.stdout


def test_a_line_that_is_not_understood_is_3(tmp_path: Path) -> None:
    log = edited(tmp_path, "12: (0f)", "something else\n12: (0f)")
    result = crosscheck("--from-log", log, PROGRAM)
    assert result.exit_code == 3
    assert "of the log is not understood" in result.stdout


def test_other_logs_are_bad_input(tmp_path: Path) -> None:
    other = crosscheck("--from-log", LOGS / "6.12" / "xdp_tx.log", PROGRAM)
    assert other.exit_code == 2
    assert "it is about another program" in other.stderr
    cut = written(tmp_path, "cut.log", text("6.12", "xdp_tx")[:900])
    result = crosscheck("--from-log", cut, BENCH / "xdp" / "xdp_tx.o")
    assert result.exit_code == 2
    assert "the log is cut off after line" in result.stderr
    missing = crosscheck("--from-log", tmp_path / "none", PROGRAM)
    assert missing.exit_code == 2
    assert "No such file" in missing.stderr


def test_usage() -> None:
    two = crosscheck("--from-log", LOG, PROGRAM, FORGOTTEN)
    assert two.exit_code == 2
    assert "a log is about one program" in two.stderr
    both = crosscheck("--from-log", LOG, "--oracle", "kernel", PROGRAM)
    assert both.exit_code == 2
    ruled = crosscheck("--from-log", LOG, "--rules", "xdp-paper", PROGRAM)
    assert ruled.exit_code == 2
    nobody = crosscheck("--oracle", "nobody", PROGRAM)
    assert nobody.exit_code == 2
    assert "no oracle 'nobody'" in nobody.stderr


@needs_bpf
def test_the_running_kernel(tmp_path: Path) -> None:
    good = written(tmp_path, "good.bpfasm", "r0 = 2\nexit\n")
    loop = BENCH / "rules" / "loop_back_edge.bpfasm"  # whose author expects a rejection of ours
    result = crosscheck("--oracle", "kernel", "--json", good, PROGRAM, loop)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["rules"] == "kernel"
    assert all(one["producer"].startswith("Linux ") for one in document["results"])
    assert [one["verdict"] for one in document["results"]] == ["accept"] * 3
    assert document["total"]["obligations"]["refuted"] == 0


@needs_bpf
@pytest.mark.parametrize(("program", "never"), [(FORGOTTEN, 8), (SIGN_EXTENDED, 7)])
def test_a_false_claim_of_the_running_kernel(program: Path, never: int) -> None:
    """See tests/kernel/logs/README.md; where a kernel no longer claims it, all is proved."""
    result = crosscheck("--oracle", "kernel", program)
    assert result.exit_code in (0, 1)
    if result.exit_code:
        assert f"claim:  {never} is never reached" in result.stdout
        assert "replay: a run leaves the claim" in result.stdout
