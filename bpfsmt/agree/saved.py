"""Answers of earlier runs: one SQLite file, so that a comparison goes on where it stopped.

An answer is found again by everything that it depends on: the program, the kernel, the rules
and the source text of this package.  Where a kernel said nothing, or our verifier failed,
nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from bpfsmt.agree.pool import Answer
from bpfsmt.agree.selftests.running import Ran
from bpfsmt.conformance.saved import source_hash
from bpfsmt.kernel.oracle import Oracle
from bpfsmt.program.program import Program
from bpfsmt.prover import cache as proofs
from bpfsmt.rules import RuleSet

_SCHEMA = "create table if not exists answer (hash text primary key, answer blob)"
_NOT_ASKED = frozenset({"source", "title", "expect"})
"""Fields of a program of which no answer depends."""

Wanted = Callable[[int], object]
"""What an answer's note depends on besides its program, by the program's index."""


def default_path() -> Path:
    """``agreement.sqlite`` in the user's cache directory, beside the proofs."""
    return proofs.default_path().with_name("agreement.sqlite")


class Saved:
    """Answers about one kernel and one rule set; ``used`` of them were found again.

    ``wanted`` gives by index what an answer's note depends on besides the program.
    """

    def __init__(
        self,
        path: Path,
        oracle: Oracle,
        rules: RuleSet,
        wanted: Wanted = lambda index: None,
    ) -> None:
        """Raises `OSError` or `sqlite3.Error` if the file cannot be used."""
        self._wanted = wanted
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=30)
        self._db.execute("pragma synchronous = off")  # a killed process loses nothing by it
        self._db.execute(_SCHEMA)
        kernel = (
            oracle.name,
            oracle.release,
            os.uname().version if oracle.name == "kernel" else "",
        )
        self._about = repr((source_hash(), kernel, rules.name, rules.fingerprint))
        self._keys: dict[int, str] = {}
        self.used = 0

    def find(self, index: int, program: Program) -> Answer | None:
        """The answer for the program, with that index."""
        key = self._key(program, f"compared {self._wanted(index)!r}")
        found = self._get(key)
        if isinstance(found, Answer):
            self.used += 1
            return replace(found, index=index)
        self._keys[index] = key
        return None

    def keep(self, answer: Answer) -> None:
        """Keep a final answer for the program that was looked for with its index."""
        key = self._keys.pop(answer.index, None)
        if key is not None and answer.final:
            self._put(key, answer)

    def find_run(self, program: Program, expected: int) -> Ran | None:
        """What a test run gave."""
        found = self._get(self._key(program, f"run {expected}"))
        return found if isinstance(found, Ran) else None

    def keep_run(self, program: Program, expected: int, ran: Ran) -> None:
        """Keep what a test run gave."""
        self._put(self._key(program, f"run {expected}"), ran)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _key(self, program: Program, what: str) -> str:
        asked = [(f.name, getattr(program, f.name)) for f in fields(program)
                 if f.name not in _NOT_ASKED]  # fmt: skip
        return hashlib.sha256(repr((self._about, what, asked)).encode()).hexdigest()

    def _get(self, key: str) -> object:
        row = self._db.execute("select answer from answer where hash = ?", (key,)).fetchone()
        return None if row is None else pickle.loads(row[0])

    def _put(self, key: str, answer: object) -> None:
        with self._db:
            row = (key, pickle.dumps(answer))
            self._db.execute("insert or replace into answer values (?, ?)", row)
