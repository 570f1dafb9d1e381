"""A statement about a rule that is no contract: what a predicate means, what a link keeps.

It is written as functions of the rule's arguments, its result and a few open numbers, and
becomes obligations by running the rule's text on open arguments.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover import products
from bpfsmt.prover.compose import SCALAR, Composition
from bpfsmt.prover.constants import named_numbers
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.mentions import mentions
from bpfsmt.prover.minimise import smallest
from bpfsmt.prover.obligation import (
    Attempt,
    Counterexample,
    Drawn,
    Inputs,
    Kind,
    Obligation,
    Trial,
    conjunction,
    value_in,
)
from bpfsmt.prover.replay import stands_for
from bpfsmt.prover.search import candidates, near
from bpfsmt.prover.synced import synced
from bpfsmt.rules.ruleset import RuleSet

TRIES = 600
"""How many inputs are tried without a solver."""

MASK = (1 << 64) - 1

Args = Mapping[str, Any]
"""The rule's arguments by name, as terms, together with the open numbers."""


@dataclass(frozen=True)
class Statement:
    """For all arguments and ``numbers`` (64-bit words) for which ``given`` holds, ``goals`` do.

    ``given`` takes the arguments and numbers by name; ``goals`` takes them and the result.
    ``members`` maps a record argument to the number that it stands for, which is then given.
    ``name`` is the rule's own if left empty; ``applies`` says of which rule sets it is asked.
    ``follows`` helps only where inputs are tried: of a drawn number for each argument and open
    number, by name, it gives those words and open numbers that the premises tie to the others.
    """

    rule: str
    kind: Kind
    goals: Callable[[Args, Any], Mapping[str, Any]]
    given: Callable[[Args], Iterable[Any]] = lambda _: ()
    members: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    cases: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    synced: bool = False
    name: str = ""
    applies: Callable[[RuleSet], bool] = lambda _: True
    follows: Callable[[Mapping[str, int]], Mapping[str, int]] | None = None

    def obligations(
        self, rules: RuleSet, contracts: Mapping[str, Contract]
    ) -> Iterator[Obligation]:
        """One for each goal, for each choice of the enumerated parameters."""
        for values in itertools.product(*self.cases.values()):
            case = dict(zip(self.cases, values, strict=True))
            yield from _Instance(self, rules, contracts, case).obligations()


class _Instance:
    def __init__(
        self,
        statement: Statement,
        rules: RuleSet,
        contracts: Mapping[str, Contract],
        case: Mapping[str, int],
    ) -> None:
        self.of, self.rules, self.case = statement, rules, case
        self.rule = rules.linked.rules[statement.rule]
        self.contracts = {n: c for n, c in contracts.items() if n != statement.rule}
        self.name = (statement.name or statement.rule) + "".join(f"({v})" for v in case.values())

    def obligations(self) -> Iterator[Obligation]:
        _, _, goals = self.abstract or self.exact
        for part in goals:
            yield Obligation(
                f"{self.name}/{part}",
                self.of.kind,
                self.of.rule,
                functools.partial(self._attempts, part),
                functools.partial(self._confirm, part),
                Trial(
                    self.name,
                    self.rules,
                    self._inputs,
                    self.meant,
                    functools.partial(self.check, part),
                    TRIES,
                    self.of.synced,
                ),
            )

    def _build(
        self, contracts: Mapping[str, Contract], behind_sync: bool = False
    ) -> tuple[Args, Composition, Any]:
        c = Composition(self.rules, contracts)
        of = self.of
        args: dict[str, Any] = {n: z3.BitVec(f"{n}~", 64) for n in of.numbers}
        for name, type_ in self.rule.params:
            number = args[of.members[name]] if name in of.members else None
            if name in self.case:
                args[name] = terms.constant(type_, self.case[name])
            elif behind_sync and type_ == SCALAR:
                args[name] = c.register(name, number)
            elif number is not None:
                args[name] = c.operand(name, number, type_)
            else:
                args[name] = terms.fresh(type_, name)
        c.given += of.given(args)
        result = c.run(of.rule, *(args[n] for n, _ in self.rule.params))
        return args, c, of.goals(args, result)

    @functools.cached_property
    def exact(self) -> tuple[Args, Composition, Any]:
        return self._build({})

    @functools.cached_property
    def settled(self) -> tuple[Args, Composition, Any]:
        """With `sync` by its text, which decides what the facts in `synced` leave open."""
        return self._build({}, behind_sync=True)

    @functools.cached_property
    def abstract(self) -> tuple[Args, Composition, Any] | None:
        try:
            built = self._build(self.contracts)
        except ValueError:
            return None
        return None if built[1].stages else built

    def _attempts(self, part: str) -> Iterator[Attempt]:
        return products.unknowns_first(self._as_written(part))

    def _as_written(self, part: str) -> Iterator[Attempt]:
        for inputs in Inputs if self.of.synced else (Inputs.ARBITRARY,):
            for exact in (False, True):  # the whole text is built only if it is asked for
                built = self.exact if exact else self.abstract
                if built is None:
                    continue
                args, c, goals = built
                given = tuple(c.given)
                if inputs is Inputs.SYNCED:
                    given += tuple(f for a in args.values() if isinstance(a, Scalar)
                                   for f in synced(a))  # fmt: skip
                how, uses = ("text", "contracts")[not exact], frozenset(c.uses)
                yield Attempt(
                    given, goals[part], how, exact, inputs, uses, frozenset(c.reads),
                    tuple(args[n] for n, _ in self.rule.params), frozenset(c.beyond),
                )  # fmt: skip
        if self.of.synced and "sync" in self.rules.linked.rules:
            args, c, goals = self.settled
            yield Attempt(
                tuple(c.given), goals[part], "text, and that of sync", True, Inputs.SYNCED,
                reads=frozenset(c.reads), args=tuple(args[n] for n, _ in self.rule.params),
            )  # fmt: skip

    def _confirm(self, part: str, attempt: Attempt, model: Any) -> Counterexample | None:
        found = self._replayed(part, attempt, model)
        if found is None and attempt.inputs is Inputs.SYNCED:
            # `sync` made the model's ranges tighter; of wide ones it changes less.
            violated = conjunction([*attempt.given, z3.Not(attempt.goal)])
            found = self._replayed(part, attempt, smallest(violated, model))
        return found

    def _replayed(self, part: str, attempt: Attempt, model: Any) -> Counterexample | None:
        args, _, _ = self.exact
        found = tuple(value_in(model, t, args[n]) for n, t in self.rule.params)
        if attempt.inputs is Inputs.SYNCED:
            sync = self.rules.linked.ints["sync"]
            found = tuple(sync(a) if isinstance(a, Scalar) else a for a in found)
        numbers = (model.eval(args[n], model_completion=True) for n in self.of.numbers)
        return self.check(part, self.rules, found, tuple(n.as_long() for n in numbers))

    @functools.cached_property
    def open(self) -> tuple[Args, Any, list[Any], Mapping[str, Any]]:
        """Arguments and a result of which nothing is known, premises and goals about them."""
        of = self.of
        args: dict[str, Any] = {n: z3.BitVec(f"{n}~", 64) for n in of.numbers}
        args |= {n: terms.fresh(t, n) for n, t in self.rule.params}
        result = terms.fresh(self.rule.result, "result!")
        known = {n: terms.constant(t, self.case[n]) for n, t in self.rule.params if n in self.case}
        stated = {**args, **known}
        return args, result, list(of.given(stated)), of.goals(stated, result)

    def meant(self, values: tuple[Any, ...], numbers: tuple[int, ...]) -> bool:
        """Whether the premises hold of these numbers (nothing is solved)."""
        of = self.of
        known = dict(zip((n for n, _ in self.rule.params), values, strict=True))
        known |= zip(of.numbers, numbers, strict=True)
        if not all(stands_for(known[name], known[number]) for name, number in of.members.items()):
            return False
        given = self.open[2]
        pairs = self._pairs(values, numbers) if given else []
        return all(z3.is_true(z3.simplify(z3.substitute(g, *pairs))) for g in given)

    def check(
        self, part: str, rules: RuleSet, values: tuple[Any, ...], numbers: tuple[int, ...]
    ) -> Counterexample | None:
        """Run the rule on ints, and evaluate premises and goal (nothing is solved)."""
        if not self.meant(values, numbers):
            return None
        result = rules.linked.ints[self.of.rule](*values)
        _, open_, _, goals = self.open
        lifted = terms.leaves(terms.lift(self.rule.result, result))
        pairs = self._pairs(values, numbers)
        pairs += zip(terms.leaves(open_), lifted, strict=True)
        if not z3.is_false(z3.simplify(z3.substitute(goals[part], *pairs))):
            return None
        return Counterexample(self.of.rule, part, values, numbers, result, None)

    def _pairs(self, values: tuple[Any, ...], numbers: tuple[int, ...]) -> list[tuple[Any, Any]]:
        """Each open word with the one to put in its place."""
        args = self.open[0]
        found = [
            (args[n], z3.BitVecVal(x, 64)) for n, x in zip(self.of.numbers, numbers, strict=True)
        ]
        for (name, type_), value in zip(self.rule.params, values, strict=True):
            lifted = terms.leaves(terms.lift(type_, value))
            found += zip(terms.leaves(args[name]), lifted, strict=True)
        return found

    def _inputs(self, rng: random.Random) -> Iterator[Drawn]:
        of = self.of
        sync = self.rules.linked.ints.get("sync") if of.synced else None
        products = mentions(*self.exact[2].values()).products
        named = named_numbers(self.rules, self.rule.name)
        drawn = candidates(self.rule.params, self.case, rng, sync, products, named)
        for values, stand_for in drawn:
            known = dict(zip((n for n, _ in self.rule.params), stand_for, strict=True))
            members = {number: known[a] for a, number in of.members.items()}
            found = {n: members.get(n, near(stand_for, rng)) for n in of.numbers}
            if of.follows is not None:
                tied = of.follows({**known, **found})
                values = self._with_words(values, tied)
                found |= tied
            yield values, tuple(found[n] & MASK for n in of.numbers)

    def _with_words(self, values: tuple[Any, ...], words: Mapping[str, int]) -> tuple[Any, ...]:
        pairs = zip(self.rule.params, values, strict=True)
        return tuple(
            t(words[n]) if n in words and isinstance(t, Word) else v for (n, t), v in pairs
        )
