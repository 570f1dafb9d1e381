"""Searches for exhibits that are finished, in one SQLite file: a later run takes them from there.

A search is found again by everything that its outcome depends on: the exhibit's rules and the
corrected ones, the settings, the versions, and the texts of what judges.  How long it took is
kept as well, so a file is good for one machine.
"""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
import sqlite3
from pathlib import Path

from bpfsmt.fuzz.history import Hunt, Hunted
from bpfsmt.fuzz.settings import versions
from bpfsmt.fuzz.store import CampaignError
from bpfsmt.rules.registry import load_exhibit

_SCHEMA = "create table if not exists hunt (hash text primary key, patience real, hunted blob)"

_NO_PART = frozenset({
    "agree", "bench", "cli", "corpus", "explain", "kernel", "mutation", "network", "poc",
    "precision", "prover", "rules",
})  # fmt: skip
"""Rooms that have no part in a search: of the prover only the solver is asked, the kernel is not,
and of the rules counts what they say (`RuleSet.fingerprint`)."""


class Hunts:
    """Finished searches; ``path`` None keeps nothing.  Raises `CampaignError` for another file."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._db = sqlite3.connect(path or ":memory:", timeout=60)
            self._db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise CampaignError(f"{path}: no file of searches ({error})") from error

    def find(self, hunt: Hunt) -> Hunted | None:
        """The outcome, if it was found in the time that there is now, or given up after as much."""
        query = "select patience, hunted from hunt where hash = ?"
        row = self._db.execute(query, (_key(hunt),)).fetchone()
        if row is None:
            return None
        hunted: Hunted = pickle.loads(row[1])
        stands = row[0] == hunt.seconds if hunted.found is None else hunted.seconds <= hunt.seconds
        return hunted if stands else None

    def keep(self, hunt: Hunt, hunted: Hunted) -> None:
        """Remember an outcome at once."""
        with self._db:
            row = (_key(hunt), hunt.seconds, pickle.dumps(hunted))
            self._db.execute("insert or replace into hunt values (?, ?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _key(hunt: Hunt) -> str:
    exhibit = load_exhibit(hunt.exhibit)
    parts = {
        "rules": [exhibit.rules.fingerprint, exhibit.base.fingerprint],
        "settings": hunt.settings.to_json(),
        "versions": versions("") | {"bpfsmt": _texts()},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@functools.cache
def _texts() -> str:
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] not in _NO_PART:
            digest.update(name.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
