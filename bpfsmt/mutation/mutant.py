"""Mutants: one fault each, compiled; those that mean the same as another are left out."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bpfsmt import bits
from bpfsmt.bits import Rule, RuleError
from bpfsmt.bits.rule import rule_from_text
from bpfsmt.mutation.operators import LOGIC, Operator
from bpfsmt.mutation.text import Change, RuleText
from bpfsmt.mutation.words import WORDS
from bpfsmt.rules.ruleset import RuleSet

OPERATORS: tuple[Operator, ...] = (*LOGIC, *WORDS)

_WORDS: dict[str, Any] = {n: getattr(bits, n) for n in bits.__all__ if n[0] in "usUS"}
"""What a fault may need that the rule's module did not import: casts and limits."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule's text with one fault: ``before`` was replaced by ``after`` on ``line``.

    ``line`` counts in the file that the rule is from.
    """

    rule: str
    operator: str
    line: int
    before: str
    after: str
    text: str

    @property
    def name(self) -> str:
        """A short name that no other mutant of the rule has."""
        return f"{self.rule}#{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    @property
    def says(self) -> str:
        """The fault in one line."""
        return f"{self.before} → {self.after}"

    def compile(self, original: Rule[..., Any]) -> Rule[..., Any]:
        """The rule; `RuleError` if the text is none, or has another signature."""
        scope = {**_WORDS, **original.scope}
        made = rule_from_text(self.text, scope, f"<{self.name}>")
        if (made.params, made.result) != (original.params, original.result):
            raise made.source.error(None, f"{made.name} must be {original!r}")
        return made


@dataclass
class Mutants:
    """The mutants of one rule, and why others were left out.

    ``invalid`` counts what does not compile, by operator; ``same`` what compiles to the original
    or to a mutant that is there already.
    """

    rule: str
    found: list[Mutant] = field(default_factory=list)
    invalid: Counter[str] = field(default_factory=Counter)
    same: int = 0


def mutants_of(rule: Rule[..., Any], operators: Iterable[Operator] = OPERATORS) -> Mutants:
    """All mutants of a rule, in reading order of their faults."""
    text = RuleText(rule)
    out = Mutants(rule.name)
    seen = {meaning(rule)}
    operators = tuple(operators)
    changes = [
        change
        for node, parent in text.expressions()
        for operator in operators
        for change in operator(text, node, parent)
    ]
    for change in changes:
        mutant = _mutant(text, change)
        try:
            made = meaning(mutant.compile(rule))
        except RuleError:
            out.invalid[change.operator] += 1
            continue
        if made in seen:
            out.same += 1
        else:
            seen.add(made)
            out.found.append(mutant)
    return out


def all_mutants(rules: RuleSet, about: Iterable[str] = ()) -> list[Mutants]:
    """Those of every rule of a set, or of the rules named, by name of the rule."""
    names = sorted(set(about)) or sorted(rules.linked.rules)
    return [mutants_of(rules.linked.rules[n]) for n in names]


def meaning(rule: Rule[..., Any]) -> str:
    """What a rule's text was compiled to: equal for texts that differ in nothing that counts."""
    return repr((rule.params, rule.result, rule.compiled.body))


def _mutant(text: RuleText, change: Change) -> Mutant:
    first = change.pieces[0][0]
    line = text.rule.source.line + first.lineno - 1
    before = "; ".join(" ".join(text.source(node).split()) for node, _ in change.pieces)
    after = "; ".join(" ".join(new.split()) for _, new in change.pieces)
    return Mutant(text.rule.name, change.operator, line, before, after, text.changed(change))


__all__ = ["Mutant", "Mutants", "all_mutants", "ast", "meaning", "mutants_of"]
