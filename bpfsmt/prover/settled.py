"""What proofs that rest on each other come to, once all of them are there.

A rule that is proved of synced operands only may be taken by its contract where a caller
hands its own operands on, or what a rule that `settles` returned; the caller then needs synced
operands, too.  Of any other record nothing is known to have been synced, and a proof that
rests on it there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bpfsmt.prover.decide import Result
from bpfsmt.prover.obligation import Inputs, Kind
from bpfsmt.rules.ruleset import RuleSet

SYNCED = Inputs.SYNCED.value
OF_VALUES = (Kind.OPERATOR.value, Kind.PREDICATE.value)
"""Kinds of obligations that others may rest on."""


def settled(results: Iterable[Result]) -> list[Result]:
    """The results, with what their contracts' own proofs needed taken into account."""
    found = list(results)
    rules = needing(found)
    return [_settled(r, rules) for r in found]


def needing(results: Iterable[Result]) -> set[str]:
    """The rules that need synced operands, by their own proofs or by what these rest on."""
    found = [r for r in results if r.kind in OF_VALUES]
    rules = {r.rule for r in found if r.inputs == SYNCED}
    while more := {r.rule for r in found if rules & set(r.uses)} - rules:
        rules |= more
    return rules


def callers_unasked(rules: RuleSet, results: Iterable[Result]) -> dict[str, tuple[str, ...]]:
    """Of each rule that needs synced operands, those that call it and are not among the results.

    Whether they hand it nothing else is then not said.
    """
    found = list(results)
    asked = {r.rule for r in found}
    table = rules.linked.rules
    callers = {
        name: tuple(sorted(c for c in table if name in table[c].callees and c not in asked))
        for name in sorted(needing(found))
    }
    return {name: others for name, others in callers.items() if others}


def given_unasked(results: Iterable[Result]) -> tuple[str, ...]:
    """The rules whose contracts the results rest on, and that are not among them."""
    found = list(results)
    return tuple(sorted({u for r in found for u in r.uses} - {r.rule for r in found}))


def _settled(r: Result, rules: set[str]) -> Result:
    if r.verdict != "proved" or not rules & set(r.uses):
        return r
    loose = sorted(rules & set(r.beyond))
    if loose:
        why = f"rests on {', '.join(loose)} of synced operands, for a record that may not be synced"
        return replace(r, verdict="unknown", why=why)
    return replace(r, inputs=SYNCED)
