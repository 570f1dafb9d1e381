"""Tasks that are finished, kept in a file: who is interrupted goes on from there.

One line of JSON for each task, under a hash of the task, of the kernel and of the source text
of this package: what another machine or another kernel answered counts for nothing.  A task
in which something differed is not kept, so that it is done, and told, again.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bpfsmt.conformance.campaign import Tally, Task
from bpfsmt.conformance.case import Agreement, Case, Checked
from bpfsmt.conformance.report import to_json
from bpfsmt.errors import BpfsmtError
from bpfsmt.program.program import Program, ProgramType


class Saved:
    """The finished tasks in a file, which need not be there yet.

    Raises `BpfsmtError`, in one line, for a file that holds something else, and `OSError`.
    A last line that was cut short is what an interruption leaves, and is forgotten.
    """

    def __init__(self, path: Path, kernel: str) -> None:
        self._path = path
        self._kernel = kernel
        self._tallies: dict[str, Tally] = {}
        text = path.read_text("utf-8", "replace") if path.exists() else ""
        whole, _, cut = text.rpartition("\n")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                found = json.loads(line)
                self._tallies[found["task"]] = _tally(found)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise BpfsmtError(f"{path}:{number}: no finished task of a machine-check") from None
        if cut:
            if not cut.startswith("{"):
                raise BpfsmtError(f"{path}: no finished tasks of a machine-check")
            path.write_text(whole + "\n" if whole else "", "utf-8")
        path.open("a").close()  # so that what is wrong with it is said before anything is done

    def get(self, task: Task) -> Tally | None:
        """What a task came to, if it was finished before."""
        return self._tallies.get(self._key(task))

    def add(self, task: Task, tally: Tally) -> None:
        """Keep what a task came to, unless something differed."""
        if tally.count(Agreement.DIFFERENT):
            return
        line = {"task": self._key(task)} | _to_json(tally)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _key(self, task: Task) -> str:
        text = "\0".join((source_hash(), self._kernel, repr(task)))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@functools.cache
def source_hash() -> str:
    """A hash of all Python files of the package."""
    found = hashlib.sha256()
    for path, file in sorted(_python_files(files("bpfsmt"))):
        found.update(path.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def _python_files(folder: Traversable, path: str = "") -> list[tuple[str, Traversable]]:
    all_: list[tuple[str, Traversable]] = []
    for each in folder.iterdir():
        below = f"{path}/{each.name}"
        if each.is_dir():
            all_ += _python_files(each, below)
        elif each.name.endswith(".py"):
            all_.append((below, each))
    return all_


def _to_json(tally: Tally) -> dict[str, Any]:
    return {
        "agreements": [[group, a.value, n] for (group, a), n in _counts(tally)],
        "pairs": dict(tally.pairs),
        "told": [to_json(each) for each in tally.told],
    }


def _counts(tally: Tally) -> list[tuple[tuple[str, Agreement], int]]:
    """The counts, in an order that does not depend on how they came about."""
    return sorted(tally.agreements.items(), key=lambda item: (item[0][0], item[0][1].value))


_GONE = Program("gone", ProgramType.XDP, ())
"""In place of the program of a case of which only the name is told."""


def _tally(found: dict[str, Any]) -> Tally:
    agreements = Counter({(group, Agreement(a)): int(n) for group, a, n in found["agreements"]})
    pairs = Counter({str(group): int(n) for group, n in found["pairs"].items()})
    return Tally(agreements, pairs, [_checked(each) for each in found["told"]])


def _checked(told: dict[str, Any]) -> Checked:
    case = Case(str(told["group"]), str(told["name"]), _GONE, ())
    return Checked(case, Agreement(told["agreement"]), int(told["pairs"]), why=str(told["why"]))
