"""Proving a rule set: theorems in parallel processes, the longest first, results as they come."""

from __future__ import annotations

import functools
import multiprocessing
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from bpfsmt.prover.cache import Cache, theorem_key
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.recheck import second_opinion
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.registry import load_rules
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Options:
    """How to prove: ``quick`` and ``slow`` are seconds for one formula, first and second try.

    ``recheck`` asks a second solver about every formula that was found impossible, ``dump``
    is a directory to write those formulas to; both build formulas that a cache would spare.
    """

    quick: float = 8.0
    slow: float = 30.0
    recheck: bool = False
    dump: Path | None = None

    @property
    def plain(self) -> bool:
        """Only verdicts are wanted."""
        return not self.recheck and self.dump is None


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
    options: Options = Options(),
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
        known = cache.theorem(theorem_key(rules, t)) if cache and options.plain else None
        if known is not None:
            yield Done(t.name, t.rule, [replace(r, cached=True) for r in known], True)
        else:
            pending.append(t)
    costs = cache.costs() if cache else {}
    pending.sort(key=lambda t: -costs.get(t.name, _guess(t.name)))
    keys = {t.name: theorem_key(rules, t) for t in pending}
    for done in _run(rules, pending, jobs, cache, options, executor, spec):
        if cache:
            cache.keep(done.theorem, keys[done.theorem], done.results)
        yield done


def _run(
    rules: RuleSet,
    pending: list[Theorem],
    jobs: int | None,
    cache: Cache | None,
    options: Options,
    executor: Executor | None,
    spec: str,
) -> Iterator[Done]:
    path = cache.path if cache else None
    jobs = jobs or os.cpu_count() or 1
    if executor is None and (jobs == 1 or len(pending) < 2):
        for t in pending:
            yield _one(rules, t.name, options, path)
        return
    if executor is not None:
        work = [executor.submit(prove_by_spec, spec, t.name, options, path) for t in pending]
        yield from (f.result() for f in as_completed(work))
        return
    # Forked processes have the rule set as it is; it need not have a name or a file.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, _adopt, (rules,)) as pool:
        futures = [pool.submit(_adopted, t.name, options, path) for t in pending]
        try:
            yield from (f.result() for f in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_RULES: list[RuleSet] = []


def _adopt(rules: RuleSet) -> None:
    _RULES[:] = [rules]


def _adopted(name: str, options: Options, path: Path | None) -> Done:
    return _one(_RULES[0], name, options, path)


@functools.lru_cache(maxsize=4)
def _loaded(spec: str) -> RuleSet:
    return load_rules(spec)


def prove_by_spec(spec: str, name: str, options: Options, path: Path | None) -> Done:
    """One theorem of a rule set given by name or file: what a remote worker runs."""
    return _one(_loaded(spec), name, options, path)


@functools.lru_cache(maxsize=2)
def _theorems(rules_id: int) -> dict[str, Theorem]:
    return {t.name: t for t in theorems(_BY_ID[rules_id])}


_BY_ID: dict[int, RuleSet] = {}


def _one(rules: RuleSet, name: str, options: Options, path: Path | None) -> Done:
    _BY_ID[id(rules)] = rules
    theorem = _theorems(id(rules))[name]
    memory = Cache(path)
    shown: dict[str, list[tuple[str, str]]] = {}
    decider = Decider(
        options.quick, options.slow, memory.impossible,
        keep=lambda o, key, text: shown.setdefault(o, []).append((key, text)),
    )  # fmt: skip
    try:
        results = [decider.decide(o) for o in theorem.obligations()]
    finally:
        memory.close()
    if options.dump is not None:
        _dump(options.dump, rules.name, shown)
    if options.recheck:
        results = [_rechecked(r, shown.get(r.name, [])) for r in results]
    return Done(name, theorem.rule, results)


def _rechecked(r: Result, shown: list[tuple[str, str]]) -> Result:
    """With the second solver's opinions; a proof that it does not confirm is no proof."""
    opinions = tuple(second_opinion(text) for _, text in shown)
    doubts = {o.answer for o in opinions} - {"unsat"}
    if r.verdict != "proved" or not doubts:
        return replace(r, opinions=opinions)
    why = f"the second solver says {' and '.join(sorted(doubts))}"
    return replace(r, verdict="unknown", why=why, opinions=opinions)


def _dump(folder: Path, rules: str, shown: dict[str, list[tuple[str, str]]]) -> None:
    """One file for each formula, named after its obligation."""
    for name, formulas in shown.items():
        path = folder / rules / re.sub(r"[^\w/().-]+", "-", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        for i, (_, text) in enumerate(formulas):
            suffix = f".{i + 1}" if len(formulas) > 1 else ""
            path.with_name(f"{path.name}{suffix}.smt2").write_text(text)


def _guess(name: str) -> float:
    """Which theorems take long, where nothing is remembered."""
    slow = ("core", "pointer_", "sync_linked", "tnum_", "fork", "taken", "bounds")
    return 1.0 if name.startswith(slow) or "core" in name else 0.1
