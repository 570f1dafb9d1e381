"""Finished tasks in a file: taken over by the same machine and kernel, and by no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bpfsmt.conformance import Agreement, Case, Checked, saved
from bpfsmt.conformance.campaign import EdgeTask, FileTask, MapTask, StraightTask, Tally, Task
from bpfsmt.conformance.saved import Saved
from bpfsmt.errors import BpfsmtError

from .common import asm

TASKS: list[Task] = [
    EdgeTask(1), StraightTask(0, 100, 1), MapTask(0, 100, 1),
    FileTask(Path("a.o"), asm("r0 = 2\nexit"), 1),
]  # fmt: skip


def tally(*came: Agreement) -> Tally:
    found = Tally()
    for n, each in enumerate(came):
        case = Case("files", f"case {n}", asm("r0 = 1\nexit"), ())
        found.add(Checked(case, each, 7, why="" if each is Agreement.SAME else "so"))
    return found


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "done"
    first = Saved(file, "6.18")
    assert [first.get(task) for task in TASKS] == [None] * 4
    for task in TASKS:
        first.add(task, tally(Agreement.SAME, Agreement.SAME, Agreement.REJECTED))
    again = Saved(file, "6.18")
    for task in TASKS:
        found = again.get(task)
        assert found is not None
        assert found.count(Agreement.SAME, "files") == 2
        assert found.pairs == {"files": 21}
        ((told, why),) = [(each.case.name, each.why) for each in found.told]
        assert (told, why) == ("case 2", "so")


def test_nobody_else_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, task = tmp_path / "done", TASKS[1]
    Saved(file, "6.18").add(task, tally(Agreement.SAME))
    assert Saved(file, "6.18").get(task) is not None
    assert Saved(file, "6.19").get(task) is None, "another kernel"
    assert Saved(file, "6.18").get(StraightTask(0, 100, 2)) is None, "another seed"
    other = FileTask(Path("a.o"), asm("r0 = 3\nexit"), 1)
    Saved(file, "6.18").add(TASKS[3], tally(Agreement.SAME))
    assert Saved(file, "6.18").get(other) is None, "another program under that name"
    monkeypatch.setattr(saved, "source_hash", lambda: "changed")
    assert Saved(file, "6.18").get(task) is None, "another machine"


def test_a_difference_is_not_kept(tmp_path: Path) -> None:
    found = Saved(tmp_path / "done", "6.18")
    found.add(TASKS[0], tally(Agreement.SAME, Agreement.DIFFERENT))
    assert found.get(TASKS[0]) is None
    assert Saved(tmp_path / "done", "6.18").get(TASKS[0]) is None


def test_a_line_that_was_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "done"
    kept = Saved(file, "6.18")
    for task in TASKS[:2]:
        kept.add(task, tally(Agreement.SAME))
    file.write_text(file.read_text()[:-20])
    again = Saved(file, "6.18")
    assert [again.get(task) is not None for task in TASKS[:2]] == [True, False]
    again.add(TASKS[1], tally(Agreement.SAME))
    assert all(Saved(file, "6.18").get(task) is not None for task in TASKS[:2])


@pytest.mark.parametrize(
    "text", ["nothing of the kind", "[]\n", "{}\n", json.dumps({"task": "x", "pairs": 3}) + "\n"]
)
def test_another_kind_of_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "done"
    file.write_text(text)
    with pytest.raises(BpfsmtError, match="no finished task"):
        Saved(file, "6.18")
    assert file.read_text() == text
