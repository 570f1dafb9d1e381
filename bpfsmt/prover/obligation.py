"""An obligation: a named claim about a rule, with the formulas by which it may be shown.

An obligation is tried by its *attempts*, cheapest first.  An attempt is a closed formula,
*whatever is given, the goal holds*; if the solver proves any of them, the obligation is
proved.  Attempts before the last know less than the truth (callees by their contracts,
fewer premises), so their countermodels mean nothing; only an *exact* attempt, the rule's
text with all premises, can refute.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import z3

from bpfsmt.bits.terms import constant
from bpfsmt.bits.types import RecordType, TupleType, Type
from bpfsmt.bits.words import Word
from bpfsmt.prover.mentions import mentions, variables
from bpfsmt.rules.ruleset import RuleSet


class Kind(Enum):
    """What an obligation is about."""

    OPERATOR = "operator"
    """The result stands for what the operation makes of every member."""
    RELATION = "relation"
    """What one register says of another holds."""
    SPLIT = "split"
    """Several successor states together lose nothing."""
    REWRITE = "rewrite"
    """Code that runs in an instruction's place does what the instruction means."""
    SUBSUMPTION = "subsumption"
    """The old state contains the new one."""
    PREDICATE = "predicate"
    """A yes or no means what it says."""
    COHERENCE = "coherence"
    """The parts of a result agree with each other."""
    LEMMA = "lemma"
    """A fact of arithmetic that other proofs use."""


class Inputs(Enum):
    """What is assumed of a rule's operands, beyond that they stand for their numbers."""

    ARBITRARY = "arbitrary"
    SYNCED = "synced"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One formula: ``given`` implies ``goal``, for all values of the free variables.

    ``how`` says by which means, ``inputs`` what is assumed of operands, ``uses`` the rules of
    which only the contract is known (``beyond``: for records that may not be synced),
    ``reads`` those whose texts are in it.  ``args`` are the rule's arguments, if there is one
    rule that all this is about.
    """

    given: tuple[Any, ...]
    goal: Any
    how: str = "text"
    exact: bool = True
    inputs: Inputs = Inputs.ARBITRARY
    uses: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    args: tuple[Any, ...] = ()
    beyond: frozenset[str] = frozenset()

    def violations(self) -> list[Any]:
        """How the goal can fail, one formula for each way; all must be impossible."""
        return _failing(self.goal)


def conjunction(terms: Iterable[Any]) -> Any:
    """All of them; one alone as it is, for SMT-LIB has no "and" of one."""
    all_ = list(terms)
    return all_[0] if len(all_) == 1 else z3.And(*all_)


def multiplies(attempt: Attempt) -> bool:
    """Whether open numbers are multiplied or divided in it."""
    return mentions(*attempt.given, attempt.goal).products


class Premises:
    """What is given, in small parts: ``every`` one, or those `near` a goal.

    ``possible`` says whether a model of them is found, once that was asked.
    """

    possible: bool | None = None

    def __init__(self, given: tuple[Any, ...]) -> None:
        self.given = given
        self.every = tuple(conjuncts(given))
        self._speak_of = [mentions(p).variables for p in self.every]
        all_ = variables(*self.every).values()
        self._open = mentions(*(v for v in all_ if v.decl().name().endswith("~"))).variables

    def near(self, goal: Any) -> tuple[Any, ...]:
        """Those that speak of nothing but what the goal speaks of, and of open numbers."""
        far = ~(mentions(goal).variables | self._open)
        pairs = zip(self.every, self._speak_of, strict=True)
        return tuple(p for p, speaks_of in pairs if not speaks_of & far)


def conjuncts(given: Iterable[Any]) -> Iterator[Any]:
    """The premises, taken apart at every "and"."""
    for g in given:
        if z3.is_and(g):
            yield from conjuncts(g.children())
        else:
            yield g


def _failing(goal: Any) -> list[Any]:
    """The ways in which a goal can fail; terms are left as they are written."""
    if z3.is_and(goal):
        return [w for g in goal.children() for w in _failing(g)]
    if z3.is_implies(goal):
        premise, then = goal.children()
        return [z3.And(p, w) for p in _ways(z3.simplify(premise)) for w in _failing(then)]
    if z3.is_not(goal):
        return _ways(goal.arg(0))
    if z3.is_app_of(goal, z3.Z3_OP_ITE):
        cond, then, other = goal.children()
        return [z3.And(c, w) for c, g in ((cond, then), (z3.Not(cond), other)) for w in _failing(g)]
    for i, side in enumerate(goal.children()):
        if _may_be_sum(side):
            cond, then, other = side.children()
            cases = ((cond, then), (z3.Not(cond), other))
            return [z3.And(c, z3.Not(_with(goal, i, s))) for c, s in cases]
    return [z3.Not(goal)]


SUMS = (z3.Z3_OP_BADD, z3.Z3_OP_BSUB, z3.Z3_OP_BMUL)


def _may_be_sum(term: Any) -> bool:
    """A choice of which one side is a sum or product (the other is what holds if it wraps)."""
    return z3.is_app_of(term, z3.Z3_OP_ITE) and any(
        z3.is_app_of(side, op) for side in term.children()[1:] for op in SUMS
    )


def _with(term: Any, i: int, child: Any) -> Any:
    """The term with another child in place ``i``."""
    children = term.children()
    return term.decl()(*children[:i], child, *children[i + 1 :])


def _ways(formula: Any) -> list[Any]:
    """The disjuncts of a formula, also those inside a conjunction or a choice."""
    if z3.is_or(formula):
        return [w for c in formula.children() for w in _ways(c)]
    if z3.is_app_of(formula, z3.Z3_OP_ITE):
        cond, then, other = formula.children()
        return _ways(z3.And(cond, then)) + _ways(z3.And(z3.Not(cond), other))
    if z3.is_and(formula):
        parts = formula.children()
        for i, part in enumerate(parts):
            ways = _ways(part)
            if len(ways) > 1:
                rest = parts[:i] + parts[i + 1 :]
                return [w for c in ways for w in _ways(conjunction([c, *rest]))]
    return [formula]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Numbers for which a rule is wrong, confirmed by running it on ints.

    ``args`` are the rule's arguments (records of ints, or ints), ``numbers`` what each
    argument stands for, ``result`` what the rule returned and ``value`` what the operation
    really gives: it is not in γ of ``part`` of the result.
    """

    rule: str
    part: str
    args: tuple[Any, ...]
    numbers: tuple[int, ...]
    result: Any
    value: Any


Drawn = tuple[tuple[Any, ...], tuple[int, ...]]
"""Arguments for a rule, and numbers: what they stand for, and whatever else is open."""


@dataclass(frozen=True)
class Trial:
    """How a claim about a rule is tried on ints, where nothing is solved.

    ``inputs`` draws arguments, small ones first; ``meant`` says whether the claim's premises
    hold of them; ``check`` gives a counterexample if they do, and the rule of a rule set, run
    on them, breaks the claim.  ``tries`` is how many are worth while; ``synced`` that only
    arguments that went through `sync` can refute it.  Trials of one ``kind`` draw the same.
    """

    kind: str
    rules: RuleSet
    inputs: Callable[[random.Random], Iterator[Drawn]]
    meant: Callable[[tuple[Any, ...], tuple[int, ...]], bool]
    check: Callable[[RuleSet, tuple[Any, ...], tuple[int, ...]], Counterexample | None]
    tries: int = 3000
    synced: bool = False

    def search(self, seed: str, times: int = 1) -> Counterexample | None:
        """The first of ``times`` times ``tries`` drawn inputs that breaks the claim."""
        drawn = itertools.islice(self.inputs(random.Random(seed)), self.tries * times)
        found = (self.check(self.rules, args, numbers) for args, numbers in drawn)
        return next((c for c in found if c is not None), None)


def _no_refutation(_: Attempt, __: Any) -> Counterexample | None:
    return None


@dataclass(frozen=True)
class Obligation:
    """``attempts`` makes the formulas, each only when it is needed.

    ``confirm`` turns an exact attempt's countermodel into a counterexample that was run on
    ints, or gives `None` if running it does not show the fault.  ``trial`` looks for one
    without a solver, where the exact formula may be out of reach.  ``why`` is what to say
    if there is no attempt.
    """

    name: str
    kind: Kind
    rule: str
    attempts: Callable[[], Iterator[Attempt]]
    confirm: Callable[[Attempt, Any], Counterexample | None] = _no_refutation
    trial: Trial | None = None
    why: str = "no attempt"

    def search(self, times: int = 1) -> Counterexample | None:
        """A counterexample found by trying, if there is a way to try."""
        return self.trial.search(self.rule, times) if self.trial is not None else None


def fixed(name: str, kind: Kind, rule: str, given: tuple[Any, ...], goal: Any) -> Obligation:
    """An obligation with one exact attempt.

    >>> x = z3.BitVec("x", 64)
    >>> o = fixed("no carry", Kind.LEMMA, "", (x & 1 == 0,), x == 0)
    >>> next(o.attempts()).violations()
    [Not(x == 0)]
    """
    return Obligation(name, kind, rule, lambda: iter([Attempt(given, goal)]))


def value_in(model: Any, type_: Type, term: Any) -> Any:
    """What a model says of a term, or a record of terms, as Python numbers of its type."""
    if isinstance(type_, RecordType):
        parts = zip(type_.fields, term, strict=True)
        return type_.cls(*(value_in(model, t, part) for (_, t), part in parts))
    if isinstance(type_, TupleType):
        return tuple(value_in(model, t, x) for t, x in zip(type_.items, term, strict=True))
    found = model.eval(term if z3.is_expr(term) else constant(type_, term), model_completion=True)
    if isinstance(type_, Word):
        return type_(found.as_long())
    return z3.is_true(found)
