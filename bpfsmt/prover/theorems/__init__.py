"""What is to be proved of a rule set: for each rule the theorems about it, by subject.

- `numbers`: tnums, stages, arithmetic, moves and extension (operators)
- `product`: `tnum_mul`, by an invariant of its loop
- `compares`: refinement where a condition holds (operators)
- `predicates`: decided branches, constants, inclusion, overlap, overflow, subsumption
- `relations`: links, splits, ids
- `walking`: links kept, forked states, known indices; `rewrites`: code in a program's place
- `asked`: what else is asked of a register, and where ways meet; `swaps`: byte order
- `memory`: pointer arithmetic, accesses, packet ranges
- `parts`: parts of operations that nothing calls
- `helpers`: what helpers return, loads
- `coherence`: parts of a result that agree
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule, terms
from bpfsmt.bits.types import RecordType, TupleType
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.prover import products
from bpfsmt.prover.contract import Contract, Contracts
from bpfsmt.prover.obligation import Obligation
from bpfsmt.prover.operators import operators
from bpfsmt.prover.theorems import (
    asked,
    coherence,
    compares,
    helpers,
    memory,
    numbers,
    parts,
    predicates,
    product,
    relations,
    rewrites,
    swaps,
    walking,
)
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True)
class Theorem:
    """All obligations of one kind about one rule; what is run, and cached, together."""

    name: str
    rule: str
    obligations: Callable[[], Iterator[Obligation]]


@functools.cache
def all_contracts() -> Contracts:
    """Every contract that is known, of whatever rule set."""
    return Contracts(
        itertools.chain(
            numbers.tnums(), numbers.stages(), numbers.arithmetic(),
            compares.refinements(), helpers.returns(), helpers.loads(),
            swaps.registers(), asked.kept(),
        )
    )  # fmt: skip


def contracts_of(rules: RuleSet) -> dict[str, Contract]:
    """The contracts of the rules that the set has."""
    have = rules.linked.rules
    return {n: c for n, c in all_contracts().items() if n in have and _fits(c, have[n])}


def _fits(contract: Contract, rule: Rule[..., Any]) -> bool:
    """Whether the contract speaks of a rule with these parameters and result.

    Helpers of the same name may differ between rule sets; one without a contract is read.
    """
    numbers: list[Any] = []
    for name, type_ in rule.params:
        if isinstance(type_, RecordType):
            if type_.cls not in (Scalar, Tnum):
                return False
            numbers.append(z3.BitVec(name, 64))
        else:
            numbers.append(terms.fresh(type_, name))
    numbers += [z3.BitVec("z", 64)] * contract.free
    try:
        means = contract.meaning(*numbers)
        if contract.when is not None:
            contract.when(*numbers)
    except (TypeError, z3.Z3Exception):
        return False
    return isinstance(means, tuple) == isinstance(rule.result, TupleType)


def theorems(rules: RuleSet) -> list[Theorem]:
    """Everything to be proved of a rule set, in reading order."""
    contracts = contracts_of(rules)
    have = rules.linked.rules
    found: list[Theorem] = []

    def of_contract(name: str) -> Iterator[Obligation]:
        for op in operators(rules, contracts, name):
            yield from op.obligations()

    for name in contracts:
        if name != "tnum_mul":
            found.append(Theorem(name, name, functools.partial(of_contract, name)))
    if "tnum_mul" in have:
        make = product.Product(rules, contracts).obligations
        found.append(Theorem("tnum_mul", "tnum_mul", make))
    for s in itertools.chain(
        predicates.branches(), predicates.constants(), predicates.tnums(), predicates.told(),
        predicates.overflow(),
        predicates.subsumption(), relations.links(), relations.splits(), relations.ids(),
        walking.links(), walking.forks(), walking.arms(), walking.indices(),
        walking.low_halves(), rewrites.divisions(),
        memory.accesses(), memory.packet_ranges(), memory.arithmetic(), helpers.predicates(),
        asked.contradictions(), asked.unions(), asked.links(), asked.accesses(), asked.choices(),
        swaps.numbers(), parts.parts(), coherence.made(contracts),
    ):  # fmt: skip
        if s.rule in have and s.applies(rules):
            title = f"{s.rule}: {s.kind.value}"
            make = functools.partial(s.obligations, rules, contracts)
            found.append(Theorem(title, s.rule, make))
    tracks32 = "bounds32_from_tnum" in have
    for contract in coherence.coherent(rules, contracts):
        about = coherence.Coherence(rules, contract, tracks32)
        found.append(Theorem(f"{contract.rule}: coherent", contract.rule, about.obligations))
    if "sync" in have:
        made = coherence.SyncCoherence(rules, contracts, tracks32)
        found.append(Theorem("sync: coherent", "sync", made.obligations))
    found.append(Theorem("lemmas", "", lambda: _lemmas()))
    return found


def _lemmas() -> Iterator[Obligation]:
    yield from products.lemmas()
    yield from product.identities()


def uncovered(rules: RuleSet, about: Iterable[Theorem]) -> list[str]:
    """The rules of which nothing is proved, neither by themselves nor as part of a caller."""
    have = rules.linked.rules
    reached: set[str] = set()
    pending = [t.rule for t in about if t.rule]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += [c for c in have[name].callees if c in have]
    return sorted(have.keys() - reached)
