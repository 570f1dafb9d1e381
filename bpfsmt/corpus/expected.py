"""What was said of a folder of programs, in a file that people read and compare.

JSON, one program after another in the order of their names; nothing in it depends on when,
where or in how many processes it was made.  ``steps`` is the walk: each ``pc:digest`` stands
for what is known after that instruction, or after it and the next ones up to ``every``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from bpfsmt.corpus.digest import Step, program_digest, short, steps
from bpfsmt.corpus.side import Said
from bpfsmt.domain.analysis import Outcome, Verdict
from bpfsmt.errors import BpfsmtError
from bpfsmt.program.program import Program

FILE_NAME = "expected.json"
"""The file's name in the folder that it is about."""

FORMAT = 1
"""Of another format nothing is read."""

_GROUPS = 2048
"""A longer walk has several instructions to one digest."""

_LINE = 12
"""So many digests stand on one line of the file."""


class ExpectedError(BpfsmtError):
    """A file of expectations that cannot be read as one."""


@dataclass(frozen=True, slots=True)
class By:
    """Who said it: rules by name and fingerprint, or a kernel by its release.

    ``oracle`` is how that kernel was asked.
    """

    rules: str = ""
    fingerprint: str = ""
    kernel: str = ""
    oracle: str = ""

    @property
    def name(self) -> str:
        """For a reader."""
        return self.rules or f"Linux {self.kernel}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said of one program: ``program`` is its file below the folder and its name.

    ``states`` is the digest of all steps, "" if the walk was too long to keep its states, or
    there was none.
    """

    program: str
    bytes: str
    verdict: str
    pc: int | None = None
    kind: str = ""
    message: str = ""
    walked: int | None = None
    states: str = ""
    every: int = 1
    steps: list[str] = field(default_factory=list)

    @property
    def said(self) -> Verdict:
        """The verdict as a verdict."""
        pc = -1 if self.pc is None else self.pc
        return Verdict(Outcome(self.verdict), pc, self.kind, self.message, self.message)


def entry(name: str, program: Program, said: Said) -> Entry:
    """What is to be kept of what was said."""
    walk = [] if said.walk is None else list(steps(said.walk))
    every = -(-len(walk) // _GROUPS) or 1
    verdict = said.verdict
    return Entry(
        name, program_digest(program), verdict.outcome.value,
        None if verdict.pc < 0 else verdict.pc, verdict.kind, verdict.message, said.walked,
        short(*(f"{step.pc} {step.text}" for step in walk)) if walk else "",
        every, list(_groups(walk, every)),
    )  # fmt: skip


def _groups(walk: Sequence[Step], every: int) -> Iterator[str]:
    for n in range(0, len(walk), every):
        group = walk[n : n + every]
        yield f"{group[0].pc}:{short(*(step.text for step in group), letters=4)}"


def parting(before: Entry, after: Entry) -> tuple[int, str, str] | None:
    """The pc where two walks part first, and both digests there; `None` if they do not.

    That a walk ends with a rejection is none.
    """
    if not before.states or not after.states or before.states == after.states:
        return None
    pair = next(((x, y) for x, y in zip_longest(before.steps, after.steps, fillvalue="")
                 if x != y), None)  # fmt: skip
    if pair is None:  # the short digests are the same by chance
        return -1, before.states, after.states
    a, b = pair
    ended = None if a and b else after if a else before
    if ended is not None and ended.said.outcome is Outcome.REJECT:
        return None
    return int((b or a).partition(":")[0]), a or "the end", b or "the end"


# The file


def write(path: Path, by: By, entries: Iterable[Entry]) -> None:
    """Write a whole file; what was there before stays until the new one is whole."""
    items = ",\n".join(_layout(asdict(each)) for each in entries)
    head = json.dumps({"format": FORMAT, "by": asdict(by)}, indent=1)[:-2]
    new = path.with_name(path.name + ".new")
    new.write_text(f'{head},\n "programs": [\n{items}\n ]\n}}\n', encoding="utf-8")
    new.replace(path)


def _layout(data: dict[str, Any]) -> str:
    """An entry on several lines; what is not there is left out."""
    lines = [
        f"   {json.dumps(key)}: {json.dumps(value)}"
        for key, value in data.items()
        if key != "steps" and value not in ("", None) and (key, value) != ("every", 1)
    ]
    walk = iter(data["steps"])
    rows = list(iter(lambda: " ".join(islice(walk, _LINE)), ""))
    if rows:
        said = ",\n".join(f"    {json.dumps(row)}" for row in rows)
        lines.append(f'   "steps": [\n{said}\n   ]')
    return "  {\n" + ",\n".join(lines) + "\n  }"


def read(path: Path) -> tuple[By, list[Entry]]:
    """A file as `write` made it; raises `ExpectedError` or `OSError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ExpectedError(f"{path}: cut off, or no expectations: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else None
        raise ExpectedError(f"{path}: no expectations of format {FORMAT} (format: {found!r})")
    try:
        by = By(**data["by"])
        entries = [_entry(each) for each in data["programs"]]
        if not all(isinstance(value, str) for value in asdict(by).values()):
            raise ValueError("a value of the wrong type in by")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ExpectedError(f"{path}: not as bpfsmt record writes it: {why}") from None
    names = [each.program for each in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ExpectedError(f"{path}: {twice} is in it twice")
    return by, entries


def _entry(data: dict[str, Any]) -> Entry:
    """An entry; raises one of several errors for what is none."""
    rows = data.pop("steps", [])
    found = Entry(**data, steps=[word for row in rows for word in row.split()])
    numbers = {"pc": found.pc, "walked": found.walked, "every": found.every}
    for name, value in asdict(found).items():
        kind = int if name in numbers else list if name == "steps" else str
        if type(value) is not kind and not (value is None and name in ("pc", "walked")):
            raise ValueError(f"{found.program!r}: {name} is {value!r}")
    Outcome(found.verdict)
    for word in found.steps:
        int(word.partition(":")[0])
    return found
