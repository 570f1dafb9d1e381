"""Programs compared between two kernels, and a kernel and a rule set, as ``bpfsmt diff`` does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bpfsmt.agree.relation import Relation
from bpfsmt.cli import main
from bpfsmt.corpus import side
from bpfsmt.corpus.difference import Difference, difference
from bpfsmt.corpus.side import Asked, say
from bpfsmt.errors import OracleError
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program import Program

from .common import LOGS, NAMES, Recorded, log_of, program, result

MASKED = "smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))"
WIDER = "smax=umax=smax32=umax32=16,var_off=(0x0; 0x1f))"
EDITED = log_of("accept", "6.18").replace("; R3=scalar(smin=smin32=0," + MASKED,
                                          "; R3=scalar(smin=smin32=0," + WIDER)  # fmt: skip


def differ(name: str, a: Asked, b: Asked) -> Difference:
    one = program(name)
    return difference(one, say(one, a), say(one, b))


@pytest.mark.parametrize("name", NAMES)
def test_recorded_kernels_differ_neither_from_themselves_nor_from_their_rules(name: str) -> None:
    kernel, rules = result(name, "6.18"), "linux-6.18"
    for a, b in ((kernel, kernel), (kernel, rules), (rules, kernel)):
        found = differ(name, a, b)
        assert not found.kinds
        assert found.states is not None
        assert found.states.equal == found.states.total > 5
        assert found.walked[0] == found.walked[1]


def sides() -> Iterator[tuple[Asked, Asked, Relation]]:
    changed, kernel = result("accept", "6.18", EDITED), result("accept", "6.18")
    for whole in (kernel, "linux-6.18"):
        yield whole, changed, Relation.WIDER
        yield changed, whole, Relation.TIGHTER


@pytest.mark.parametrize(("a", "b", "relation"), list(sides()))
def test_a_state_edited_in_one_log(a: Asked, b: Asked, relation: Relation) -> None:
    assert log_of("accept", "6.18") != EDITED
    found = differ("accept", a, b)
    assert found.kinds == {"states"}
    assert found.states is not None
    assert found.states.pairs[relation] == 1
    assert found.states.equal == found.states.total - 1
    assert found.parting is not None
    texts = [found.parting.a, found.parting.b]
    assert [text.endswith(WIDER) for text in texts] == [relation is not Relation.WIDER,
                                                        relation is Relation.WIDER]  # fmt: skip
    assert found.parting.insn == "r3 &= 15"


def test_a_kernel_that_decides_otherwise() -> None:
    found = differ("accept", result("accept", "6.18"), result("accept", "6.18", accepted=False))
    assert "verdict" in found.kinds


def test_a_longer_walk_of_a_kernel() -> None:
    kernel = result("loop", "6.18")
    assert kernel.stats is not None
    more = replace(kernel.stats, insns_processed=kernel.stats.insns_processed + 1)
    assert differ("loop", kernel, replace(kernel, stats=more)).kinds == {"walked"}


def test_a_kernel_without_a_verdict_is_unknown() -> None:
    assert differ("accept", OracleError("no memory"), "linux-6.18").kinds == {"unknown"}


def test_a_log_that_is_not_whole_is_not_compared() -> None:
    found = differ("accept", replace(result("accept", "6.18"), complete=False), "linux-6.18")
    assert (found.kinds, found.compared) == (set(), False)


# The commands


def ask(monkeypatch: pytest.MonkeyPatch, kernels: dict[str, Any], *arguments: str) -> Result:
    monkeypatch.setattr(side, "oracle", kernels.__getitem__)
    return CliRunner().invoke(main, [arguments[0], "-j1", *arguments[1:]])


KERNELS = {"kernel": Recorded(), "vm:x": Recorded(name="vm:x", logs={"accept": EDITED})}


def test_the_first_one_is_a(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (
        ["--oracle", "kernel", "--oracle", "vm:x"], ["--oracle", "kernel", "--rules", "linux-6.18"],
        ["--rules", "linux-6.18", "--oracle", "kernel"], ["--oracle", "vm:x", "-r", "linux-6.18"],
    ):  # fmt: skip
        done = ask(monkeypatch, KERNELS, "diff", *given, "--json", str(LOGS))
        report = json.loads(done.stdout)
        assert [report["A"].partition(": ")[0], report["B"].partition(": ")[0]] == given[1::2]
        assert done.exit_code == ("vm:x" in given)
        counts = report["total"]["states"]
        assert (counts["looser"], counts["tighter"]) == (
            int(given[3] == "vm:x"), int(given[1] == "vm:x")
        )  # fmt: skip


def test_a_kernel_is_recorded_and_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        shutil.copy(LOGS / f"{name}.bpfasm", tmp_path)
    folder = str(tmp_path)
    assert ask(monkeypatch, KERNELS, "record", folder, "--oracle", "kernel").exit_code == 0
    assert json.loads((tmp_path / "expected.json").read_text())["by"] == {
        "rules": "", "fingerprint": "", "kernel": "6.18.44", "oracle": "kernel",
    }  # fmt: skip
    assert ask(monkeypatch, KERNELS, "replay", folder).exit_code == 0
    done = ask(monkeypatch, KERNELS, "replay", folder, "--oracle", "vm:x")
    assert done.exit_code == 1
    assert "accept.bpfasm: first after 7: r3 &= 15" in done.output
    other = {"kernel": Recorded("6.12")}
    done = ask(monkeypatch, other, "replay", folder)
    assert "states not compared: 3" in done.output, "another kernel prints otherwise"
    assert done.exit_code == 3
    assert ask(monkeypatch, other, "replay", folder, "--fail-on", "verdict").exit_code == 0
    done = ask(monkeypatch, KERNELS, "replay", folder, "-r", "linux-6.18", "--fail-on", "verdict")
    assert done.exit_code == 0


def test_a_kernel_that_has_no_verdict_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Silent(Recorded):
        def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
            if program.name == "loop":
                raise OracleError("no memory")
            return super().load(program, flags=flags)

    for name in NAMES:
        shutil.copy(LOGS / f"{name}.bpfasm", tmp_path)
    kernels = {"kernel": Silent()}
    done = ask(monkeypatch, kernels, "record", str(tmp_path), "--oracle", "kernel")
    assert done.exit_code == 3
    assert "loop.bpfasm:loop: no memory: not recorded" in done.stderr
    assert len(json.loads((tmp_path / "expected.json").read_text())["programs"]) == 2


def test_the_running_kernel() -> None:
    if why := available():
        pytest.skip(str(why))
    arguments = ["--oracle", "kernel", "--oracle", "kernel", str(LOGS)]
    done = CliRunner().invoke(main, ["diff", "-j1", *arguments])
    assert done.exit_code == 0, done.output
    assert "3 programs: 3 unchanged" in done.output


def test_a_refusal_without_a_word_has_nothing_to_compare() -> None:
    silent = result("reject", "6.18", "", accepted=False)
    found = differ("reject", silent, "linux-6.18")
    assert found.compared
    assert found.states is None
