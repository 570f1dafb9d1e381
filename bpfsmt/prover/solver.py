"""Is a formula impossible?  Proved, refuted with a model, or unknown: never two merged."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import z3


@dataclass(frozen=True, slots=True)
class Proved:
    """No assignment satisfies the formula."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Refuted:
    """The formula has this model."""

    model: Any
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unknown:
    """The solver gave up; ``why`` says how."""

    why: str
    seconds: float = 0.0


Answer: TypeAlias = Proved | Refuted | Unknown


def words_and_arrays(ctx: Any = None) -> Any:
    """A Z3 solver for bit-vectors and arrays of them."""
    return z3.SolverFor("QF_AUFBV", ctx)


def words_usual(ctx: Any = None) -> Any:
    """Z3's usual strategy for bit-vectors alone."""
    return z3.SolverFor("QF_BV", ctx)


def words_only(ctx: Any = None) -> Any:
    """A Z3 solver for bit-vectors alone: small formulas to bits, bits to a SAT solver.

    About twice as fast on rules as the general strategy.
    """
    steps = ("simplify", "propagate-values", "solve-eqs", "elim-uncnstr", "simplify",
             "max-bv-sharing", "bit-blast", "sat")  # fmt: skip
    return z3.Then(*steps, ctx=ctx).solver()


def words_as_integers(ctx: Any = None) -> Any:
    """A Z3 solver that reads words as integers and sums modulo 2**w.

    Of ranges of sums and differences it decides in no time what takes a SAT solver seconds,
    and of much else nothing: it is for formulas that only add and compare.
    """
    solver = z3.Tactic("smt", ctx).solver()
    solver.set("smt.bv.solver", 2)
    return solver


@dataclass
class Solver:
    """Decides formulas of bit-vectors and arrays of them, and no others.

    Each gets ``timeout`` seconds; equal formulas are asked only once.  With ``work``, Z3's own
    count of what it does (``rlimit``) bounds a query in place of the clock: the answer is the
    same on a busy machine.  With ``cpu`` seconds are those that this process works, not those of
    the clock.  ``make`` chooses the
    strategy; without ``simplify`` it gets formulas as they are written, which suits rules.
    ``apart`` gives the solver a context of its own: what an answer takes depends on what it was
    asked before then, and not on all terms that the process has made, by whose age Z3 orders them.

    >>> x = z3.BitVec("x", 64)
    >>> isinstance(Solver().impossible(z3.UGT(x & 1, 1)), Proved)
    True
    """

    timeout: float = 30.0
    queries: int = 0
    seconds: float = 0.0
    make: Callable[[Any], Any] = words_and_arrays
    simplify: bool = True
    work: int | None = None
    cpu: bool = False
    apart: bool = False
    _known: dict[int, tuple[Any, Answer]] = field(default_factory=dict)

    @functools.cached_property
    def _context(self) -> Any:
        return z3.Context() if self.apart else z3.main_ctx()

    def impossible(self, formula: Any, seconds: float | None = None) -> Answer:
        """Whether ``formula`` has no model; ``seconds`` instead of the usual limit."""
        simple = z3.simplify(formula) if self.simplify else formula
        if z3.is_false(simple):
            return Proved()
        # Terms are shared, so equal formulas have one AST; the reference keeps its id alive.
        key = simple.get_id()
        known = self._known.get(key)
        if known is not None and known[0].eq(simple) and not isinstance(known[1], Unknown):
            return known[1]
        answer = self._ask(simple, self.timeout if seconds is None else seconds)
        self._known[key] = (simple, answer)
        return answer

    def _ask(self, formula: Any, limit: float) -> Answer:
        ctx = self._context
        solver = self.make(ctx)
        if self.work is not None:
            solver.set("rlimit", self.work)
        elif not self.cpu:
            solver.set("timeout", int(limit * 1000))
        solver.add(formula.translate(ctx) if self.apart else formula)
        clock = time.process_time if self.cpu else time.perf_counter
        start = clock()
        with interrupting(solver, limit if self.cpu else None):
            result = solver.check()
        seconds = clock() - start
        self.queries += 1
        self.seconds += seconds
        if result == z3.unsat:
            return Proved(seconds)
        if result == z3.sat:
            model = solver.model()
            return Refuted(model.translate(z3.main_ctx()) if self.apart else model, seconds)
        why = solver.reason_unknown()
        late = ("timeout", "canceled", "interrupted")
        return Unknown("timeout" if why in late else why, seconds)


STEP = 0.05
"""Seconds between two looks at how long this process has worked."""


@contextmanager
def interrupting(solver: Any, limit: float | None) -> Iterator[None]:
    """Stop the solver once this process has worked for so many seconds; `None`: never.

    Z3's own limit is by the clock, which runs on while other processes have the processor.
    """
    if limit is None:
        yield
        return
    end = time.process_time() + limit
    done = threading.Event()

    def watch() -> None:
        while not done.wait(STEP):
            if time.process_time() > end:
                solver.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
