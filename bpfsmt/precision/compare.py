"""The rules of two sets compared: which says more, on all inputs that the rule is proved for.

Inputs are those of the rule's obligations: operands that stand for something, and the
premises under which the rule is applied.  Inputs are drawn first, and what is seen on them
is seen on ints.  That nothing else is anywhere takes a proof; a countermodel of it that
holds on ints is one more example.
"""

from __future__ import annotations

import functools
import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from bpfsmt.bits.terms import equal
from bpfsmt.domain.scalar import Scalar
from bpfsmt.precision.memory import Memory, key
from bpfsmt.precision.nested import Nested, handed_on, low_covers, low_holds
from bpfsmt.precision.pool import each
from bpfsmt.precision.shared import LEFT, QUICK, RIGHT, SIDES, Opaque, Shared, one_number
from bpfsmt.precision.varied import Varied
from bpfsmt.prover.compose import SCALAR
from bpfsmt.prover.obligation import (
    Attempt,
    Drawn,
    Inputs,
    Kind,
    Obligation,
    Premises,
    Trial,
    value_in,
)
from bpfsmt.prover.order import Relation, covers, moved_covers, relation, scalar_covers
from bpfsmt.prover.solver import Answer, Proved, Refuted, Solver, words_only
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.linux.pointer import Moved
from bpfsmt.rules.ruleset import RuleSet, reached

TRIES = 400
"""How many inputs of each kind are drawn."""

MORE = 50_000
"""How many are drawn, of synced operands and of any, where nothing was proved."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Arguments and what each set's rule makes of them: one says more, or neither does."""

    args: tuple[Any, ...]
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a rule of A compares with B's of the same name.

    ``verdict`` is "equal" or "A tighter" or "B tighter" (at least as tight everywhere: proved,
    ``how``), "incomparable" (with ``examples`` of both, or one that is neither), or "unknown"
    (``why``; with what was seen).  A proof "if sound" counts on both sets being sound there, so
    that a single number in one's result is in the other's, and that in what is handed to `zext32`
    there is the low half of what the operation gives.  ``inputs`` is "synced" if the proof
    is of operands that went through `sync` only, "unsynced" if it takes others for an example,
    such as registers are not.  Of what is unknown ``drawn`` inputs were run,
    ``differed`` of them with different results, each as in the ``examples``.
    """

    rule: str
    verdict: str
    how: str = ""
    inputs: str = ""
    why: str = ""
    examples: dict[str, Seen] = field(default_factory=dict)
    drawn: int = 0
    differed: int = 0
    seconds: float = 0.0


def common(left: RuleSet, right: RuleSet) -> list[str]:
    """The rules of both sets of which something is proved, in reading order."""
    there = {t.rule for t in theorems(right)}
    return list(dict.fromkeys(t.rule for t in theorems(left) if t.rule in there and t.rule))


def only(left: RuleSet, right: RuleSet) -> list[str]:
    """The rules of the first set of which something is proved and that the other has not."""
    have = right.linked.rules
    return sorted({t.rule for t in theorems(left) if t.rule and t.rule not in have})


class Comparer:
    """Compares rules of two sets; ``seconds`` for one formula."""

    def __init__(self, left: RuleSet, right: RuleSet, seconds: float = 20.0) -> None:
        self.left, self.right, self.seconds = left, right, seconds
        self.shared = Shared(left, right)
        self.nested = {wide: Nested(self.shared, wide) for wide in SIDES}

    @functools.cached_property
    def _theorems(self) -> dict[str, list[Theorem]]:
        found: dict[str, list[Theorem]] = {}
        for t in theorems(self.left):
            found.setdefault(t.rule, []).append(t)
        return found

    def compare(self, name: str) -> Comparison:
        """The verdict on one rule."""
        start = time.process_time()
        found = self._compared(name)
        return replace(found, seconds=round(time.process_time() - start, 3))

    def settle(self, names: Iterable[str]) -> None:
        """Of ``names`` and what they call, find the rules that agree on all arguments whatever."""
        self.shared.settle(reached(self.left, names), min(QUICK, self.seconds))

    def _compared(self, name: str) -> Comparison:
        a, b = (s.linked.rules[name] for s in (self.left, self.right))
        if self.shared.same(name):
            by = "same text" if self.shared.own_text(name) else "solver"
            return Comparison(name, "equal", by, Inputs.ARBITRARY.value)
        if [t for _, t in a.params] != [t for _, t in b.params] or a.result != b.result:
            return Comparison(name, "unknown", why="the parameters or the result differ in type")
        # What differs by its callees only is asked less patiently: they are asked themselves.
        patience = self.seconds / (4 if self.shared.own_text(name) else 1)
        return _Search(self, name, self._theorems[name], patience).run()


def compare(
    comparer: Comparer, names: Sequence[str], jobs: int | None, memory: Memory | None = None
) -> Iterator[Comparison]:
    """The verdicts on some rules, in any order, as they come; ``memory`` spares what is known."""
    sets = comparer.left, comparer.right
    keys = {n: key(f"diff {n}", [n, "sync"], *sets) for n in names}
    known = {n: memory.get(k) for n, k in keys.items()} if memory else {}
    pending = [n for n in names if known.get(n) is None]
    yield from (c for c in known.values() if c is not None)
    comparer.settle(pending)
    for one in each(comparer.compare, pending, jobs):
        if memory and one.verdict != "unknown":
            memory.keep(keys[one.rule], one.rule, one)
        yield one


class _Search:
    """One rule: what is seen on drawn inputs, then what can be proved."""

    def __init__(self, of: Comparer, name: str, about: list[Theorem], seconds: float) -> None:
        self.of, self.name, self.about, self.seconds = of, name, about, seconds
        rule = of.left.linked.rules[name]
        self.rule = rule
        self.covers = covers(name, rule.result)
        self.covers_terms = covers(name, rule.result, terms=True)
        self.examples: dict[str, Seen] = {}
        self.rests_on_soundness = False
        self.drawn = self.differed = 0

    @functools.cached_property
    def obligations(self) -> list[tuple[Obligation, list[Attempt]]]:
        """One for each kind of input, with its formulas about the rule's text.

        Not coherence, which is asked of a branch that is never taken too.
        """
        found: dict[str, tuple[Obligation, list[Attempt]]] = {}
        for theorem in self.about:
            for o in theorem.obligations():
                if o.kind is Kind.COHERENCE or o.trial is None or o.trial.kind in found:
                    continue
                found[o.trial.kind] = o, [a for a in o.attempts() if a.exact and a.args]
        return list(found.values())

    def run(self) -> Comparison:
        """Draw, then prove that what was not seen is nowhere; if that fails, draw more."""
        self._draw(TRIES)
        if self._both:
            return self._verdict({}, "")
        unseen = [w for w in (LEFT, RIGHT) if w not in self.examples]
        nowhere: dict[str, str] = {}
        why = ""
        for which in unseen:
            try:
                nowhere[which] = self._nowhere(which)
            except _NotShown as e:
                why = why or f"that {which} is nowhere tighter: {e}"
                if self.of.shared.own_text(self.name):
                    break
        found = self._verdict(nowhere, why)
        if found.verdict != "unknown":
            return found
        self._draw_varied(MORE)
        return replace(self._verdict({}, why), drawn=self.drawn, differed=self.differed)

    @property
    def _both(self) -> bool:
        """Neither rule is the tighter one everywhere."""
        return "neither" in self.examples or self.examples.keys() >= {LEFT, RIGHT}

    def _verdict(self, nowhere: dict[str, str], why: str) -> Comparison:
        seen = self.examples
        inputs = "synced" if "synced" in nowhere.values() else "arbitrary"
        how = "solver, if sound" if self.rests_on_soundness else "solver"
        if self._both:
            inputs = "" if all(map(self._synced, seen.values())) else "unsynced"
            return Comparison(self.name, "incomparable", "examples", inputs, examples=seen)
        if nowhere.keys() == {LEFT, RIGHT}:
            return Comparison(self.name, "equal", how, inputs)
        for tighter, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
            if other in nowhere:
                verdict = f"{tighter} tighter"
                why = "" if tighter in seen else why
                return Comparison(self.name, verdict, how, inputs, examples=seen, why=why)
        return Comparison(self.name, "unknown", why=why, examples=seen)

    # On ints

    def _draw(self, count: int) -> None:
        """Run so many drawn inputs of each obligation."""
        for trial in self._trials:
            self._run(trial, trial.inputs(random.Random(self.name)), count)

    def _draw_varied(self, count: int) -> None:
        """Run others, and variations of those on which the results differ: synced ones first."""
        scalars = any(type_ == SCALAR for _, type_ in self.rule.params)
        for settle in (self._sync, lambda r: r) if scalars else (self._sync,):
            for trial in self._trials:
                rng = random.Random(f"{self.name} varied")
                varied = Varied(rng, settle)
                self._run(trial, varied.inputs(trial.inputs(rng)), count, varied.told)

    @property
    def _sync(self) -> Callable[[Scalar], Scalar]:
        return self.of.left.linked.ints.get("sync", lambda r: r)

    def _synced(self, seen: Seen) -> bool:
        """Every scalar among the operands is as `sync` leaves it."""
        return all(self._sync(a) == a for a in seen.args if isinstance(a, Scalar))

    @property
    def _trials(self) -> list[Trial]:
        return [o.trial for o, _ in self.obligations if o.trial is not None]

    def _run(
        self, trial: Trial, inputs: Iterable[Drawn], count: int,
        told: Callable[[Drawn], None] = lambda _: None,
    ) -> None:  # fmt: skip
        for args, numbers in itertools.islice(inputs, count):
            if self._both:
                return
            self.drawn += 1
            if self._differ(args) and trial.meant(args, numbers):
                self.differed += self._see(args)
                told((args, numbers))

    def _results(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        return (self.of.left.linked.ints[self.name](*args),
                self.of.right.linked.ints[self.name](*args))  # fmt: skip

    def _differ(self, args: tuple[Any, ...]) -> bool:
        a, b = self._results(args)
        return bool(a != b)

    def _see(self, args: tuple[Any, ...]) -> bool:
        """Whether one set's rule says more of these; the first of each kind is kept."""
        a, b = self._results(args)
        kind = {Relation.TIGHTER: LEFT, Relation.LOOSER: RIGHT, Relation.OTHER: "neither"}.get(
            relation(self.covers, a, b)
        )
        if kind is not None:
            self.examples.setdefault(kind, Seen(args, a, b))
        return kind is not None

    # By the solver

    def _nowhere(self, which: str) -> str:
        """On which inputs (arbitrary, or synced) it is proved that ``which`` says more on none."""
        if self.of.shared.loops(self.name):
            raise _NotShown("a loop is compared on drawn inputs only")
        if not self.obligations or not all(exact for _, exact in self.obligations):
            raise _NotShown("no obligation says on which inputs")
        return max(self._nowhere_for(o, exact, which) for o, exact in self.obligations)

    def _nowhere_for(self, o: Obligation, exact: list[Attempt], which: str) -> str:
        # What a result of these kinds holds if it is a single number, the other's holds too:
        # each stands for one number that both results hold.  (Halves of a split are what an
        # operation makes of them.)
        sound = o.kind in (Kind.OPERATOR, Kind.RELATION, Kind.SPLIT)
        why = ""
        for attempt in exact:
            found = self._ask(attempt, which, sound)
            if found is None:
                return attempt.inputs.value
            why = found
            if which in self.examples or "neither" in self.examples:
                break
        raise _NotShown(why)

    def _ask(self, attempt: Attempt, which: str, sound: bool) -> str | None:
        """`None` if it is proved, else why not; a countermodel that holds becomes an example."""
        shared = self.of.shared
        briefly = self._impossible(
            attempt, which, sound, Opaque(shared, shared.known_enough), QUICK
        )
        if isinstance(briefly, Proved):
            return None
        if sound and self._nested(attempt, which):
            self.rests_on_soundness = True
            return None
        read = Opaque(shared, shared.same_and_loops)
        answer = self._impossible(attempt, which, sound, read, self.seconds)
        if isinstance(answer, Proved):
            return None
        if not isinstance(answer, Refuted):
            return f"{answer.why} after {self.seconds:g} s"
        self._see(self._arguments(attempt, answer.model))
        return "the solver's example does not hold on ints"

    def _impossible(
        self, attempt: Attempt, which: str, sound: bool, opaque: Opaque, seconds: float
    ) -> Answer:
        """That ``which`` says more; the first answer that is no proof, else a proof."""
        a, b = (opaque.text(side, self.name, attempt.args) for side in SIDES)
        wide, tight = (a, b) if which == LEFT else (b, a)
        for way in self._ways(attempt, wide, tight, sound):
            answer = self._possible(attempt, opaque.facts(), way, seconds)
            if not isinstance(answer, Proved):
                return answer
        return Proved()

    def _nested(self, attempt: Attempt, which: str) -> bool:
        """What is handed to `zext32` covers what the other set hands to it, which is not empty."""
        shared = self.of.shared
        if not shared.own_text(self.name):
            return False
        a, b = (handed_on(shared.of(side), self.name, attempt.args) for side in SIDES)
        if a is None:
            return False
        wide, tight = (a, b) if which == LEFT else (b, a)
        given = [low_holds(tight, z3.BitVec("low!", 32))]
        return (
            all(
                isinstance(self._possible(attempt, given, z3.Not(goal), self.seconds), Proved)
                for goal in low_covers(wide, tight)
            )
            and self.of.nested[which].shown
        )

    def _ways(self, attempt: Attempt, wide: Any, tight: Any, sound: bool) -> list[Any]:
        """How ``wide`` can fail to cover ``tight``, which is another and no single number."""
        claims = _claims(wide, tight) if sound else []
        self.rests_on_soundness |= bool(claims)
        if not claims:
            return replace(attempt, goal=self.covers_terms(wide, tight)).violations()
        return [
            z3.And(
                way,
                z3.Not(z3.And(*c.live, equal(c.wide, c.tight))),
                z3.Not(z3.And(*c.live, one_number(c.tight))),
            )
            for c in claims
            for way in replace(attempt, goal=c.covered).violations()
        ]

    def _possible(self, attempt: Attempt, facts: list[Any], way: Any, seconds: float) -> Answer:
        """First with the premises that speak of nothing but what ``way`` speaks of."""
        near = z3.And(*Premises(attempt.given).near(way), *facts, way)
        answer = Solver(make=words_only, cpu=True).impossible(near, seconds)
        if isinstance(answer, Refuted):
            formula = z3.And(*attempt.given, *facts, way)
            answer = Solver(make=words_only, cpu=True).impossible(formula, seconds)
        return answer

    def _arguments(self, attempt: Attempt, model: Any) -> tuple[Any, ...]:
        params = self.rule.params
        args = (value_in(model, t, x) for (_, t), x in zip(params, attempt.args, strict=True))
        if attempt.inputs is Inputs.SYNCED:
            return tuple(self._sync(a) if isinstance(a, Scalar) else a for a in args)
        return tuple(args)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Two results' scalars in one place, of which both stand for the same number if ``live``."""

    wide: Scalar
    tight: Scalar
    covered: Any
    live: tuple[Any, ...] = ()


def _claims(wide: Any, tight: Any) -> list[_Claim]:
    """What two results claim if these are all that they are made of; nothing otherwise."""
    if isinstance(wide, Moved):
        live = (wide.ok, tight.ok, wide.same == tight.same, wide.off == tight.off)
        return [_Claim(wide.var, tight.var, moved_covers.terms(wide, tight), live)]
    several = isinstance(wide, tuple) and not isinstance(wide, Scalar)
    pairs = list(zip(wide, tight, strict=True)) if several else [(wide, tight)]
    if not all(isinstance(w, Scalar) for w, _ in pairs):
        return []
    return [_Claim(w, t, scalar_covers.terms(w, t)) for w, t in pairs]


class _NotShown(Exception):
    """It is not proved that one says more nowhere; the message says why."""
