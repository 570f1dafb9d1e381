"""``bpfsmt verify --oracle kernel``: the running kernel's verdict, log and exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bpfsmt.cli import main
from bpfsmt.kernel import available, syscall

needs_bpf = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

RULES = Path(__file__).parents[2] / "bench_programs" / "rules"
ACCEPTED, REJECTED = str(RULES / "ctx_field_ok.bpfasm"), str(RULES / "pointer_sum.bpfasm")


def verify(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["verify", *arguments])
    return result.exit_code, result.stdout, result.stderr


@needs_bpf
def test_an_accepted_program_with_its_log() -> None:
    code, out, _ = verify("--oracle", "kernel", ACCEPTED)
    assert code == 0
    assert "0: R1=ctx() R10=fp0" in out
    assert "\nctx_field_ok: accept by Linux " in out
    code, out, _ = verify("--oracle", "kernel", "--no-log", ACCEPTED)
    assert (code, out.count("\n")) == (0, 1)


@needs_bpf
def test_a_rejected_program() -> None:
    code, out, _ = verify("--oracle", "kernel", REJECTED)
    assert code == 1
    assert "reject by Linux" in out
    assert "Permission denied (EACCES)" in out
    assert out.endswith("\n  R1 pointer += pointer prohibited\n")


@needs_bpf
def test_json() -> None:
    code, out, _ = verify("--oracle", "kernel", "--json", REJECTED)
    (found,) = json.loads(out)
    assert code == 1
    assert (found["verdict"], found["errno"]) == ("reject", 13)
    assert found["reason"] == "R1 pointer += pointer prohibited"
    assert found["walked"] == 2
    assert found["log"][0] == "func#0 @0"


@needs_bpf
def test_a_program_that_the_kernel_cannot_judge(tmp_path: Path) -> None:
    file = tmp_path / "ops.bpfasm"
    file.write_text(".map m type=struct_ops key=4 value=8 entries=1\nr1 = map[m]\nr0 = 0\nexit\n")
    code, out, err = verify("--oracle", "kernel", str(file))
    assert (code, out) == (2, "")
    assert err == (
        "bpfsmt: map m (struct_ops): needs types of the kernel, which is not supported\n"
    )


def test_bad_usage() -> None:
    code, _, err = verify("--oracle", "colonel", ACCEPTED)
    assert (code, err.count("\n")) == (2, 1)
    assert "no oracle 'colonel'" in err
    code, _, err = verify("--oracle", "kernel", "--rules", "xdp-paper", ACCEPTED)
    assert code == 2
    assert "--oracle asks another" in err


def test_where_bpf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscall, "available", lambda: "bpf() loads no program here: EPERM")
    code, out, err = verify("--oracle", "kernel", ACCEPTED)
    assert (code, out, err) == (2, "", "bpfsmt: bpf() loads no program here: EPERM\n")
