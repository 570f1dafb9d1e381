"""All mutants of a rule set, in parallel processes; outcomes are kept as they come."""

from __future__ import annotations

import functools
import multiprocessing
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.mutation.baseline import Asked, Baseline
from bpfsmt.mutation.judge import Limits, Outcome, Prover, judge
from bpfsmt.mutation.mutant import Mutant, Mutants, all_mutants
from bpfsmt.mutation.store import Store, outcome_key
from bpfsmt.mutation.trial import Samples
from bpfsmt.rules.registry import load_rules
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Plan:
    """Which mutants to judge, and how.

    ``about`` names rules (all if empty); ``sample`` draws so many mutants, the same for the
    same ``seed``.  ``jobs`` processes work at it, ``limits`` bound the solver.
    """

    about: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0
    jobs: int = 1
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome, and whether it was known from an earlier run."""

    outcome: Outcome
    cached: bool = False


def chosen(rules: RuleSet, plan: Plan) -> tuple[list[Mutants], list[Mutant]]:
    """All mutants of the rules, and of these the ones to judge, in order of rule and place."""
    found = all_mutants(rules, plan.about)
    every = [m for of_rule in found for m in of_rule.found]
    if plan.sample is None or plan.sample >= len(every):
        return found, every
    drawn = set(random.Random(plan.seed).sample(range(len(every)), plan.sample))
    return found, [m for i, m in enumerate(every) if i in drawn]


def run(
    baseline: Baseline,
    mutants: Sequence[Mutant],
    plan: Plan,
    *,
    spec: str = "",
    store: Store | None = None,
    proofs: Path | None = None,
    prover: Prover | None = None,
) -> Iterator[Judged]:
    """The outcomes as they come: those known first, then the others as they are found.

    With more than one job the processes load the rule set by its ``spec``, a name or a
    file; ``prover`` takes the place of the usual one, in this process alone.
    """
    asked = {name: baseline.asked(name) for name in {m.rule for m in mutants}}
    pending: list[tuple[str, Mutant]] = []
    for m in mutants:
        made = m.compile(baseline.rules.linked.rules[m.rule])
        key = outcome_key(baseline, m, made, asked[m.rule])
        known = store.find(key, plan.limits) if store is not None else None
        if known is not None:
            yield Judged(known, True)
        else:
            pending.append((key, m))
    if prover is not None or plan.jobs == 1 or len(pending) < 2:
        prover = prover or Prover(Samples(baseline.rules), plan.limits, proofs)
        outcomes = _here(baseline.rules, pending, asked, prover)
    else:
        outcomes = _apart(pending, asked, plan, spec, proofs)
    for key, outcome in outcomes:
        if store is not None:
            store.keep(key, plan.limits, outcome)
        yield Judged(outcome)


def _here(
    rules: RuleSet, pending: Iterable[tuple[str, Mutant]], asked: dict[str, Asked], prover: Prover
) -> Iterator[tuple[str, Outcome]]:
    for key, m in pending:
        yield key, judge(rules, m, asked[m.rule], prover)


def _apart(
    pending: Sequence[tuple[str, Mutant]],
    asked: dict[str, Asked],
    plan: Plan,
    spec: str,
    proofs: Path | None,
) -> Iterator[tuple[str, Outcome]]:
    """Over processes; what was lost because one of them died is run again, each by itself."""
    lost: list[tuple[str, Mutant]] = []
    for key, m, outcome in _pooled(pending, asked, plan, spec, proofs):
        if outcome is None:
            lost.append((key, m))
        else:
            yield key, outcome
    for key, m in lost:
        for _, _, outcome in _pooled([(key, m)], asked, plan, spec, proofs):
            yield key, outcome or Outcome(m, "unknown", why="its process died")


def _pooled(
    pending: Sequence[tuple[str, Mutant]],
    asked: dict[str, Asked],
    plan: Plan,
    spec: str,
    proofs: Path | None,
) -> Iterator[tuple[str, Mutant, Outcome | None]]:
    # Not "fork": the parent has threads, and Z3's state should not be shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.mutation.campaign"])
    pool = ProcessPoolExecutor(min(plan.jobs, len(pending)), context)
    try:
        futures = {
            pool.submit(_work, spec, m, asked[m.rule], plan.limits, proofs): (key, m)
            for key, m in pending
        }
        for future in as_completed(futures):
            try:
                yield *futures[future], future.result()
            except BrokenProcessPool:
                yield *futures[future], None
    except BaseException:
        # Ctrl-C, or the reader gave up: do not wait for what may still run for minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _work(spec: str, mutant: Mutant, asked: Asked, limits: Limits, proofs: Path | None) -> Outcome:
    samples = _loaded(spec)
    return judge(samples.rules, mutant, asked, Prover(samples, limits, proofs))


@functools.lru_cache(maxsize=1)
def _loaded(spec: str) -> Samples:
    return Samples(load_rules(spec))
