"""A small folder of programs, the rule sets with something planted, and the commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from bpfsmt.cli import main
from bpfsmt.program import Program, load

BENCH = Path(__file__).parents[2] / "bench_programs"
PLANTED = Path(__file__).parent / "planted"
RULES = "linux-6.12"
LOOSE_AND, NO_PRUNING = str(PLANTED / "loose_and.py"), str(PLANTED / "no_pruning.py")

STATES, VERDICT, WALKED = "tnum_masked_index.bpfasm", "tnum_alignment_ok.bpfasm", "join.bpfasm"
"""In each of these the planted rules change just what it is called after (the latter two with
`LOOSE_AND` and `NO_PRUNING`; verdicts change states and walks with them)."""

UNSUPPORTED = ".type socket_filter\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit\n"


def program(name: str) -> Program:
    """One of the programs."""
    (found,) = load(_path(name)).programs
    return found


def _path(name: str) -> Path:
    places = (PLANTED, BENCH / "rules", BENCH / "xdp")
    return next(place / name for place in places if (place / name).exists())


def folder(where: Path, *names: str) -> Path:
    """A folder with copies of these."""
    where.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(_path(name), where)
    return where


def bpfsmt(command: str, *arguments: str | Path, jobs: int = 1) -> Result:
    """Run a command in this process; no traceback whatever happens."""
    words = [command, f"-j{jobs}", *map(str, arguments)]
    done = CliRunner().invoke(main, words)
    assert "Traceback" not in done.output, done.output
    return done


def report(command: str, *arguments: str | Path, jobs: int = 1) -> dict[str, Any]:
    """The JSON of a command."""
    found: dict[str, Any] = json.loads(bpfsmt(command, "--json", *arguments, jobs=jobs).stdout)
    return found
