"""Many mutants: samples, scores, what is kept, Ctrl-C, processes, the command."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bpfsmt.cli import main
from bpfsmt.mutation import campaign
from bpfsmt.mutation.campaign import Judged, Plan, chosen, run
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.outcome import Limits, Outcome
from bpfsmt.mutation.score import by_rule, total
from bpfsmt.mutation.store import Store
from bpfsmt.rules.ruleset import RuleSet

from .small import SMALL, baseline

command = importlib.import_module("bpfsmt.cli.mutate")  # the module: the name is a command

FILE = Path(__file__).parent / "small.py"
PLAN = Plan(sample=12, seed=3)


def judged(plan: Plan, store: Store | None = None, **more: str) -> list[Judged]:
    _, mutants = chosen(SMALL, plan)
    return list(run(baseline(), mutants, plan, store=store, **more))  # type: ignore[arg-type]


def test_a_sample_is_drawn_by_its_seed() -> None:
    """The same seed draws the same, more of them include fewer; all if there are no more."""
    found, mutants = chosen(SMALL, PLAN)
    assert len(mutants) == 12
    assert chosen(SMALL, PLAN)[1] == mutants
    assert chosen(SMALL, Plan(sample=12, seed=4))[1] != mutants
    assert set(mutants) < set(chosen(SMALL, Plan(sample=20, seed=3))[1])
    every = [m for f in found for m in f.found]
    assert set(mutants) < set(every)
    assert chosen(SMALL, Plan(sample=10_000))[1] == every


@functools.cache
def first_run() -> tuple[Store, list[Judged]]:
    """The plan carried out, and what was kept of it."""
    store = Store(None)
    return store, judged(PLAN, store)


def test_outcomes_are_kept_and_found_again() -> None:
    """A second run asks nothing; nor does one with other limits, as nothing was unknown."""
    store, first = first_run()
    again = judged(PLAN, store)
    assert not any(j.cached for j in first)
    assert all(j.cached for j in again)
    assert [j.outcome for j in again] == [j.outcome for j in first]
    assert all(j.cached for j in judged(Plan(sample=12, seed=3, limits=Limits(1, 2)), store))


def test_a_campaign_that_is_interrupted_goes_on() -> None:
    """What was said before the end is known afterwards."""
    store, plan = Store(None), Plan(sample=4, seed=3)
    _, mutants = chosen(SMALL, plan)
    going = run(baseline(), mutants, plan, store=store)
    done = [next(going), next(going)]
    del going
    again = judged(plan, store)
    assert [j.cached for j in again].count(True) == 2
    assert [j.outcome for j in again[:2]] == [j.outcome for j in done]


def test_counts_and_score() -> None:
    """Every mutant is counted once; the score leaves out those that are the original."""
    outcomes = [j.outcome for j in first_run()[1]]
    score = total(outcomes)
    assert score.mutants == 12 == sum(s.mutants for s in by_rule(outcomes).values())
    assert score.share == score.counts["refuted"] / (12 - score.counts["equal"])
    assert score.counts["unknown"] == 0


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def mutate(*args: str) -> Result:
    return CliRunner().invoke(main, ["mutate", "--rules", str(FILE), *args])


def test_the_command(cache: Path) -> None:
    """In two processes, then again from what was kept; the JSON says why survivors are sound."""
    first = mutate("tnum_and", "tnum_zext32", "-j2", "--json")
    assert first.exit_code == 0, first.output
    data = json.loads(first.stdout)
    assert data["counts"]["unknown"] == 0
    assert data["mutants"] == len(data["outcomes"]) > 20
    for o in data["outcomes"]:
        if o["verdict"] == "sound":
            assert o.get("proofs") or "(check-sat)" in o["equal"]
        else:
            assert o["counterexample"]["arguments"]
    assert (cache / "bpfsmt" / "mutants.sqlite").exists()
    again = mutate("tnum_and", "tnum_zext32")
    assert again.exit_code == 0
    assert f"{data['mutants']} outcomes from earlier runs" in again.stdout


def test_the_command_says_what_is_wrong(cache: Path) -> None:
    """No such rule: one line, exit code 2."""
    result = mutate("tnum_foo")
    assert result.exit_code == 2
    assert result.stderr == "bpfsmt: small has no rule 'tnum_foo'\n"


LONELY = """
from bpfsmt.bits import rule, u64
from bpfsmt.rules import RuleSet

@rule
def odd(x: u64) -> bool:
    return x & 1 == 1

RULES = RuleSet("lonely", {"odd": odd})
"""


def test_unknown_has_its_exit_code(cache: Path) -> None:
    """A rule without a theorem: exit code 3, and the reason."""
    file = cache / "lonely.py"
    file.write_text(LONELY)
    result = CliRunner().invoke(main, ["mutate", "--rules", str(file), "--sample", "2", "-j1"])
    assert result.exit_code == 3
    assert "no theorem speaks of odd" in result.stdout


FORGETFUL = """
from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import RuleSet

@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    unknown = a.mask | b.mask
    return Tnum((a.value + b.value) & ~unknown, unknown)

RULES = RuleSet("forgetful", {"tnum_add": tnum_add})
"""


def test_what_the_original_does_not_meet_is_said(cache: Path) -> None:
    """An addition without carries: no mutant is held to what is refuted of it already."""
    file = cache / "forgetful.py"
    file.write_text(FORGETFUL)
    args = ["mutate", "--rules", str(file), "--sample", "2", "-j1"]
    assert json.loads(CliRunner().invoke(main, [*args, "--json"]).stdout)["unproved"] == [
        "tnum_add/tnum"
    ]
    assert "no mutant is held to tnum_add/tnum" in CliRunner().invoke(main, args).stdout


WRONG = """
from bpfsmt.bits import rule, u64
from bpfsmt.domain import Tnum
from bpfsmt.rules import RuleSet

@rule
def tnum_const(x: u64) -> Tnum:
    return Tnum(x | 1, x | 1)

RULES = RuleSet("wrong", {"tnum_const": tnum_const})
"""


def test_where_the_original_meets_nothing_no_mutant_is_sound(cache: Path) -> None:
    file = cache / "wrong.py"
    file.write_text(WRONG)
    args = ["mutate", "--rules", str(file), "--sample", "2", "-j1"]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 3, result.output
    assert "no theorem speaks of tnum_const that is proved" in result.stdout
    assert "0 refuted, 0 proved sound, 2 unknown" in result.stdout


def test_a_mutant_that_cannot_be_judged_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is unknown, with the error, and asked again the next time."""
    first = chosen(SMALL, PLAN)[1][0]

    def failing(original: RuleSet, mutant: Mutant, *more: Any) -> Outcome:
        if mutant == first:
            raise KeyError("s")
        return judge(original, mutant, *more)

    store = Store(None)
    monkeypatch.setattr(campaign, "judge", failing)
    outcomes = [j.outcome for j in judged(PLAN, store)]
    (failed,) = [o for o in outcomes if o.verdict == "unknown"]
    assert (failed.mutant, failed.why) == (first, "bpfsmt failed on it, KeyError: 's'")
    assert len(outcomes) == 12
    monkeypatch.undo()
    again = judged(PLAN, store)
    assert [j.outcome.mutant for j in again if not j.cached] == [first]
    assert all(j.outcome.verdict != "unknown" for j in again)


def test_ctrl_c_keeps_what_is_done(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130; the next run goes on from there."""
    real = command.run

    def interrupted(*args: object, **kwargs: object) -> Iterator[Judged]:
        for i, one in enumerate(real(*args, **kwargs)):
            if i == 3:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(command, "run", interrupted)
    result = mutate("tnum_and", "-j1")
    assert result.exit_code == 130
    assert "interrupted after 3 of" in result.stderr
    monkeypatch.setattr(command, "run", real)
    assert "4 outcomes from earlier runs" in mutate("tnum_and", "-j1").stdout


def test_killed_it_loses_nothing(cache: Path) -> None:
    """SIGKILL with two processes at work: what was said is kept, and they end by themselves."""
    saved = cache / "outcomes.sqlite"
    args = [sys.executable, "-m", "bpfsmt", "mutate", "tnum_and", "-r", str(FILE), "-j2"]
    args += ["--save", str(saved)]
    going = subprocess.Popen(args, stdout=subprocess.DEVNULL, start_new_session=True)
    until(lambda: kept(saved) > 2)
    going.kill()
    going.wait()
    until(lambda: not of_session(going.pid))
    before = kept(saved)
    _, mutants = chosen(SMALL, Plan(("tnum_and",)))
    again = mutate("tnum_and", "--save", str(saved), "-j1", "--json")
    outcomes = json.loads(again.stdout)["outcomes"]
    assert len(outcomes) == len(mutants)
    known = sum(o["cached"] for o in outcomes)
    assert known > 0
    assert kept(saved) == before + len(outcomes) - known


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def kept(saved: Path) -> int:
    if not saved.exists():
        return 0
    with contextlib.closing(sqlite3.connect(saved)) as db:
        try:
            return int(db.execute("select count(*) from outcome").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def of_session(leader: int) -> list[str]:
    """The processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(stat.parent.name)
    return found
