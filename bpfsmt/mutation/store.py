"""Outcomes of earlier runs: one SQLite file, so that a campaign goes on where it stopped.

An outcome is found again by everything that it depends on: the mutant as compiled, the
theorems that it was put to with all texts behind them, those of its callers, this package, and
how long the solver may take if it came to nothing.

How a mutant was refuted is also kept by its text alone, as a hint: where other texts have
changed it is run again, and stands if it still shows the fault.
"""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from functools import cache
from pathlib import Path

from bpfsmt.bits import Rule
from bpfsmt.mutation.baseline import Asked, Baseline
from bpfsmt.mutation.mutant import Mutant, meaning
from bpfsmt.mutation.outcome import Hint, Limits, Outcome
from bpfsmt.prover import cache as proofs

_SCHEMA = """
create table if not exists outcome (hash text primary key, limits text, outcome blob);
create table if not exists hint (mutant text primary key, hint blob);
"""


def default_path() -> Path:
    """``mutants.sqlite`` in the user's cache directory, beside the proofs."""
    return proofs.default_path().with_name("mutants.sqlite")


class Store:
    """Outcomes by key; ``path`` None keeps nothing beyond this object's life."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", timeout=30)
        self._db.executescript(_SCHEMA)

    def find(self, key: str, limits: Limits) -> Outcome | None:
        """The outcome, if it was decided, or not decided within the same limits."""
        query = "select limits, outcome from outcome where hash = ?"
        row = self._db.execute(query, (key,)).fetchone()
        if row is None:
            return None
        found: Outcome = pickle.loads(row[1])
        return found if found.verdict != "unknown" or row[0] == repr(limits) else None

    def keep(self, key: str, limits: Limits, outcome: Outcome) -> None:
        """Remember an outcome at once."""
        with self._db:
            row = (key, repr(limits), pickle.dumps(outcome))
            self._db.execute("insert or replace into outcome values (?, ?, ?)", row)
            if outcome.counterexample is not None:
                hint = Hint(outcome.obligation, outcome.counterexample)
                pair = (outcome.mutant.name, pickle.dumps(hint))
                self._db.execute("insert or replace into hint values (?, ?)", pair)

    def hint(self, mutant: Mutant) -> Hint | None:
        """How a mutant with this text was refuted once."""
        query = "select hint from hint where mutant = ?"
        row = self._db.execute(query, (mutant.name,)).fetchone()
        return None if row is None else pickle.loads(row[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def outcome_key(baseline: Baseline, mutant: Mutant, made: Rule[..., object], asked: Asked) -> str:
    """A hash of everything that a mutant's outcome depends on, but for the time limits."""
    digest = hashlib.sha256(f"{_texts()} {mutant.name} {meaning(made)}".encode())
    for theorem in sorted(asked):
        digest.update(f"{theorem} {baseline.key(theorem)}\n".encode())
    digest.update(" ".join(sorted(asked.spared)).encode())
    digest.update(baseline.callers_key(mutant.rule).encode())
    return digest.hexdigest()


@cache
def _texts() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
