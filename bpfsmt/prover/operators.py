"""A contract as obligations: one for each part of the result's γ.

For each part the attempts are, in this order: callees by contract; the rule's whole text; for
rules whose operands are registers both once more with what `sync` establishes; and last these
with how close the ends of ranges are behind `sync` (`closer`).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.types import RecordType
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover import products
from bpfsmt.prover.closer import closer
from bpfsmt.prover.compose import SCALAR, Composition, parts_of_gamma
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.loosened import loosened
from bpfsmt.prover.minimise import smallest
from bpfsmt.prover.obligation import (
    Attempt,
    Counterexample,
    Inputs,
    Kind,
    Obligation,
    conjunction,
    value_in,
)
from bpfsmt.prover.replay import SIDES, check_on_ints
from bpfsmt.prover.search import contract_trial
from bpfsmt.prover.synced import synced
from bpfsmt.rules.ruleset import RuleSet


class Setting:
    """A rule run on operands that stand for open numbers."""

    def __init__(
        self,
        rules: RuleSet,
        contract: Contract,
        contracts: Mapping[str, Contract],
        case: Mapping[str, int],
    ) -> None:
        self.rule = rules.linked.rules[contract.rule]
        self.contract = contract
        c = self.composition = Composition(rules, contracts)
        self.args: list[Any] = []
        self.numbers: list[Any] = []
        for name, type_ in self.rule.params:
            if isinstance(type_, RecordType):
                number = z3.BitVec(f"{name}~", 64)
                self.args.append(c.operand(name, number, type_))
            else:
                number = terms.fresh(type_, name)
                if name in case:
                    number = terms.constant(type_, case[name])
                self.args.append(number)
            self.numbers.append(number)
        if contract.free:
            self.numbers.append(z3.BitVec("z", 64))
        if contract.when is not None:
            c.given.append(contract.when(*self.numbers))
        self.result = c.run(contract.rule, *self.args)
        self.given = c.given
        self.means = contract.meaning(*self.numbers)

    @functools.cached_property
    def parts(self) -> dict[str, Any]:
        """The goal of each part."""
        if isinstance(self.means, tuple):
            pairs = zip(SIDES, self.result, self.means, strict=True)
            return {f"{s}/{p}": g for s, r, z in pairs for p, g in parts_of_gamma(r, z).items()}
        return parts_of_gamma(self.result, self.means)

    @property
    def synced(self) -> tuple[Any, ...]:
        """That every scalar operand went through `sync`."""
        return tuple(f for a in self.args if isinstance(a, Scalar) for f in synced(a))


class Operator:
    """The obligations of one contract, for one choice of its enumerated parameters."""

    def __init__(
        self,
        rules: RuleSet,
        contract: Contract,
        contracts: Mapping[str, Contract],
        case: Mapping[str, int],
    ) -> None:
        self.rules, self.contract, self.case = rules, contract, case
        self._contracts = {n: c for n, c in contracts.items() if n != contract.rule}
        suffix = "".join(f"({v})" for v in case.values())
        self.name = contract.rule + suffix

    @functools.cached_property
    def abstract(self) -> Setting | None:
        """Callees by contract; `None` if the text does not allow it."""
        try:
            s = Setting(self.rules, self.contract, self._contracts, self.case)
        except ValueError:
            return None
        return s if self._stages_stand(s) else None

    def _stages_stand(self, s: Setting) -> bool:
        """Every stage that was left out keeps the result as it is (`mov32` does of a w result)."""
        values = s.means if isinstance(s.means, tuple) else (s.means,)
        for stage in s.composition.stages:
            keep = self._contracts[stage]
            same = z3.And(*(keep.meaning(z) == z for z in values))
            if not z3.is_true(z3.simplify(same)):
                solver = z3.SolverFor("QF_BV")
                solver.set("timeout", 2000)
                solver.add(z3.Not(same))
                if solver.check() != z3.unsat:
                    return False
        return True

    @functools.cached_property
    def exact(self) -> Setting:
        """Every callee by its text."""
        return Setting(self.rules, self.contract, {}, self.case)

    def obligations(self) -> Iterator[Obligation]:
        """One for each part."""
        for part in (self.abstract or self.exact).parts:
            yield Obligation(
                f"{self.name}/{part}",
                Kind.OPERATOR,
                self.contract.rule,
                functools.partial(self._attempts, part),
                functools.partial(self._confirm, part),
                contract_trial(self.rules, self.contract, part, self.case),
            )

    def _attempts(self, part: str) -> Iterator[Attempt]:
        for inputs in Inputs if self.contract.synced else (Inputs.ARBITRARY,):
            # Drawn one by one: the whole text is built only where contracts were not enough.
            yield from products.unknowns_first(self._with(part, inputs))
            if inputs is Inputs.SYNCED:
                told = self._with(part, inputs)
                close = (c for a in told for c in closer(a, self.rules, self._contracts))
                yield from products.unknowns_first(close)

    def _with(self, part: str, inputs: Inputs) -> Iterator[Attempt]:
        s = self.abstract
        if s is not None:
            yield self._of(s, part, "contracts", exact=False, inputs=inputs)
            low = s.composition.stages == {"zext32"} and not isinstance(s.means, tuple)
            if low and inputs is Inputs.ARBITRARY:
                yield self._by_low_half(s)
        yield self._of(self.exact, part, "text", exact=True, inputs=inputs)

    def _of(self, s: Setting, part: str, how: str, exact: bool, inputs: Inputs) -> Attempt:
        goal = s.parts[part]
        given = (*s.given, *s.synced) if inputs is Inputs.SYNCED else tuple(s.given)
        uses = frozenset(s.composition.uses | s.composition.stages)
        reads = frozenset(s.composition.reads)
        beyond = frozenset(s.composition.beyond | s.composition.stages)
        return Attempt(given, goal, how, exact, inputs, uses, reads, tuple(s.args), beyond)

    def _by_low_half(self, s: Setting) -> Attempt:
        """What ends with `zext32` needs the low half of its argument only, if that reads no more.

        That is part of the goal: for a fresh r whose low half stands for that of w, zext32(r)
        stands for it, zero-extended.
        """
        known = {n: k for n, k in self._contracts.items() if n != "zext32"}
        c = Composition(self.rules, known, prefix="again ")
        r, w = terms.fresh(SCALAR, "r"), z3.BitVec("w~", 64)
        extended = c.run("zext32", r)
        reads_low = z3.Implies(
            z3.And(*c.given, *low_half(r, w)),
            z3.And(*parts_of_gamma(extended, self._contracts["zext32"].meaning(w)).values()),
        )
        goal = z3.And(*low_half(s.result, s.means), reads_low)
        both = (s.composition, c)
        uses = frozenset().union(*(x.uses | x.stages for x in both))
        return Attempt(
            tuple(s.given), goal, "contracts, low half", False, uses=uses,
            reads=frozenset(s.composition.reads | c.reads),
            beyond=frozenset().union(*(x.beyond | x.stages for x in both)),
        )  # fmt: skip

    def _confirm(self, part: str, attempt: Attempt, model: Any) -> Counterexample | None:
        found = self._replayed(part, attempt, model)
        if found is None and attempt.inputs is Inputs.SYNCED:
            # `sync` made the model's ranges tighter; of wide ones it changes less.
            violated = conjunction([*attempt.given, z3.Not(attempt.goal)])
            least = smallest(violated, model)
            found = self._replayed(part, attempt, least)
            models = (model, least)
            found = found or next(filter(None, (self._wider(part, m) for m in models)), None)
        return found

    def _replayed(self, part: str, attempt: Attempt, model: Any) -> Counterexample | None:
        args, numbers = self._valued(model)
        if attempt.inputs is Inputs.SYNCED:
            args = self._synced(args)
        return check_on_ints(self.rules, self.contract, part, args, numbers)

    def _wider(self, part: str, model: Any) -> Counterexample | None:
        """A model for synced operands with parts of them forgotten."""
        args, numbers = self._valued(model)
        tried = (
            check_on_ints(self.rules, self.contract, part, self._synced(wider), numbers)
            for wider in loosened(args)
        )
        return next(filter(None, tried), None)

    def _valued(self, model: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """A model's arguments and the numbers that they stand for."""
        s = self.exact
        args = tuple(value_in(model, t, a) for (_, t), a in zip(s.rule.params, s.args, strict=True))
        numbers = (model.eval(n, model_completion=True) for n in s.numbers)
        return args, tuple(n.as_long() for n in numbers)

    def _synced(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        sync = self.rules.linked.ints["sync"]
        return tuple(sync(a) if isinstance(a, Scalar) else a for a in args)


def low_half(r: Scalar, x: Any) -> tuple[Any, ...]:
    """The low half of r stands for that of x, and r's tnum is well-formed."""
    parts = parts_of_gamma(r, x)
    value: Any = r.var_off.value
    differ = (x ^ value) & ~r.var_off.mask
    return z3.Extract(31, 0, differ) == 0, parts["u32"], parts["s32"], parts["form"]


def operators(rules: RuleSet, contracts: Mapping[str, Contract], name: str) -> Iterator[Operator]:
    """The contract of one rule, once for each choice of its enumerated parameters."""
    contract = contracts[name]
    for values in itertools.product(*contract.cases.values()):
        case = dict(zip(contract.cases, values, strict=True))
        yield Operator(rules, contract, contracts, case)
