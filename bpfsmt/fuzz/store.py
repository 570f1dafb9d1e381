"""A campaign's file: one SQLite database, to which every batch is added in one transaction.

What was running when the process was killed is not in it, and is done again.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.fuzz.batch import Outcome
from bpfsmt.fuzz.case import from_json, to_json
from bpfsmt.fuzz.finding import Found, Same
from bpfsmt.fuzz.reached import Reached
from bpfsmt.program.text import program_text

_SCHEMA = """
create table if not exists campaign (settings text not null);
create table if not exists batch (
    rules text, number integer, counts text not null, reached text not null, seconds real not null,
    primary key (rules, number));
create table if not exists met (
    rules text, kind text, rule text, component text, cause text,
    batch integer, position integer, times integer, program text not null, finding text not null,
    primary key (rules, kind, rule, component, cause, batch));
create table if not exists least (
    rules text, kind text, rule text, component text, cause text,
    batch integer, position integer, program text not null, finding text not null,
    primary key (rules, kind, rule, component, cause));
"""
"""``met`` has what batches found, ``least`` what was made of the first of each kind."""

_FORM = 1
"""The form of the tables; it changes with them."""

_FIRST = """
select m.program, m.finding, sum(a.times), l.program, l.finding from met m
join met a using (rules, kind, rule, component, cause)
left join least l on (l.rules, l.kind, l.rule, l.component, l.cause, l.batch, l.position)
    = (m.rules, m.kind, m.rule, m.component, m.cause, m.batch, m.position)
where m.batch = (select min(batch) from met where (rules, kind, rule, component, cause)
    = (m.rules, m.kind, m.rule, m.component, m.cause))
group by m.rules, m.kind, m.rule, m.component, m.cause
order by m.cause != '', m.rules, m.batch, m.position, m.kind, m.rule, m.component, m.cause
"""


class CampaignError(BpfsmtError):
    """A file that is no campaign, or one with other settings."""


@dataclass(frozen=True, slots=True)
class Done:
    """The numbers of the batches that are finished, what they counted, and what they reached."""

    numbers: frozenset[int]
    counts: Counter[str]
    reached: Reached
    seconds: float


class Store:
    """One campaign's file; ``path`` None keeps it in memory.

    ``settings`` is everything that outcomes depend on.  Raises `CampaignError` where the file
    has a campaign with others, or is none.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any] | None) -> None:
        self._name = str(path or "")
        if settings is None and path is not None and not path.is_file():
            raise CampaignError(f"{path}: no such file")
        try:
            self._db = sqlite3.connect(path or ":memory:", timeout=60)
            self._db.executescript(_SCHEMA)
            row = self._db.execute("select settings from campaign").fetchone()
            form = self._db.execute("pragma user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise CampaignError(f"{path}: no campaign ({error})") from error
        if row is None and settings is None:
            raise CampaignError(f"{path}: no campaign in it")
        if row is not None and form != _FORM:
            raise CampaignError(f"{path}: this campaign was begun with another version of bpfsmt")
        if row is None:
            with self._db:
                self._db.execute(f"pragma user_version = {_FORM}")
                self._db.execute("insert into campaign values (?)", (json.dumps(settings),))
        self.settings: dict[str, Any] = json.loads(row[0]) if row else dict(settings or {})
        if settings is not None:
            self._compare(settings)

    def _compare(self, settings: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps(settings))
        for name in sorted(self.settings.keys() | wanted.keys()):
            was, now = self.settings.get(name), wanted.get(name)
            if was != now:
                raise CampaignError(
                    f"{self._name}: this campaign has {name} {was!r}, not {now!r}: "
                    "go on with what it was begun with, or begin another file"
                )

    def done(self, rules: str) -> Done:
        """What is finished with a rule set."""
        numbers, counts, all_reached, seconds = set(), Counter[str](), Reached(), 0.0
        query = "select number, counts, reached, seconds from batch where rules = ?"
        for number, text, reached, took in self._db.execute(query, (rules,)):
            numbers.add(number)
            counts.update(json.loads(text))
            all_reached |= Reached.read(reached)
            seconds += took
        return Done(frozenset(numbers), counts, all_reached, seconds)

    def keep(self, outcome: Outcome) -> None:
        """A finished batch, with its findings, at once or not at all."""
        counts = json.dumps(dict(outcome.counts))
        with self._db:
            self._db.execute(
                "insert or replace into batch values (?, ?, ?, ?, ?)",
                (outcome.rules, outcome.number, counts, str(outcome.reached), outcome.seconds),
            )
            for found in outcome.found:
                self._db.execute(
                    "insert or replace into met values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*_same(found.same), *found.place, found.times, *_texts(found)),
                )

    def shrunk(self, found: Found) -> None:
        """The first finding of its kind, made small."""
        with self._db:
            self._db.execute(
                "insert or replace into least values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*_same(found.same), *found.place, *_texts(found)),
            )

    def findings(self) -> Iterator[Found]:
        """The first of each kind, small if that is done, with how often it was met.

        Those that rest on a known fault come last.
        """
        for program, text, times, small, small_text in self._db.execute(_FIRST).fetchall():
            found = from_json(json.loads(small_text or text), small or program)
            yield replace(found, times=times)

    def first(self, same: Same) -> tuple[int, int] | None:
        """Where a finding was met first."""
        query = (
            "select batch, position from met where (rules, kind, rule, component, cause) "
            "= (?, ?, ?, ?, ?) order by batch limit 1"
        )
        row = self._db.execute(query, _same(same)).fetchone()
        return (row[0], row[1]) if row else None

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _same(same: Same) -> tuple[str, ...]:
    rules, key, cause = same
    return rules, *key, cause


def _texts(found: Found) -> tuple[str, str]:
    return program_text(found.program), json.dumps(to_json(found))
