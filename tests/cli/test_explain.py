"""``explain``: exit codes, words, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bpfsmt.kernel import available

from .common import ACCEPTED, CARRY, PLANTED_BUG, REJECTED, UNSUPPORTED, bpfsmt, written

RULES = Path(__file__).parents[2] / "bench_programs" / "rules"
OFF_BY_ONE = RULES / "packet_bounds_off_by_one.bpfasm"
needs_bpf = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ACCEPTED, 0, "x: accept with xdp-paper: nothing to explain"),
        (REJECTED, 1, "x: rejected by xdp-paper at instruction 0 (uninitialized-register)"),
        (UNSUPPORTED, 3, "x: unsupported with xdp-paper"),
    ],
)
def test_exit_codes_are_those_of_verify(tmp_path: Path, text: str, code: int, said: str) -> None:
    file = written(tmp_path, "x.bpfasm", text)
    result = bpfsmt("explain", file)
    assert said in result.stdout
    assert result.exit_code == code == bpfsmt("verify", file).exit_code


def test_bad_input_is_one_line() -> None:
    result = bpfsmt("explain", "/no/such/file")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("bpfsmt: /no/such/file: ")
    assert bpfsmt("explain", "--timeout", "0", CARRY).exit_code == 2
    assert bpfsmt("explain", "--oracle", "nobody", CARRY).exit_code == 2


def test_words_first_and_the_log_below() -> None:
    lines = bpfsmt("explain", OFF_BY_ONE).stdout.splitlines()
    starts = [
        "packet_bounds_off_by_one: rejected", "what fails: instruction 6 reads 2 bytes at R2+13",
        "missing: range of R2 is 14, and has to be at least 15", "where R2 comes from:",
        "lost: nowhere", "really unsafe: yes", "    input:  packet (14 bytes)",
        "other verifiers: reject: linux-6.1", "smallest check that makes it pass (1 instruction",
        "    + 6: if r4 >= r3 goto", "log:",
    ]  # fmt: skip
    at = [next(i for i, line in enumerate(lines) if line.startswith(s)) for s in starts]
    assert at == sorted(at)
    assert "log:" not in bpfsmt("explain", "--no-log", OFF_BY_ONE).stdout


def test_json_has_it_all() -> None:
    result = bpfsmt("explain", "--json", OFF_BY_ONE)
    (found,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (found["verdict"], found["pc"], found["kind"]) == ("reject", 6, "packet-bounds")
    assert found["missing"][0]["limit"] == 15
    assert [step["pc"] for step in found["slice"]] == [1, 5]
    assert found["loss"]["word"] == "exact"
    assert found["truth"]["word"] == "unsafe"
    assert len(found["truth"]["inputs"]["packet"]) == 28
    assert [one["text"] for one in found["check"]["added"]] == ["if r4 >= r3 goto +1"]
    (accepted,) = json.loads(bpfsmt("explain", "--json", CARRY).stdout)
    assert accepted["verdict"] == "accept"


def test_with_rules_of_ones_own() -> None:
    assert bpfsmt("explain", "-r", PLANTED_BUG, CARRY).exit_code == 0
    result = bpfsmt("explain", "-r", PLANTED_BUG, "--no-log", OFF_BY_ONE)
    assert "rejected by planted-bug" in result.stdout
    assert "xdp-paper" in result.stdout


def test_a_rejection_of_form() -> None:
    result = bpfsmt("explain", RULES / "loop_back_edge.bpfasm")
    assert "a question of form" in result.stdout
    assert "accept: linux-6.1, linux-6.12, linux-6.18" in result.stdout


@needs_bpf
def test_the_running_kernel_is_asked_about_both_programs() -> None:
    file = RULES / "false_rejection_copied_number.bpfasm"
    (found,) = json.loads(bpfsmt("explain", "--json", "--oracle", "kernel", file).stdout)
    kernel = found["others"][-1]
    assert kernel["name"].startswith("Linux ")
    assert (kernel["verdict"], kernel["repaired"]) == ("accept", "accept")


def test_the_example_in_the_readme_is_what_comes_out() -> None:
    file = "bench_programs/rules/false_rejection_copied_number.bpfasm"
    lines = bpfsmt("explain", "--no-log", RULES.parents[1] / file).stdout.splitlines()
    shown = "".join(f"    {line}\n" for line in [f"$ bpfsmt explain --no-log {file}", *lines])
    assert shown in (RULES.parents[1] / "README.md").read_text()
