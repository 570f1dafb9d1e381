"""``bpfsmt bench``: tables, JSON, plots, and what cannot be measured."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from bpfsmt.bench import measure
from bpfsmt.bench.interpreted import Interpreted
from bpfsmt.kernel import available

from .common import ACCEPTED, REJECTED, bpfsmt, written

PROGRAMS = Path(__file__).parents[2] / "bench_programs" / "xdp"
QUICK = ("--runs", "2", "--seconds", "0.001")
command = importlib.import_module("bpfsmt.cli.bench_run")
needs_kernel = pytest.mark.skipif(available() is not None, reason=str(available()))


def xdp(*arguments: str | Path) -> tuple[int, str, str]:
    result = bpfsmt("bench", "xdp", "--programs", PROGRAMS, *QUICK, *arguments)
    return result.exit_code, result.stdout, result.stderr


def test_a_table_of_the_machine() -> None:
    code, out, _ = xdp("drop", "l3fwd", "--sizes", "5", "--no-kernel")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == [
        "case", "entries", "answer", "insns", "machine", "us", "kpps", "Minsns/s",
    ]  # fmt: skip
    assert lines[2].split()[:2] == ["drop", "XDP_DROP"]
    assert lines[3].split()[:3] == ["l3fwd", "5", "XDP_REDIRECT"]
    assert lines[4].startswith("2 runs each; one CPU")


@needs_kernel
def test_both_sides_as_json(tmp_path: Path) -> None:
    plot = tmp_path / "x.svg"
    code, out, _ = xdp("ddos-attack", "--sizes", "3,30", "--json", "--plot", plot)
    assert code == 0
    found = json.loads(out)
    assert [(row["name"], row["entries"]) for row in found["rows"]] == [
        ("ddos-attack", 3), ("ddos-attack", 30),
    ]  # fmt: skip
    for row in found["rows"]:
        assert row["action"] == "XDP_DROP"
        assert len(row["kernel_ns"]["runs"]) == len(row["machine_ns"]["runs"]) == 2
        assert row["kernel_ns"]["min"] <= row["kernel_ns"]["median"] <= row["kernel_ns"]["max"]
        assert row["machine_instructions_per_second"] > 1000
        whole = row["instructions_per_packet"] * 1e9 / row["kernel_ns"]["median"]
        assert row["kernel_instructions_per_second"] == pytest.approx(whole)
        assert row["problem"] == ""
    assert plot.stat().st_size > 1000


def test_programs_of_one_s_own(tmp_path: Path) -> None:
    written(tmp_path, "a.bpfasm", ACCEPTED)
    written(tmp_path, "b.bpfasm", "r0 = *(u8 *)(r0 + 0)\nexit\n")
    result = bpfsmt("bench", "run", tmp_path, "--no-kernel", *QUICK)
    assert result.exit_code == 3
    assert "a  " in result.stdout
    assert "unknown b: b: pc 0: read of 1 bytes" in result.stdout
    written(tmp_path, "c.bpfasm", "nonsense\n")
    broken = bpfsmt("bench", "run", tmp_path / "c.bpfasm", tmp_path / "a.bpfasm", *QUICK,
                    "--no-kernel")  # fmt: skip
    assert broken.exit_code == 2
    assert "c.bpfasm:1" in broken.stderr
    assert "XDP_PASS" in broken.stdout


@needs_kernel
def test_instructions_per_second_of_both(tmp_path: Path) -> None:
    loop = "r0 = 0\nr1 = 1000\nagain:\nr0 += r1\nr1 += -1\nif r1 != 0 goto again\nr0 = 2\nexit"
    result = bpfsmt("bench", "run", written(tmp_path, "loop.bpfasm", loop), *QUICK)
    assert result.exit_code == 0
    head, _, row, *_ = (line.split() for line in result.stdout.splitlines())
    assert head.count("Minsns/s") == 2
    assert row[:3] == ["loop", "XDP_PASS", "3004"]
    kernel, machine = float(row[-4]), float(row[-1])
    assert kernel > machine > 0.1


@needs_kernel
def test_what_the_kernel_rejects(tmp_path: Path) -> None:
    file = written(tmp_path, "x.bpfasm", REJECTED)
    result = bpfsmt("bench", "run", file, *QUICK)
    assert result.exit_code == 3
    assert "unknown x: x: the kernel does not accept it" in result.stdout


def test_a_wrong_answer_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interpreted, "answer", lambda self, number=0: 77)
    code, out, _ = xdp("drop", "--no-kernel")
    assert code == 1
    assert "wrong drop: the machine answers 77, not 1" in out


def test_no_kernel_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "available", lambda: "no bpf() here")
    code, out, err = xdp("drop")
    assert (code, err) == (0, "bpfsmt: the machine alone is measured: no bpf() here\n")
    assert "kernel ns" not in out
    code, out, err = xdp("drop", "--no-machine")
    assert (code, out) == (2, "")
    assert err == "bpfsmt: the kernel cannot be measured: no bpf() here\n"


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def interrupt(*arguments: object) -> object:
        done.append(arguments)
        if len(done) == 2:
            raise KeyboardInterrupt
        return measure.measure_case(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "measure_case", interrupt)
    code, out, err = xdp("drop", "tx", "--no-kernel")
    assert (code, err) == (130, "bpfsmt: interrupted\n")
    assert "XDP_DROP" in out
    assert "XDP_TX" not in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nothing"], "No case 'nothing' (there are: drop, tx, redirect"),
        (["drop", "--sizes", "0"], "numbers from 1 to 100000"),
        (["drop", "--sizes", "x"], "numbers from 1 to 100000"),
        (["drop", "--runs", "0"], "--runs"),
        (["drop", "--no-kernel", "--no-machine"], "leave nothing to measure"),
        (["drop", "--plot", "x.gif"], "x.gif: a plot is one of .svg, .png, .pdf"),
        (["drop", "--programs", "nowhere"], "nowhere/xdp_drop.o: no such program"),
    ],
)
def test_bad_usage(arguments: list[str], why: str) -> None:
    code, out, err = xdp(*arguments)
    assert (code, out) == (2, "")
    assert why in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--generate", "udp:2"], "one frame is wanted, not 2"),
        (["--generate", "x:1"], "no kind 'x'"),
    ],
)
def test_bad_frames(tmp_path: Path, arguments: list[str], why: str) -> None:
    file = written(tmp_path, "x.bpfasm", ACCEPTED)
    result = bpfsmt("bench", "run", file, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr
