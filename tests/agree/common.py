"""Recorded answers of kernels: the programs and logs beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.kernel.oracle import LoadResult, RunInput, RunResult
from bpfsmt.kernel.stats import read_stats
from bpfsmt.program import Program, load

LOGS = Path(__file__).parent / "logs"
NAMES = ("accept", "loop", "reject")
RELEASES = {"6.18": "6.18.44", "6.12": "6.12.117+deb12-amd64", "6.1": "6.1.0-56-amd64"}


def program(name: str) -> Program:
    """One of the programs."""
    (found,) = load(LOGS / f"{name}.bpfasm").programs
    return found


def log_of(name: str, version: str) -> str:
    """What a kernel of that version logged."""
    return (LOGS / f"{name}-{version}.log").read_text()


def result(
    name: str, version: str, log: str | None = None, *, accepted: bool | None = None
) -> LoadResult:
    """A kernel's answer, as it was or with another log or verdict."""
    text = log_of(name, version) if log is None else log
    good = name != "reject" if accepted is None else accepted
    return LoadResult(
        program(name), RELEASES[version], good, 0 if good else 13, text, stats=read_stats(text)
    )


@dataclass
class Recorded:
    """An oracle that answers from the files."""

    version: str = "6.18"
    name: str = "kernel"
    logs: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, bool] = field(default_factory=dict)

    @property
    def release(self) -> str:
        return RELEASES[self.version]

    def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
        name = program.name
        log, accepted = self.logs.get(name), self.verdicts.get(name)
        return result(name, self.version, log, accepted=accepted)

    def run(self, program: Program, inputs: Sequence[RunInput]) -> Sequence[RunResult]:
        raise NotImplementedError
