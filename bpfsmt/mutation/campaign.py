"""All mutants of a rule set, in parallel processes; outcomes are kept as they come."""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import Mutant, Mutants, all_mutants
from bpfsmt.mutation.outcome import Hint, Limits, Outcome
from bpfsmt.mutation.store import Store, outcome_key
from bpfsmt.mutation.trial import Samples
from bpfsmt.prover.prove import Done
from bpfsmt.rules.registry import load_rules
from bpfsmt.rules.ruleset import RuleSet

FAILED = "bpfsmt failed on it"
"""Why a mutant is unknown that should not be: no such outcome is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which mutants to judge, and how.

    ``about`` names rules (all if empty); ``sample`` draws so many mutants, the same for the
    same ``seed``, and a larger sample has a smaller one in it.  ``jobs`` processes work at it,
    ``limits`` bound the solver.
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
    order = list(range(len(every)))
    random.Random(plan.seed).shuffle(order)
    drawn = set(order[: plan.sample])
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
    pending: list[Task] = []
    for m in mutants:
        made = m.compile(baseline.rules.linked.rules[m.rule])
        key = outcome_key(baseline, m, made, asked[m.rule])
        known = store.find(key, plan.limits) if store is not None else None
        if known is not None:
            yield Judged(known, True)
        else:
            pending.append(Task(key, m, store.hint(m) if store is not None else None))
    outcomes: Iterator[tuple[Task, Outcome]]
    if prover is not None or plan.jobs == 1 or len(pending) < 2:
        prover = prover or Prover(Samples(baseline.rules), plan.limits, proofs)
        court = Court(baseline, prover)
        outcomes = ((task, court.judge(task)) for task in pending)
    else:
        outcomes = _apart(pending, plan.jobs, (spec, baseline.done, plan.limits, proofs))
    for task, outcome in outcomes:
        if store is not None and not outcome.why.startswith(FAILED):
            store.keep(task.key, plan.limits, outcome)
        yield Judged(outcome)


@dataclass(frozen=True, slots=True)
class Task:
    """A mutant to judge, the key to keep the outcome by, and how one like it was once refuted."""

    key: str
    mutant: Mutant
    hint: Hint | None = None


class Court:
    """What judges one mutant after the other in one process."""

    def __init__(self, baseline: Baseline, prover: Prover) -> None:
        self.baseline, self.prover = baseline, prover
        self.asked = functools.lru_cache(maxsize=4)(baseline.asked)

    def judge(self, task: Task) -> Outcome:
        """The outcome of one mutant; one that bpfsmt cannot judge stops none of the others."""
        m = task.mutant
        try:
            return judge(self.baseline.rules, m, self.asked(m.rule), self.prover, task.hint)
        except Exception as error:
            return Outcome(m, "unknown", why=f"{FAILED}, {type(error).__name__}: {error}")


Setup = tuple[str, dict[str, Done], Limits, Path | None]
"""What a process needs to judge: the rule set's name, its proofs, limits, the file of formulas."""


def _apart(pending: Sequence[Task], jobs: int, setup: Setup) -> Iterator[tuple[Task, Outcome]]:
    """Over processes; what was lost because one of them died is run again, each by itself."""
    lost: list[Task] = []
    for task, outcome in _pooled(pending, jobs, setup):
        if outcome is None:
            lost.append(task)
        else:
            yield task, outcome
    for task in lost:
        for _, outcome in _pooled([task], 1, setup):
            yield task, outcome or Outcome(task.mutant, "unknown", why="its process died")


def _pooled(
    pending: Sequence[Task], jobs: int, setup: Setup
) -> Iterator[tuple[Task, Outcome | None]]:
    # Not "fork": the parent has threads, and Z3's state should not be shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.mutation.campaign"])
    pool = ProcessPoolExecutor(min(jobs, len(pending)), context, _set_up, setup)
    try:
        futures = {pool.submit(_work, task): task for task in pending}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None
    except BaseException:
        # Ctrl-C, or the reader gave up: do not wait for what may still run for minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


_COURT: list[Court] = []


def _set_up(spec: str, done: dict[str, Done], limits: Limits, proofs: Path | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rules = load_rules(spec)
    _COURT[:] = [Court(Baseline(rules, done), Prover(Samples(rules), limits, proofs))]


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its processes: they have to notice."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: Task) -> Outcome:
    return _COURT[0].judge(task)
