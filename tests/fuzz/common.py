"""Small campaigns for tests: few programs, and rule files that do something to the oracles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpfsmt.fuzz.batch import Batch, Outcome
from bpfsmt.fuzz.settings import Settings

HERE = Path(__file__).parent
PLANTED, WIDER = str(HERE / "planted.py"), str(HERE / "wider.py")
BLATANT = str(HERE / "blatant.py")

DOES = """
import os, sys
from bpfsmt.fuzz import {module}
from bpfsmt.rules import rule_set
RULES = rule_set("linux-6.12")

def instead(*args, **options):
    {does}

if "bpfsmt.fuzz.worker" in sys.orig_argv:
    {module}.{name} = instead
"""
"""A rule file that, in a worker, puts a function of its own in the place of one of an oracle."""


def doing(folder: Path, module: str, name: str, does: str) -> str:
    """The path of such a file."""
    path = folder / "doing.py"
    path.write_text(DOES.format(module=module, name=name, does=does))
    return str(path)


def settings(*oracles: str, **others: Any) -> Settings:
    """A few programs, and only these oracles."""
    return Settings(**{"size": 10, "oracles": oracles, "inputs": 4, **others})


def outcome(rules: str, made: Settings, number: int = 0) -> Outcome:
    """A batch, judged in this process."""
    return Batch(made, rules, number).run()
