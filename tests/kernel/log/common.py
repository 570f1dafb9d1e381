"""The recorded logs, and the programs that they are about."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bpfsmt.program import Program, load

HERE = Path(__file__).parent
LOGS = HERE.parent / "logs"
BENCH = HERE.parents[2] / "bench_programs"
RELEASES = ("6.1", "6.12", "6.18")

NAMES = sorted(path.stem for path in (LOGS / "6.18").glob("*.log"))
ALL = [(release, name) for release in RELEASES for name in NAMES]


@cache
def program(name: str) -> Program:
    """The program that a log of that name is about."""
    places = [LOGS / "programs", *(BENCH / part for part in ("xdp", "other", "rules"))]
    files = [place / f"{name}{suffix}" for place in places for suffix in (".o", ".bpfasm")]
    (found,) = load(next(file for file in files if file.exists())).programs
    return found


@cache
def text(release: str, name: str) -> str:
    """The log that a kernel printed about it."""
    return (LOGS / release / f"{name}.log").read_text(encoding="utf-8")
