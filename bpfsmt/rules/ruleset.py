"""A rule set is data: a name, a table from rule names to rules, and a policy."""

from __future__ import annotations

import difflib
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import ModuleType, SimpleNamespace
from typing import Any

from bpfsmt.bits import LinkedRules, Rule
from bpfsmt.errors import BpfsmtError
from bpfsmt.rules.duties import ALL, Duties


class RuleSetError(BpfsmtError):
    """No such rule set, no such rule, or an override that does not fit."""


def rules_in(*modules: ModuleType) -> dict[str, Rule[..., Any]]:
    """Every rule whose text is in one of the modules, by name; not those that they import.

    Raises `RuleSetError` if two modules define the same name.
    """
    found: dict[str, Rule[..., Any]] = {}
    for module in modules:
        for r in vars(module).values():
            if isinstance(r, Rule) and r.scope["__name__"] == module.__name__:
                if r.name in found:
                    raise RuleSetError(f"{r.name} is in {found[r.name].where} and in {r.where}")
                found[r.name] = r
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verifier with this rule set admits, apart from how it tracks values.

    ``max_insns`` bounds a program's length in slots and ``max_walked`` the instructions
    that the walk of all paths visits.  ``loops`` and ``calls`` say whether back edges and
    local calls are admitted.  ``strict_alignment`` asks for aligned access to packets and
    map values too (stack and context always need it).  ``walk`` names the walk that
    the rules are for: "paper", or "linux" for that of Linux with loops, precision, the
    stack at unknown offsets, references and global functions.  ``known_keys`` says that a
    lookup in an array with a known key in range is known not to fail (Linux 6.14),
    ``helpers_trusted`` that a helper is taken to leave memory as it was which its prototype
    does not say it writes (Linux 6.14); before, it may have written all that it is given.
    ``live_links`` says that a compare tells of linked numbers only those in registers that
    are read later (Linux 6.18); ``most_linked`` is how many it tells, 0 for all (before 6.12).
    ``links_tracked`` says that links count where states are compared and where it is found
    out what has mattered (Linux 6.5), ``spills_linked`` that a number and what is spilled of it
    are linked (6.4), ``narrow_fills`` that a part of a spilled number can be filled, and that
    zeros beside a spilled part stay zeros (6.8), ``stores_scrub`` that a store at an offset that is
    not known leaves plain bytes of all that is spilled where it may go (6.12, not 6.1).
    ``returns_tracked`` says that the number
    that a program returns has mattered where it must be in a range (6.8).  ``cpus`` is how many
    CPUs a machine may have on which the program will run.  ``live_as_walked`` says that only
    what the paths walked from an explored state have read counts there, rather than what any
    path may read (before 6.15).  ``fastcall`` says that spills around inlined calls need no
    stack (6.12).  ``stack_unit`` is what a function's stack is rounded up to (32 before 6.6), and
    ``map_head`` how many bytes of a map's own structure come before its first pointer (32 in 6.18).
    ``duties`` is what the walk of Linux does besides.
    """

    max_insns: int = 4096
    max_walked: int = 131_072
    loops: bool = False
    calls: bool = True
    strict_alignment: bool = False
    walk: str = "paper"
    known_keys: bool = False
    helpers_trusted: bool = False
    live_links: bool = False
    most_linked: int = 6
    links_tracked: bool = True
    spills_linked: bool = True
    narrow_fills: bool = True
    stores_scrub: bool = True
    returns_tracked: bool = True
    cpus: int = 8192
    live_as_walked: bool = False
    fastcall: bool = False
    stack_unit: int = 16
    map_head: int = 0
    duties: Duties = ALL


class _OnInts(SimpleNamespace):
    """Functions as attributes, each made when it is first asked for."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        super().__init__()
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._functions:
            raise AttributeError(name)
        found = self._functions[name]
        setattr(self, name, found)
        return found


@dataclass(frozen=True)
class RuleSet:
    """A named table of rules.  Immutable: `derive` makes a changed one.

    ``faults`` names the obligations of which it is known that they are false of these rules,
    as the release had them, each with what there is to know.
    """

    name: str
    rules: Mapping[str, Rule[..., Any]]
    policy: Policy = field(default_factory=Policy)
    base: RuleSet | None = None
    doc: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)

    def derive(
        self, name: str, *rules: Rule[..., Any], policy: Policy | None = None, doc: str = ""
    ) -> RuleSet:
        """This rule set with some rules overridden, each by the one of the same name.

        Raises `RuleSetError` for a name that this set does not have, and
        `bpfsmt.bits.RuleError` for a rule whose signature differs, names of parameters included.
        """
        known = self.linked.rules
        for r in rules:
            if r.name not in known:
                close = difflib.get_close_matches(r.name, known, 1)
                hint = f": did you mean {close[0]}?" if close else ""
                raise RuleSetError(f"{r.source.filename}: {self.name} has no rule {r.name}{hint}")
            # By name as well: what is to be proved of a rule speaks of its parameters so.
            if (r.params, r.result) != (known[r.name].params, known[r.name].result):
                raise r.source.error(None, f"{r.name} must be {known[r.name]!r}")
        derived = self.extend(name, *rules, doc=doc)
        return replace(derived, policy=policy) if policy else derived

    def extend(
        self, name: str, *rules: Rule[..., Any], policy: Policy | None = None, doc: str = ""
    ) -> RuleSet:
        """This rule set with rules added, whatever their names.

        Raises `RuleSetError` for two rules of one name.
        """
        added = {r.name: r for r in rules}
        for r in rules:
            if added[r.name] is not r:
                raise RuleSetError(f"{r.name} is in {r.where} and in {added[r.name].where}")
        table = {**self.rules, **added}
        policy = policy or self.policy
        return replace(self, name=name, rules=table, policy=policy, base=self, doc=doc)

    def neglect(self, name: str, *duties: str) -> RuleSet:
        """This rule set with some `Duties` not done, by name.

        Raises `RuleSetError` for a name that is none.
        """
        known = [f.name for f in fields(Duties)]
        for duty in duties:
            if duty not in known:
                raise RuleSetError(f"no duty {duty!r}: there are {', '.join(known)}")
        undone = replace(self.policy.duties, **dict.fromkeys(duties, False))
        return self.derive(name, policy=replace(self.policy, duties=undone))

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the rules in which this set differs from its base."""
        if self.base is None:
            return tuple(sorted(self.rules))
        return tuple(sorted(n for n, r in self.rules.items() if self.base.rules.get(n) is not r))

    @functools.cached_property
    def linked(self) -> LinkedRules:
        """All rules, with their callees, linked by name."""
        return LinkedRules(self.rules.values())

    @functools.cached_property
    def ints(self) -> SimpleNamespace:
        """The rules as functions on ints: ``rules.ints.tnum_add(a, b)``."""
        return _OnInts(self.linked.ints)

    @functools.cached_property
    def terms(self) -> SimpleNamespace:
        """The rules as functions on Z3 terms, with the same names."""
        return SimpleNamespace(**{n: self.linked.terms[n] for n in self.linked.rules})

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the policy and of every rule as compiled: constants count, comments do not."""
        compiled = ((n, r.params, r.result, r.compiled.body) for n, r in self.linked.rules.items())
        parts = [*sorted(map(repr, compiled)), repr(self.policy)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<rule set {self.name}: {len(self.rules)} rules>"


def reached(rules: RuleSet, roots: Iterable[str]) -> set[str]:
    """The rules of the set among ``roots``, and all that they call."""
    have = rules.linked.rules
    pending = [r for r in roots if r in have]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += have[name].callees
    return found
