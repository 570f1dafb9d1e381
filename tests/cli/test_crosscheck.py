"""``crosscheck``: exit codes, what is printed, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .common import (
    ACCEPTED,
    CARRY,
    PLANTED_BUG,
    REJECTED,
    UNSUPPORTED,
    X86_OBJECT,
    bpfsmt,
    crosscheck,
    written,
)


def test_all_proved_is_0(tmp_path: Path) -> None:
    result = crosscheck(written(tmp_path, "good.bpfasm", ACCEPTED), CARRY)
    assert result.exit_code == 0, result.output
    assert "2 programs (2 accept)" in result.stdout
    assert " 0 refuted, 0 unknown" in result.stdout
    assert not result.stderr


def test_a_planted_bug_is_1_and_is_shown_with_claim_input_and_replay() -> None:
    result = crosscheck("--rules", PLANTED_BUG, CARRY)
    assert result.exit_code == 1
    shown = result.stdout
    assert "refuted" in shown
    assert "claim:  R2=pkt(r=1) R5=1 R10=fp0" in shown
    assert "input:  packet (" in shown
    assert "replay: " in shown
    assert "R5 is claimed 1, is 0x2" in shown


def test_the_refuted_packet_has_the_bit_that_makes_the_carry() -> None:
    document = json.loads(crosscheck("--rules", PLANTED_BUG, "--json", CARRY).stdout)
    (result,) = document["results"]
    replayed = [f for f in result["findings"] if f["check"] == "global" and f["replayed"]]
    assert replayed
    for finding in replayed:
        assert bytes.fromhex(finding["witness"]["inputs"]["packet"])[0] & 1


def test_a_true_rejection_is_0_and_says_why(tmp_path: Path) -> None:
    text = "r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit"
    result = crosscheck(written(tmp_path, "beyond.bpfasm", text))
    assert result.exit_code == 0, result.output
    assert "reject (true)" in result.stdout
    assert "the rejection is true" in result.stdout
    assert "input:  packet (" in result.stdout


def test_a_rejection_of_form(tmp_path: Path) -> None:
    text = "r0 = 2\nagain:\nr0 += -1\nif r0 != 0 goto again\nexit"
    result = crosscheck(written(tmp_path, "loop.bpfasm", text))
    assert "reject (form)" in result.stdout


def test_unknown_is_3(tmp_path: Path) -> None:
    result = crosscheck(written(tmp_path, "legacy.bpfasm", UNSUPPORTED))
    assert result.exit_code == 3, result.output
    assert "unsupported" in result.stdout
    assert "does not model a legacy packet load" in result.stdout


@pytest.mark.parametrize(
    ("expect", "code", "said"),
    [
        (".expect accept\n", 1, "expected accept, is reject at 0: R0 !read_ok"),
        (".expect reject at 0\n", 0, "1 reject"),
        ('.expect reject at 0 "R0 !read_ok"\n', 0, "1 reject"),
        (".expect reject packet-bounds\n", 1, "expected reject: packet-bounds, is reject at 0"),
    ],
)
def test_a_verdict_other_than_expected_is_1(
    tmp_path: Path, expect: str, code: int, said: str
) -> None:
    result = crosscheck("--timeout", "5", written(tmp_path, "x.bpfasm", expect + REJECTED))
    assert said in result.stdout
    assert (result.exit_code == 1) == (code == 1), result.output


def test_bad_input_is_2_and_the_others_are_checked(tmp_path: Path) -> None:
    good = written(tmp_path, "good.bpfasm", ACCEPTED)
    result = crosscheck(good, tmp_path / "missing.o", written(tmp_path, "bad.bpfasm", "r0 = r11"))
    assert result.exit_code == 2
    assert "1 program (1 accept)" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == f"bpfsmt: {tmp_path / 'missing.o'}: No such file or directory"
    assert lines[1].startswith(f"bpfsmt: {tmp_path / 'bad.bpfasm'}:1: ")
    assert len(lines) == 2


def test_refuted_before_bad_input_before_unknown(tmp_path: Path) -> None:
    missing = tmp_path / "missing.o"
    unknown = written(tmp_path, "legacy.bpfasm", UNSUPPORTED)
    assert crosscheck("--rules", PLANTED_BUG, CARRY, missing, unknown).exit_code == 1
    assert crosscheck(missing, unknown).exit_code == 2


def test_the_order_is_that_of_the_arguments(tmp_path: Path) -> None:
    files = [written(tmp_path, f"p{i}.bpfasm", ACCEPTED) for i in (3, 1, 2)]
    document = json.loads(crosscheck("--json", "--jobs", "3", *files).stdout)
    assert [result["file"] for result in document["results"]] == [str(file) for file in files]


def test_json_is_one_document_with_everything(tmp_path: Path) -> None:
    good = written(tmp_path, "good.bpfasm", ACCEPTED)
    rejected = written(tmp_path, "rejected.bpfasm", ".expect accept\n" + REJECTED)
    result = crosscheck("--json", good, rejected, tmp_path / "missing.o")
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code == 1
    assert document["rules"] == "xdp-paper"
    assert document["errors"] == [f"{tmp_path / 'missing.o'}: No such file or directory"]
    first, second = document["results"]
    assert first["verdict"] == "accept"
    assert first["obligations"]["proved"] == sum(c["proved"] for c in first["checks"].values())
    assert second["unexpected"].startswith("expected accept")
    total = document["total"]
    assert total["programs"] == 2
    assert total["claims"] == first["claims"] + second["claims"]
    assert total["unexpected"] == total["bad_inputs"] == 1


def test_verbose_counts_each_check(tmp_path: Path) -> None:
    result = crosscheck("-v", written(tmp_path, "good.bpfasm", ACCEPTED))
    assert "inductive" in result.stdout
    assert "global" in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--jobs", "0", "x.o"],
        ["--timeout", "0", "x.o"],
        ["--timeout", "nan", "x.o"],
        ["--frobnicate", "x.o"],
        ["--rules", "no-such-set", "x.o"],
        ["--rules", "no_such_file.py", "x.o"],
        ["--type", "tap_dance", "x.o"],
    ],
)
def test_bad_usage_is_2(args: list[str]) -> None:
    result = crosscheck(*args)
    assert result.exit_code == 2
    assert result.stderr
    assert not result.stdout


def test_help_states_the_exit_codes() -> None:
    shown = crosscheck("--help").stdout
    for line in ("0    everything proved", "3    something unknown", "70   a bug in bpfsmt"):
        assert line in shown


BAD = {
    "truncated.o": X86_OBJECT[:40],
    "empty.o": b"",
    "empty.bpfasm": b"",
    "empty.bin": b"",
    "random.o": bytes(range(7, 250)) * 3,
    "random.bin": bytes(range(7, 250)) * 8,
    "binary.bpfasm": b"\xff\xfe\x00\x01",
    "x86.o": X86_OBJECT,
    "odd.bin": b"\xb7\x00\x00",
    "odd.txt": b"r0 = 0\nexit\n",
    "garbage.o": b"\x7fELF" + bytes(10 << 20),
    "garbage.bin": b"\xa5" * (10 << 20),
    "garbage.bpfasm": b"garbage " * (1 << 20),
}


@pytest.mark.parametrize("command", ["crosscheck", "verify", "disasm", "cfg"])
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_program_is_one_line_and_2(tmp_path: Path, name: str, command: str) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    result = bpfsmt(command, tmp_path / name)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"bpfsmt: {tmp_path / name}")
    assert len(line) < 600


def test_a_directory_a_pattern_and_a_folder_without_programs(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "none").mkdir()
    written(tmp_path, "a.bpfasm", ACCEPTED)
    written(tmp_path / "sub", "b.bpfasm", ACCEPTED)
    written(tmp_path, "notes.txt", "nothing")
    document = json.loads(
        crosscheck("--json", tmp_path, tmp_path / "*.bpfasm", tmp_path / "sub").stdout
    )
    names = [Path(result["file"]).name for result in document["results"]]
    assert names == ["a.bpfasm", "b.bpfasm"]
    for nothing in ("none", "*.nothing"):
        result = crosscheck(tmp_path / nothing)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1


def test_a_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    result = crosscheck(written(tmp_path, "a\x1b[31m.bpfasm", ACCEPTED), tmp_path / "b\x1b[2J.o")
    assert "\x1b" not in result.stdout
    assert "\\x1b[2J.o" in result.stderr
    assert "\x1b" not in result.stderr
