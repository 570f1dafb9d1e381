"""``verify``, ``cfg``, ``disasm``, ``asm``, ``rules``."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path

import pytest

from .common import ACCEPTED, CARRY, PLANTED_BUG, REJECTED, UNSUPPORTED, bpfsmt, written


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ACCEPTED, 0, "x: accept, 2 instructions walked"),
        (REJECTED, 1, "x: reject at 0 (uninitialized-register)"),
        (UNSUPPORTED, 3, "x: unsupported at 1"),
    ],
)
def test_verify_says_the_verdict(tmp_path: Path, text: str, code: int, said: str) -> None:
    result = bpfsmt("verify", written(tmp_path, "x.bpfasm", text))
    assert said in result.stdout
    assert result.exit_code == code


def test_verify_logs_as_the_kernel_does() -> None:
    result = bpfsmt("verify", "--log", CARRY)
    assert "0: (61) r2 = *(u32 *)(r1 +0)" in result.stdout
    assert "R5=" in result.stdout
    assert "(61)" not in bpfsmt("verify", CARRY).stdout


def test_verify_with_other_rules_comes_to_other_claims() -> None:
    right = json.loads(bpfsmt("verify", "--log", "--json", CARRY).stdout)
    wrong = json.loads(bpfsmt("verify", "--log", "--json", "-r", PLANTED_BUG, CARRY).stdout)
    assert right[0]["verdict"] == wrong[0]["verdict"] == "accept"
    assert right[0]["log"] != wrong[0]["log"]


def test_cfg_writes_both_pictures_under_the_programs_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = bpfsmt("cfg", CARRY)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "carry.dot").read_text().startswith("digraph")
    ET.parse(tmp_path / "carry.svg")


def test_cfg_with_states(tmp_path: Path) -> None:
    plain, annotated = tmp_path / "plain.svg", tmp_path / "states.svg"
    bpfsmt("cfg", "--svg", plain, CARRY)
    bpfsmt("cfg", "--states", "--svg", annotated, CARRY)
    assert "pkt(" not in plain.read_text()
    assert "pkt(" in annotated.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"plain.svg", "states.svg"}


def test_cfg_as_json() -> None:
    (document,) = json.loads(bpfsmt("cfg", "--json", CARRY).stdout)
    assert [block["start"] for block in document["blocks"]] == [0, 5, 10]
    kinds = {(edge["from"], edge["to"]): edge["kind"] for edge in document["edges"]}
    assert kinds == {(0, 5): "not-taken", (0, 10): "taken"}


def test_cfg_cannot_write_there() -> None:
    result = bpfsmt("cfg", "--svg", "/no/such/folder/x.svg", CARRY)
    assert result.exit_code == 2
    assert result.stderr == "bpfsmt: /no/such/folder/x.svg: No such file or directory\n"


def test_asm_and_disasm_are_inverses(tmp_path: Path) -> None:
    raw = tmp_path / "carry.bin"
    assert bpfsmt("asm", CARRY, "-o", raw).exit_code == 0
    assert bpfsmt("disasm", raw).stdout == bpfsmt("disasm", CARRY).stdout
    assert "0: r2 = *(u32 *)(r1 +0)" in bpfsmt("disasm", CARRY).stdout
    assert "0: (61) r2" in bpfsmt("disasm", "--kernel", CARRY).stdout


def test_asm_names_the_line(tmp_path: Path) -> None:
    bad = written(tmp_path, "bad.bpfasm", "r0 = 1\nr0 = r12\nexit")
    result = bpfsmt("asm", bad, "-o", tmp_path / "bad.bin")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"bpfsmt: {bad}:2: ")
    assert not (tmp_path / "bad.bin").exists()


def test_rules_are_listed_and_shown() -> None:
    assert "xdp-paper" in bpfsmt("rules").stdout
    listed = bpfsmt("rules", PLANTED_BUG).stdout
    assert "overrides of xdp-paper: tnum_add" in listed
    assert "tnum_mul(a: Tnum, b: Tnum) -> Tnum" in listed
    assert "def tnum_add(a: Tnum, b: Tnum) -> Tnum:" in bpfsmt("rules", "--show", "tnum_add").stdout
    (only,) = [d for d in json.loads(bpfsmt("rules", "--json").stdout) if d["name"] == "xdp-paper"]
    assert "tnum_add" in only["rules"]
    missing = bpfsmt("rules", "--show", "tnum_ad")
    assert missing.exit_code == 2
    assert missing.stderr == "bpfsmt: xdp-paper has no rule tnum_ad\n"


def test_version() -> None:
    assert version("bpfsmt") in bpfsmt("--version").stdout
