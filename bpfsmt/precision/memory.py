"""What was answered before: answers by a hash of all that they are made from, in one SQLite file.

Only what was decided is kept, at once, so an interrupted run loses nothing that it said.
Deleting the file loses nothing but time.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bpfsmt.prover.cache import default_path as proofs_path
from bpfsmt.prover.cache import rules_key, texts_of
from bpfsmt.prover.decide import SOLVER
from bpfsmt.rules.ruleset import RuleSet

_SCHEMA = "create table if not exists answer (hash text primary key, name text, answer blob)"


def default_path() -> Path:
    """``precision.sqlite``, beside the proofs."""
    return proofs_path().with_name("precision.sqlite")


class Memory:
    """Answers of earlier runs; ``path`` None keeps nothing beyond this object's life."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", timeout=30)
        self._db.execute(_SCHEMA)

    def get(self, key: str) -> Any:
        """The answer that was kept under this key, or `None`."""
        row = self._db.execute("select answer from answer where hash = ?", (key,)).fetchone()
        return None if row is None else pickle.loads(row[0])

    def keep(self, key: str, name: str, answer: Any) -> None:
        """Remember an answer."""
        with self._db:
            row = (key, name, pickle.dumps(answer))
            self._db.execute("insert or replace into answer values (?, ?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


COMPARES = ("bits", "domain", "semantics", "prover", "precision")
"""Rooms and texts on which it depends how two rules compare: inputs are those of obligations."""

ASKS = (
    "bits", "domain/gamma.py", "domain/scalar.py", "semantics/alu.py",
    "precision/alone.py", "precision/cases.py", "precision/kept.py", "precision/measured.py",
    "precision/operations.py", "precision/optimal.py", "precision/parts.py", "precision/plain.py",
    "precision/search.py", "precision/shared.py", "precision/signs.py", "precision/witnesses.py",
    "prover/compose.py", "prover/facts.py", "prover/solver.py",
    "prover/theorems/meanings.py", "prover/theorems/numbers.py",
)  # fmt: skip
"""Those on which it depends how much one rule says."""


def key(about: str, names: Iterable[str], *sets: RuleSet, texts: tuple[str, ...] = COMPARES) -> str:
    """A hash of the question, of the rules that are asked about, and of the texts that ask."""
    wanted = list(names)
    parts = [_read(texts), SOLVER, about, *(rules_key(s, wanted, "") for s in sets)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_read = functools.cache(lambda texts: texts_of(*texts))
