"""What was proved before: by the text of the formula, and by the texts of the rules.

Two tables in one SQLite file:

- formulas that were shown impossible, by the SHA-256 of their SMT-LIB text;
- the results of whole theorems, by a hash of everything that they are made from (the rules
  called, the texts of the prover and of the meaning of instructions, the solver), so that a
  second run need not even build the formulas.

Only what was decided is kept: never an unknown.  Deleting the file loses nothing but time.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bpfsmt.bits import Rule
from bpfsmt.prover.decide import SOLVER, Result
from bpfsmt.prover.theorems import Theorem
from bpfsmt.rules.ruleset import RuleSet, reached

_SCHEMA = """
create table if not exists formula (hash text primary key, solver text);
create table if not exists theorem (hash text primary key, seconds real, results blob);
create table if not exists cost (name text primary key, seconds real);
"""


def default_path() -> Path:
    """``proofs.sqlite`` in the user's cache directory (``$XDG_CACHE_HOME``)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bpfsmt" / "proofs.sqlite"


class Cache:
    """Proofs of earlier runs; ``path`` None keeps nothing beyond this object's life."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = sqlite3.connect(path or ":memory:", timeout=30)
        self._db.executescript(_SCHEMA)

    def impossible(self, key: str) -> bool:
        """Whether the formula with this hash was shown to have no model."""
        row = self._db.execute("select 1 from formula where hash = ?", (key,)).fetchone()
        return row is not None

    def learn(self, keys: Iterable[str]) -> None:
        """Remember that formulas with these hashes were shown to have no model."""
        with self._db:
            rows = [(key, SOLVER) for key in keys]
            self._db.executemany("insert or ignore into formula values (?, ?)", rows)

    def theorem(self, key: str) -> list[Result] | None:
        """The results of a theorem, if all of them were decided."""
        row = self._db.execute("select results from theorem where hash = ?", (key,)).fetchone()
        return None if row is None else pickle.loads(row[0])

    def keep(self, name: str, key: str, results: list[Result]) -> None:
        """Remember what was decided, and how long the theorem took."""
        seconds = sum(r.seconds for r in results)
        with self._db:
            self._db.execute("insert or replace into cost values (?, ?)", (name, seconds))
            formulas = ((f, SOLVER) for r in results for f in r.formulas)
            self._db.executemany("insert or ignore into formula values (?, ?)", formulas)
            if all(r.verdict != "unknown" for r in results):
                row = (key, seconds, pickle.dumps(results))
                self._db.execute("insert or replace into theorem values (?, ?, ?)", row)

    def costs(self) -> dict[str, float]:
        """Seconds that theorems took, by name, when they were last proved."""
        return dict(self._db.execute("select name, seconds from cost").fetchall())

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def theorem_key(rules: RuleSet, theorem: Theorem) -> str:
    """A hash of everything that the theorem's results depend on."""
    return rules_key(rules, [theorem.rule, "sync"], f"{_texts()} {SOLVER} {theorem.name}")


def rules_key(rules: RuleSet, names: Iterable[str], about: str) -> str:
    """A hash of the texts of some rules, of all that they call, and of what is asked about them."""
    digest = hashlib.sha256(about.encode())
    for name in sorted(reached(rules, names)):
        digest.update(f"{name} {_rule_hash(rules.linked.rules[name])}".encode())
    return digest.hexdigest()


@cache
def _rule_hash(rule: Rule[..., Any]) -> str:
    body = (rule.params, rule.result, rule.compiled.body)
    return hashlib.sha256(repr(body).encode()).hexdigest()


@cache
def _texts() -> str:
    return texts_of("bits", "domain", "semantics", "prover")


def texts_of(*rooms: str) -> str:
    """A hash of the texts in some rooms, or of single ones."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for room in rooms:
        one = room.endswith(".py")
        for path in [root / room] if one else sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
