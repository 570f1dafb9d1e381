"""Everything that the outcome of a batch depends on, apart from its number."""

from __future__ import annotations

import functools
import hashlib
import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import z3

from bpfsmt.fuzz.finding import Oracle
from bpfsmt.rules import RuleSet

EACH = 6
"""Seconds."""

ALL = tuple(oracle.value for oracle in Oracle)


@dataclass(frozen=True, slots=True)
class Settings:
    """How programs are made and judged.

    A batch has ``size`` programs.  ``source`` names where they come from (`bpfsmt.fuzz.source`),
    ``oracles`` who is asked.
    Every accepted program runs on ``inputs`` inputs.  Z3 is asked about one program in
    ``share``, and where no steps are gone about those that the runs say little of; ``work``
    bounds each of its queries (in its own count), and after ``patience`` queries without an
    answer it is asked no more of that program.  A walk of more than ``walked`` instructions is
    given up, and its program judged by nobody.  A batch is ended, and that is a finding, that
    takes more than ``limit`` seconds of processor time (0: a minute, and `EACH` for each program).
    """

    seed: int = 0
    size: int = 50
    source: str = "guided"
    oracles: tuple[str, ...] = ALL
    inputs: int = 8
    share: int = 64
    work: int = 3_000_000
    patience: int = 3
    walked: int = 20_000
    limit: int = 0

    @property
    def allowed(self) -> int:
        """Seconds of processor time for a batch: many times of what one takes."""
        return self.limit or 60 + EACH * self.size

    def asks(self, oracle: Oracle) -> bool:
        """Whether this oracle is asked."""
        return oracle.value in self.oracles

    def bound(self, rules: RuleSet) -> RuleSet:
        """The rules, with walks that are given up where these settings say so."""
        if rules.policy.max_walked <= self.walked:
            return rules
        policy = replace(rules.policy, max_walked=self.walked)
        return rules.derive(rules.name, policy=policy, doc=rules.doc)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self) | {"oracles": list(self.oracles)}


def versions(kernel: str) -> dict[str, str]:
    """What judged: bpfsmt with a hash of its texts, Z3, hypothesis, Python, the kernel ("" if
    it is not asked)."""
    from importlib.metadata import version

    return {
        "bpfsmt": f"{version('bpfsmt')}+{_texts()}",
        "z3": z3.get_version_string(),
        "hypothesis": version("hypothesis"),
        "python": platform.python_version(),
        "kernel": kernel,
    }


@functools.cache
def _texts() -> str:
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]
