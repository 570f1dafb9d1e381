"""Proving a rule set: theorems in parallel processes, the longest first, results as they come."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from bpfsmt.prover.cache import Cache, theorem_key
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.registry import load_rules
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of the solver for one formula: on the first try, and on the second."""

    quick: float = 4.0
    slow: float = 30.0


@dataclass(frozen=True, slots=True)
class Done:
    """A theorem with its results; ``cached`` if nothing had to be asked."""

    theorem: str
    rule: str
    results: list[Result]
    cached: bool = False


def prove(
    rules: RuleSet,
    about: Iterable[str] = (),
    *,
    jobs: int | None = None,
    cache: Cache | None = None,
    limits: Limits = Limits(),  # noqa: B008
    executor: Executor | None = None,
    spec: str = "",
) -> Iterator[Done]:
    """Prove everything about the rules named in ``about`` (all if empty), as results come.

    ``jobs`` processes work at it (as many as there are cores), or the ``executor``; that
    one has to be able to load the rule set by its ``spec``, a name or a file.  What is
    decided is kept in ``cache`` at once, so an interrupted run loses nothing that it said.
    """
    wanted = set(about)
    pending = []
    for t in theorems(rules):
        if wanted and not ({t.rule, t.name} & wanted):
            continue
        known = cache.theorem(theorem_key(rules, t)) if cache else None
        if known is not None:
            yield Done(t.name, t.rule, [replace(r, cached=True) for r in known], True)
        else:
            pending.append(t)
    costs = cache.costs() if cache else {}
    pending.sort(key=lambda t: -costs.get(t.name, _guess(t.name)))
    keys = {t.name: theorem_key(rules, t) for t in pending}
    for done in _run(rules, pending, jobs, cache, limits, executor, spec):
        if cache:
            cache.keep(done.theorem, keys[done.theorem], done.results)
        yield done


def _run(
    rules: RuleSet,
    pending: list[Theorem],
    jobs: int | None,
    cache: Cache | None,
    limits: Limits,
    executor: Executor | None,
    spec: str,
) -> Iterator[Done]:
    path = cache.path if cache else None
    jobs = jobs or os.cpu_count() or 1
    if executor is None and (jobs == 1 or len(pending) < 2):
        for t in pending:
            yield _one(rules, t.name, limits, path)
        return
    if executor is not None:
        work = [executor.submit(prove_by_spec, spec, t.name, limits, path) for t in pending]
        yield from (f.result() for f in as_completed(work))
        return
    # Forked processes have the rule set as it is; it need not have a name or a file.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, _adopt, (rules,)) as pool:
        futures = [pool.submit(_adopted, t.name, limits, path) for t in pending]
        try:
            yield from (f.result() for f in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_RULES: list[RuleSet] = []


def _adopt(rules: RuleSet) -> None:
    _RULES[:] = [rules]


def _adopted(name: str, limits: Limits, path: Path | None) -> Done:
    return _one(_RULES[0], name, limits, path)


@functools.lru_cache(maxsize=4)
def _loaded(spec: str) -> RuleSet:
    return load_rules(spec)


def prove_by_spec(spec: str, name: str, limits: Limits, path: Path | None) -> Done:
    """One theorem of a rule set given by name or file: what a remote worker runs."""
    return _one(_loaded(spec), name, limits, path)


@functools.lru_cache(maxsize=2)
def _theorems(rules_id: int) -> dict[str, Theorem]:
    return {t.name: t for t in theorems(_BY_ID[rules_id])}


_BY_ID: dict[int, RuleSet] = {}


def _one(rules: RuleSet, name: str, limits: Limits, path: Path | None) -> Done:
    _BY_ID[id(rules)] = rules
    theorem = _theorems(id(rules))[name]
    memory = Cache(path)
    decider = Decider(limits.quick, limits.slow, memory.impossible)
    try:
        return Done(name, theorem.rule, [decider.decide(o) for o in theorem.obligations()])
    finally:
        memory.close()


def _guess(name: str) -> float:
    """Which theorems take long, where nothing is remembered."""
    slow = ("core", "pointer_", "sync_linked", "tnum_", "fork", "taken", "bounds")
    return 1.0 if name.startswith(slow) or "core" in name else 0.1
