"""``bpfsmt machine-check``: table, findings, JSON, exit codes."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpfsmt.cli import main
from bpfsmt.conformance.campaign import Tally, Task, work
from bpfsmt.conformance.case import Agreement, Case, Checked, Difference
from bpfsmt.errors import OracleError
from bpfsmt.kernel import RunInput, available
from bpfsmt.program import load_asm

command = importlib.import_module("bpfsmt.cli.machine_check")  # the module: the name is a command
needs_bpf = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

BENCH = Path(__file__).parents[2] / "bench_programs"
NOTHING = ("--no-edges", "--random", "0", "--maps", "0", "--helpers", "0", "--generated", "0")

PROGRAM = load_asm(".map m type=hash key=4 value=4 entries=4\nr0 = 2\nexit", "planted")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["machine-check", *arguments])


def found(agreement: Agreement, why: str = "", *differences: Difference) -> Checked:
    inputs = (RunInput(b"first"), RunInput(b"second", maps={"m": {b"key1": b"val1"}}), RunInput())
    case = Case("generated", "generated 1.2.3", PROGRAM, inputs)
    return Checked(case, agreement, 2, differences, why)


DIFFERENT = found(Agreement.DIFFERENT, "", Difference(1, "return value", "0x2", "0x3"))
UNKNOWN = found(Agreement.UNKNOWN, "x is not modelled")
SAME = found(Agreement.SAME)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Checked]:
    """What the tasks come to, in place of running them."""
    wanted: list[Checked] = []

    def pretend(tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Tally]]:
        tally = Tally()
        for each in wanted:
            tally.add(each)
        yield tasks[0], tally

    monkeypatch.setattr(command, "run_tasks", pretend)
    monkeypatch.setattr(command, "require", lambda: None)
    return wanted


@pytest.mark.parametrize(
    ("came", "code"),
    [
        ([SAME], 0),
        ([SAME, found(Agreement.REJECTED), found(Agreement.NOT_RUN)], 0),
        ([SAME, DIFFERENT], 1),
        ([SAME, UNKNOWN], 3),
        ([SAME, UNKNOWN, DIFFERENT], 1),
        ([], 3),
        ([found(Agreement.REJECTED)], 0),
    ],
)
def test_exit_codes(answers: list[Checked], came: list[Checked], code: int) -> None:
    answers += came
    result = run()
    assert result.exit_code == (code if any(each.pairs for each in came) else 3)


def test_a_difference_is_told_with_all_that_shows_it(answers: list[Checked]) -> None:
    answers += [SAME, DIFFERENT]
    out = run().stdout
    assert "different generated 1.2.3" in out
    assert "    input 1: return value: machine (auto) 0x2, kernel 0x3\n" in out
    assert f"    packet: {b'second'.hex()}\n" in out
    assert "    | .map m type=hash key=4 value=4 entries=4\n" in out
    assert "3 (program, input) pairs the same, 1 programs different, 0 unknown" in out


def test_json(answers: list[Checked]) -> None:
    answers += [SAME, DIFFERENT, UNKNOWN]
    document = json.loads(run("--json").stdout)
    assert document["groups"]["generated"]["programs"]["different"] == 1
    assert document["groups"]["generated"]["pairs_the_same"] == 5
    different, unknown = document["told"]
    assert different["differences"] == [
        {"input": 1, "what": "return value", "machine": "0x2", "kernel": "0x3", "engine": "auto"}
    ]
    assert [each["packet"] for each in different["inputs"]] == [b"first".hex(), b"second".hex()]
    assert different["inputs"][1]["maps"] == {"m": {b"key1".hex(): b"val1".hex()}}
    assert load_asm(different["program"], "again").slots == PROGRAM.slots
    assert unknown["why"] == "x is not modelled"


def test_many_findings_are_cut_short(answers: list[Checked]) -> None:
    answers += [UNKNOWN] * 13
    out = run().stdout
    assert out.count("unknown generated") == 10
    assert "... and 3 more unknown (all with --json)" in out


def test_without_bpf(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OracleError("bpf() loads no program here: EPERM")

    monkeypatch.setattr(command, "require", refuse)
    result = run(*NOTHING)
    assert (result.exit_code, result.stderr) == (2, "bpfsmt: bpf() loads no program here: EPERM\n")


def test_bad_input(answers: list[Checked]) -> None:
    answers += [SAME]
    result = run(str(BENCH / "nothing.o"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr
    assert run("--random", "-1").exit_code == 2


@needs_bpf
def test_for_real(tmp_path: Path) -> None:
    program = str(BENCH / "xdp" / "xdp_tx.o")
    result = run(*NOTHING, "--random", "15", program, "--json")
    assert result.exit_code == 0, result.stdout
    groups = json.loads(result.stdout)["groups"]
    assert groups["files"]["programs"]["same"] == 1
    assert groups["files"]["pairs_the_same"] == 240
    assert groups["random"]["pairs_the_same"] == 20
    assert run(*NOTHING).exit_code == 3, "nothing was compared"


@needs_bpf
def test_over_processes() -> None:
    program = str(BENCH / "xdp" / "xdp_pass.o")
    result = run(*NOTHING, "--random", "20", program, "-j", "2", "--json")
    assert result.exit_code == 0, result.stdout
    groups = json.loads(result.stdout)["groups"]
    assert [groups[group]["pairs_the_same"] for group in ("files", "random")] == [240, 20]


@needs_bpf
def test_what_is_finished_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "done"
    arguments = (
        *NOTHING,
        "--random",
        "20",
        "--maps",
        "10",
        "--helpers",
        "20",
        "-j",
        "1",
        "--save",
        str(file),
    )
    done: list[Task] = []
    most = 1

    def interrupted(task: Task) -> Tally:
        if len(done) == most:
            raise KeyboardInterrupt
        done.append(task)
        return work(task)

    monkeypatch.setattr("bpfsmt.conformance.pool.work", interrupted)
    first = run(*arguments, "--json")
    assert first.exit_code == 130
    assert json.loads(first.stdout)["groups"]["random"]["pairs_the_same"] == 20
    done.clear()
    most = 9
    again = run(*arguments, "--json")
    assert again.exit_code == 0, again.stderr
    assert [type(task).__name__ for task in done] == ["MapTask", "HelperTask"]
    groups = json.loads(again.stdout)["groups"]
    assert [groups[name]["pairs_the_same"] for name in ("random", "maps", "helpers")] == [
        20,
        10,
        20,
    ]


def test_a_file_that_holds_something_else(answers: list[Checked], tmp_path: Path) -> None:
    answers += [SAME]
    file = tmp_path / "other"
    file.write_text("something else\n")
    result = run("--save", str(file))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "other:1: no finished task" in result.stderr
    assert run("--save", str(tmp_path)).exit_code == 2
    assert run("--save", str(tmp_path / "none" / "x")).exit_code == 2
