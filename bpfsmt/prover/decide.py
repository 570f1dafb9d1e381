"""Deciding one obligation: attempts in order, each counterexample run, each proof not empty."""

from __future__ import annotations

import functools
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from bpfsmt.prover.compose import ids
from bpfsmt.prover.mentions import mentions, variables
from bpfsmt.prover.minimise import smallest
from bpfsmt.prover.obligation import (
    Attempt,
    Counterexample,
    Inputs,
    Obligation,
    Premises,
    conjunction,
    multiplies,
)
from bpfsmt.prover.recheck import Opinion
from bpfsmt.prover.solver import (
    Answer,
    Proved,
    Refuted,
    Solver,
    Unknown,
    words_as_integers,
    words_only,
    words_usual,
)

MANY = 20
"""How many times as many inputs are tried where the solver did not soon decide."""

SOLVER = f"z3 {z3.get_version_string()}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an obligation.

    ``verdict`` is "proved", "refuted" or "unknown" (``why``).  ``inputs`` says what a proof
    assumed of operands: "arbitrary", or "synced" if it needs that.  ``uses`` are the rules
    of which it only knew the contract: it holds if theirs do; ``reads`` those whose texts it
    read: it holds whatever the others say; ``beyond`` are those of ``uses`` that were called
    on records that may not be synced where operands are.  ``formulas`` are the hashes of the
    SMT-LIB texts that were unsatisfiable.  ``counterexample`` comes with "refuted"; with
    a "synced" proof it is one on inputs that were not.  ``opinions`` are those of a second
    solver on each formula, if it was asked.
    """

    name: str
    kind: str
    rule: str
    verdict: str
    inputs: str = ""
    how: str = ""
    seconds: float = 0.0
    solver: str = SOLVER
    uses: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    why: str = ""
    counterexample: Counterexample | None = None
    cached: bool = False
    opinions: tuple[Opinion, ...] = ()


@dataclass
class Decider:
    """Decides obligations with one solver.

    Every attempt gets ``quick`` seconds with one strategy first; if none of them was enough,
    ``slow`` ones, and as many with another strategy.  A formula that only adds and compares is
    for ``sums`` before, each with little work.
    ``known`` may remember that a formula (by its hash) is impossible; ``keep`` is told the
    name of each proved obligation with the hash and the text of every formula it took.
    Counterexamples are made ``small``, which takes longer than finding them.
    """

    quick: float = 8.0
    slow: float = 30.0
    known: Callable[[str], bool] = lambda _: False
    keep: Callable[[str, str, str], None] = lambda _, __, ___: None
    first: Solver = field(
        default_factory=lambda: Solver(make=words_only, simplify=False, apart=True)
    )
    second: Solver = field(default_factory=lambda: Solver(make=words_usual, apart=True))
    sums: tuple[Solver, ...] = field(
        default_factory=lambda: (
            Solver(make=words_only, simplify=False, work=200_000, apart=True),
            Solver(make=words_as_integers, simplify=False, work=100_000, apart=True),
        )
    )
    small: bool = True
    # The parts of a rule's result share their premises, which are long: by the terms' ids.
    _premises: dict[tuple[int, ...], Premises] = field(default_factory=dict)

    def decide(self, obligation: Obligation) -> Result:
        """The verdict on one obligation."""
        start = time.process_time()
        weak: Counterexample | None = None
        why = obligation.why
        search = functools.cache(obligation.search)
        for inputs in Inputs:
            found = self._with_inputs(obligation, inputs, search)
            if isinstance(found, Result):
                return self._stamped(found, start, weak)
            if isinstance(found, Counterexample):
                # Without a second mode this is the end; else the rule may need synced inputs.
                if not _has_mode(obligation, Inputs.SYNCED) or inputs is Inputs.SYNCED:
                    return self._stamped(_refuted(obligation, inputs, found), start)
                weak = found
            elif found:
                why = found
        return self._stamped(
            Result(obligation.name, obligation.kind.value, obligation.rule, "unknown", why=why),
            start,
            weak,
        )

    def _stamped(self, r: Result, start: float, weak: Counterexample | None = None) -> Result:
        seconds = round(time.process_time() - start, 4)
        return replace(r, seconds=seconds, counterexample=r.counterexample or weak)

    def _with_inputs(
        self, obligation: Obligation, inputs: Inputs, search: Callable[[int], Counterexample | None]
    ) -> Result | Counterexample | str:
        why = ""
        hint = None  # a model of what is known of products
        for limit in (self.quick, self.slow):
            for attempt in _of(obligation.attempts(), inputs):
                # Before a solver is asked to multiply, numbers are tried.
                if multiplies(attempt):
                    tried = search(1)
                    if tried is not None:
                        return _tried(obligation, tried)
                    found = self._with_factors(obligation, attempt, hint)
                    if found is not None:
                        return found
                answer, shown = self._answer(attempt, limit)
                if isinstance(answer, Refuted) and not attempt.exact:
                    hint = answer.model
                if isinstance(answer, Proved):
                    if not self._possible(attempt):
                        return f"vacuous: no model of the premises is found ({attempt.how})"
                    for key, text in shown:
                        self.keep(obligation.name, key, text)
                    return Result(
                        obligation.name, obligation.kind.value, obligation.rule, "proved",
                        inputs.value, attempt.how, uses=tuple(sorted(attempt.uses)),
                        reads=tuple(sorted(attempt.reads)),
                        beyond=tuple(sorted(attempt.uses & attempt.beyond)),
                        formulas=tuple(key for key, _ in shown),
                    )  # fmt: skip
                if isinstance(answer, Refuted) and attempt.exact:
                    found = self._confirmed(obligation, attempt, answer.model)
                    if found is not None:
                        return found
                    # What is known of synced operands admits more than `sync` leaves.
                    tried = search(MANY)
                    if tried is not None:
                        return _tried(obligation, tried)
                    why = "the solver's counterexample was not confirmed on ints"
                elif isinstance(answer, Unknown):
                    why = f"{answer.why} after {limit:g} s ({attempt.how})"
                elif not why:
                    why = f"not shown ({attempt.how})"
            # Before the solver is given more time, many more numbers are tried.
            tried = search(MANY) if why else None
            if tried is not None:
                return _tried(obligation, tried)
            if limit == self.slow or not why:
                break
        return why

    def _with_factors(self, o: Obligation, attempt: Attempt, hint: Any) -> Counterexample | None:
        """A counterexample in which one argument is as in a model of less than the truth.

        A solver multiplies by a known number where it cannot multiply two open ones.
        """
        if hint is None or not attempt.exact:
            return None
        named = {d.name(): d for d in hint.decls()}
        known = [v for v in variables(*attempt.given, attempt.goal).values()
                 if v.decl().name() in named]  # fmt: skip
        for argument in sorted({_argument(v) for v in known}):
            pins = [v == hint[named[v.decl().name()]] for v in known if _argument(v) == argument]
            formula = conjunction([*attempt.given, z3.Not(attempt.goal), *pins])
            answer = self._ask(attempt, formula, self.quick)
            if isinstance(answer, Refuted):
                found = self._confirmed(o, attempt, answer.model)
                if found is not None:
                    return found
        return None

    def _confirmed(self, o: Obligation, attempt: Attempt, model: Any) -> Counterexample | None:
        """The counterexample, made small if that can be had, run on ints."""
        found = o.confirm(attempt, model)
        if found is None or not self.small:
            return found
        everything = conjunction([*attempt.given, z3.Not(attempt.goal)])
        return o.confirm(attempt, smallest(everything, model)) or found

    def _answer(self, attempt: Attempt, limit: float) -> tuple[Answer, list[tuple[str, str]]]:
        shown = []
        premises = self._premises_of(attempt)
        for violation in attempt.violations():
            answer, key, text = self._impossible(attempt, premises, violation, limit)
            if not isinstance(answer, Proved):
                return answer, []
            shown.append((key, text))
        return Proved(), shown

    def _impossible(
        self, attempt: Attempt, premises: Premises, violation: Any, limit: float
    ) -> tuple[Answer, str, str]:
        """First with the premises that speak of nothing but what the violation speaks of."""
        answer: Answer = Unknown("no query")
        near = premises.near(violation)
        for given in (near, attempt.given):
            formula = conjunction([*given, violation])
            text = smtlib(formula)
            key = hashlib.sha256(text.encode()).hexdigest()
            if self.known(key):
                return Proved(), key, text
            answer = self._ask(attempt, formula, limit)
            if isinstance(answer, Proved):
                return answer, key, text
        return answer, "", ""

    def _premises_of(self, attempt: Attempt) -> Premises:
        """Kept, and so are the terms whose ids it is found by."""
        key = ids(attempt.given)
        if key not in self._premises:
            self._premises[key] = Premises(attempt.given)
        return self._premises[key]

    def _possible(self, attempt: Attempt) -> bool:
        """The premises have a model: the proof speaks of something."""
        premises = self._premises_of(attempt)
        if premises.possible is None:
            every = conjunction(premises.given)
            premises.possible = _holds_of_zeros(every) or isinstance(
                self._ask(attempt, every, self.slow), Refuted
            )
        return premises.possible

    def _ask(self, attempt: Attempt, formula: Any, limit: float) -> Answer:
        if attempt.how == "integers":
            return _integers(formula, limit)
        mentioned = mentions(formula)
        if mentioned.sums and not mentioned.bits and not mentioned.products:
            for solver in self.sums:
                answer = solver.impossible(formula)
                if not isinstance(answer, Unknown):
                    return answer
        answer = self.first.impossible(formula, limit)
        if isinstance(answer, Unknown) and limit > self.quick:
            answer = self.second.impossible(formula, limit)
        return answer


def _argument(variable: Any) -> str:
    """The argument of a rule that a variable is a part of, or stands for."""
    return re.split(r"[.~]", str(variable.decl().name()))[0]


def _holds_of_zeros(formula: Any) -> bool:
    """Whether a formula is true where every variable is 0 (or false): a model without a solver."""
    free = variables(formula).values()
    zeros = [(v, z3.BoolVal(False) if z3.is_bool(v) else z3.BitVecVal(0, v.size()))
             for v in free if z3.is_bool(v) or z3.is_bv(v)]  # fmt: skip
    return bool(z3.is_true(z3.simplify(z3.substitute(formula, *zeros))))


def smtlib(formula: Any) -> str:
    """The formula as an SMT-LIB script that asks whether it is satisfiable.

    Equal formulas have equal texts.
    """
    solver = z3.Solver()
    solver.add(formula)
    return str(solver.to_smt2())


def _refuted(o: Obligation, inputs: Inputs, found: Counterexample) -> Result:
    return Result(o.name, o.kind.value, o.rule, "refuted", inputs.value, counterexample=found)


def _tried(o: Obligation, found: Counterexample) -> Result:
    """Refuted by what was found without a solver."""
    assert o.trial is not None
    return _refuted(o, Inputs.SYNCED if o.trial.synced else Inputs.ARBITRARY, found)


def _of(attempts: Iterable[Attempt], inputs: Inputs) -> Iterator[Attempt]:
    return (a for a in attempts if a.inputs is inputs)


def _has_mode(o: Obligation, inputs: Inputs) -> bool:
    return any(True for _ in _of(o.attempts(), inputs))


def _integers(formula: Any, limit: float) -> Answer:
    """Over the integers; such formulas hold no words."""
    solver = z3.Solver()
    solver.set("timeout", int(limit * 1000))
    solver.add(formula)
    result = solver.check()
    if result == z3.unsat:
        return Proved()
    return Refuted(solver.model()) if result == z3.sat else Unknown(solver.reason_unknown())
