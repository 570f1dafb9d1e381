"""``bpfsmt agree``: its exit codes, its JSON, and where it cannot do its work."""

import importlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bpfsmt.agree import pool
from bpfsmt.cli import main
from bpfsmt.errors import OracleError
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program import Program

from .common import LOGS, Recorded, log_of


def agree(monkeypatch: pytest.MonkeyPatch, kernel: Any, *arguments: str) -> Result:
    module = importlib.import_module("bpfsmt.cli.agree")  # the command has the same name
    monkeypatch.setattr(module, "oracle", lambda name: kernel)
    return CliRunner().invoke(main, ["agree", "-j1", *arguments])


def files(*names: str) -> list[str]:
    return [str(LOGS / f"{name}.bpfasm") for name in names]


def test_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    done = agree(monkeypatch, Recorded(), str(LOGS), "--strict")
    assert done.exit_code == 0, done.output
    assert "verdict agreement" in done.output
    assert "3 of 3 (100.00 %)" in done.output
    assert "linux-6.18, against Linux 6.18.44" in done.output


def test_json_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    report = json.loads(agree(monkeypatch, Recorded("6.12"), str(LOGS), "--json").output)
    assert report["rules"] == "linux-6.12"
    assert report["total"]["verdicts"]["same"] == 3
    assert report["total"]["states"]["pairs"]["wider"] == 0
    assert len(report["programs"]) == 3
    reject = next(each for each in report["programs"] if each["program"].endswith(":reject"))
    assert reject["kernel"]["pc"] == reject["ours"]["pc"] == 5


def test_a_verdict_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    done = agree(monkeypatch, Recorded(verdicts={"accept": False}), *files("accept"))
    assert done.exit_code == 1
    assert "we accept, the kernel rejects" in done.output


def test_a_state_that_differs_counts_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of("accept", "6.18").replace("; R0=1", "; R0=7")
    kernel = Recorded(logs={"accept": log})
    done = agree(monkeypatch, kernel, *files("accept"))
    assert done.exit_code == 0
    assert "disjoint: a register after r0 = N" in done.output
    assert agree(monkeypatch, kernel, *files("accept"), "--strict").exit_code == 1


def test_wrong_rules_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = str(Path(__file__).parent.parent / "cli" / "planted_bug.py")
    done = agree(monkeypatch, Recorded(), *files("accept", "loop"), "--rules", planted)
    assert done.exit_code in (1, 3)


def test_a_kernel_without_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Recorded):
        def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
            raise OracleError(f"{program.name}: no memory")

    done = agree(monkeypatch, Silent(), *files("accept"))
    assert done.exit_code == 3
    assert "no comparison: accept: no memory" in done.output


def test_our_own_failure_is_a_disagreement_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(pool, "verify", fail)
    done = agree(monkeypatch, Recorded(), *files("accept"))
    assert done.exit_code == 1
    assert "our verifier failed: ours: ZeroDivisionError: planted" in done.output
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to compare"),
        (["no-such-file.o"], "no-such-file.o"),
        (["--rules", "no-such-rules", *files("accept")], "no rule set 'no-such-rules'"),
    ],
)
def test_bad_usage(monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    done = agree(monkeypatch, Recorded(), *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_an_oracle_that_is_none() -> None:
    done = CliRunner().invoke(main, ["agree", "--oracle", "delphi", *files("accept")])
    assert done.exit_code == 2
    assert "no oracle 'delphi'" in done.stderr


def test_ctrl_c_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Recorded):
        def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
            if program.name == "loop":
                raise KeyboardInterrupt
            return super().load(program, flags=flags)

    done = agree(monkeypatch, Interrupted(), *files("accept", "loop", "reject"))
    assert done.exit_code == 130
    assert "1 of 1" in done.output


def test_generated_programs_are_the_same_for_the_same_seed() -> None:
    from bpfsmt.agree.generated import generated

    one, two = list(generated(3, 5)), list(generated(3, 5))
    assert one == two
    assert len(one) == 3


# Several processes


def die(index: int, result: LoadResult, note: str, rules: str) -> pool.Answer:
    if result.program.name == "loop":
        os.kill(os.getpid(), signal.SIGKILL)
    return pool.Answer(index)


def test_a_worker_that_dies_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from .common import NAMES, program

    monkeypatch.setattr(pool, "work", die)
    programs = [(n, program(name)) for n, name in enumerate(NAMES)]
    answers = list(pool.run(programs, Recorded(), "linux-6.18", 2))
    assert sorted(answer.index for answer in answers) == [0, 1, 2]
    errors = {NAMES[answer.index] for answer in answers if answer.error}
    assert errors == {"loop"}
