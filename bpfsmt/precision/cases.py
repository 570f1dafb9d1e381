"""One case: what is known of the operands, the result of the rule, and the best there is.

The question of a case is asked *alone*: of each operand nothing is known but one part (its
unsigned range, say), and what `sync` makes of that.  So the operand stands for just the
numbers of that part, and the best result can be told.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits.types import RecordType
from bpfsmt.domain.scalar import Tnum, const
from bpfsmt.precision.operations import Operation, on_scalars, operations, result_of
from bpfsmt.precision.parts import PARTS, TNUM_PART, Part, RangePart, TnumPart
from bpfsmt.precision.witnesses import reaching
from bpfsmt.prover.solver import Proved, Refuted, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet

FEW = 64
"""An operand of so many members, or fewer, is enumerated."""

PATIENCE = 1.0
"""Seconds for one question about known operands."""


@dataclass(frozen=True)
class Question:
    """Is the part ``part`` of the operation's result the best, if that part of operands is known?

    ``given`` is the part of the operands that is known: the same, but for ranges made tnums.
    """

    rules: RuleSet
    operation: Operation
    part: Part

    @property
    def given(self) -> Part:
        """The part of the operands that is known."""
        return PARTS["u64"] if "ends" in self.operation.operands else self.part

    @property
    def name(self) -> str:
        """The operation and the part."""
        return f"{self.operation.name}/{self.part.name}"

    @functools.cached_property
    def _run(self) -> Any:
        return self.rules.linked.ints[self.operation.rule]

    @functools.cached_property
    def _sync(self) -> Any:
        return functools.cache(self.rules.linked.ints.get("sync", lambda r: r))

    def arguments(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The rule's arguments on ints, for what is known of each operand."""
        params = iter(self.rules.linked.rules[self.operation.rule].params)
        args: list[Any] = []
        known = iter(values)
        for operand in self.operation.operands:
            _, type_ = next(params)
            record = type_.cls if isinstance(type_, RecordType) else None
            if isinstance(operand, int):
                args.append(operand)
            elif operand == "ends":
                next(params)
                args += next(known)
            elif operand == "count":
                n = next(known)
                args.append(const(n, subreg=self.subregisters) if record else n)
            else:
                value = next(known)
                args.append(value if record is Tnum else self._sync(self.given.alone(value)))
        return tuple(args)

    @property
    def subregisters(self) -> bool:
        """Whether the rule set tracks ranges of low halves."""
        return tracks_low_halves(self.rules)

    def result(self, values: tuple[Any, ...]) -> Any:
        """What the rule says in this part."""
        return self.part.of(result_of(self.operation, self._run(*self.arguments(values))))


def tracks_low_halves(rules: RuleSet) -> bool:
    """Whether a rule set has ranges of 32 bits."""
    return "bounds32_from_tnum" in rules.linked.rules


def questions(rules: RuleSet, about: tuple[str, ...] = ()) -> list[Question]:
    """All that is asked of a rule set, or of the rules named."""
    found = []
    for o in operations(rules):
        if about and o.rule not in about:
            continue
        parts: list[Part] = [TNUM_PART]
        if on_scalars(o, rules):
            low = tracks_low_halves(rules)
            parts += [p for p in PARTS.values() if isinstance(p, RangePart)
                      and (low or p.word.bits == 64)]  # fmt: skip
        found += [Question(rules, o, p) for p in parts]
    return found


@dataclass(frozen=True, slots=True)
class Example:
    """Operands for which the rule does not say what it could: ``result``, where ``best`` is true.

    ``values`` are the parts that are known of the operands, ``args`` the rule's arguments.
    ``how`` says by what it is known that nothing outside ``best`` is possible: all pairs of
    members were tried ("enumerated"), or the solver was asked ("solver").
    """

    values: tuple[Any, ...]
    args: tuple[Any, ...]
    result: Any
    best: Any
    how: str


def members(part: Part, value: Any) -> list[int] | None:
    """The 64-bit numbers of which the part says this; `None` if there are many."""
    if isinstance(part, TnumPart):
        if value.mask.bit_count() > FEW.bit_length() - 1:
            return None
        return list(subsets(value))
    if part.word.bits < 64 or value[1] - value[0] >= FEW:
        return None
    return [x & (1 << 64) - 1 for x in range(value[0], value[1] + 1)]


def subsets(t: Tnum) -> Iterator[int]:
    """The members of a tnum, smallest first."""
    x = 0
    while True:
        yield t.value | x
        if x == t.mask:
            return
        x = (x - t.mask) & t.mask


def inside(part: Part, value: Any, x: Any) -> Any:
    """The part says this of x, as a term; ``value`` may be of ints or terms."""
    if isinstance(part, TnumPart):
        return x & ~_word(value.mask, 64) == _word(value.value, 64)
    read = part.read_term(x)
    lo, hi = (_word(v, part.word.bits) for v in value)
    return z3.And(part.le(lo, read), part.le(read, hi))


def _word(v: Any, bits: int) -> Any:
    return z3.BitVecVal(v, bits) if isinstance(v, int) else v


class Case:
    """Known operands of a question; numbers are asked for by the solver where they are many."""

    def __init__(self, question: Question, values: tuple[Any, ...]) -> None:
        self.q, self.values = question, values
        self._solver = Solver(make=words_only, cpu=True)

    @functools.cached_property
    def pairs(self) -> list[tuple[int, int]] | None:
        """All pairs of members for which the rule is applied, if they are few."""
        o = self.q.operation
        each: list[list[int] | None] = []
        known = iter(self.values)
        for operand in o.operands:
            if isinstance(operand, int):
                continue
            value = next(known)
            each.append([value] if operand == "count" else members(self.q.given, value))
        each += [[0]] * (2 - len(each))
        a, b = each
        if a is None or b is None:
            return None
        return [(x, y) for x, y in itertools.product(a, b) if o.possible(x, y)]

    def best(self) -> tuple[Any, str] | None:
        """The smallest value around all results; `None` if there are none, or it is not known."""
        if self.pairs is not None:
            return (self._hull(self.pairs), "enumerated") if self.pairs else None
        found = self._by_solver()
        return None if found is None else (found, "solver")

    def _hull(self, pairs: list[tuple[int, int]]) -> Any:
        meanings = self.q.operation.values
        return self.q.part.hull(m.ints(x, y) for m in meanings for x, y in pairs)

    # Where members are many: x and y are open, and the solver says what the values can be.

    @functools.cached_property
    def _given(self) -> list[Any]:
        known = iter(self.values)
        numbers = iter(z3.BitVecs("x~ y~", 64))
        given: list[Any] = []
        self.numbers: list[Any] = []
        for operand in self.q.operation.operands:
            if isinstance(operand, int):
                continue
            value = next(known)
            if operand == "count":
                self.numbers.append(z3.BitVecVal(value, 64))
                continue
            self.numbers.append(next(numbers))
            given.append(inside(self.q.given, value, self.numbers[-1]))
        self.numbers += [z3.BitVecVal(0, 64)] * (2 - len(self.numbers))
        if self.q.operation.when is not None:
            given.append(self.q.operation.when.terms(*self.numbers))
        return given

    def reachable(self, says: Any) -> bool | None:
        """Whether some value is as ``says`` (of a term) asks; `None` if the solver gave up."""
        given = self._given
        values = [m.terms(*self.numbers) for m in self.q.operation.values]
        wanted = z3.And(*given, z3.Or(*(says(v) for v in values)))
        answer = self._solver.impossible(wanted, PATIENCE)
        if isinstance(answer, Proved):
            return False
        return True if isinstance(answer, Refuted) else None

    def _by_solver(self) -> Any:
        if not self.reachable(lambda _: z3.BoolVal(True)):
            return None
        part = self.q.part
        return self._best_tnum() if isinstance(part, TnumPart) else self._best_range(part)

    def _best_tnum(self) -> Tnum | None:
        ones = mask = 0
        for i in range(64):
            can = [self.reachable(lambda v, i=i, b=b: z3.Extract(i, i, v) == b) for b in (0, 1)]
            if None in can:
                return None
            ones |= (not can[0]) << i
            mask |= (all(can)) << i
        return Tnum(ones, mask)

    def _best_range(self, part: RangePart) -> tuple[int, int] | None:
        lo = self._extreme(part, lambda r, m: part.le(r, m), True)
        hi = self._extreme(part, lambda r, m: part.le(m, r), False)
        return None if lo is None or hi is None else (lo, hi)

    def _extreme(self, part: RangePart, beyond: Any, smallest: bool) -> int | None:
        """The smallest or the greatest value, by halving."""
        lo, hi = part.word.min, part.word.max
        while lo < hi:
            middle = (lo + hi) // 2 if smallest else (lo + hi + 1) // 2
            m = z3.BitVecVal(middle, part.word.bits)
            can = self.reachable(lambda v, m=m: beyond(part.read_term(v), m))
            if can is None:
                return None
            if smallest:
                lo, hi = (lo, middle) if can else (middle + 1, hi)
            else:
                lo, hi = (middle, hi) if can else (lo, middle - 1)
        return lo

    def example(self) -> Example | None:
        """The case as an example, if the rule's result is not the best.

        A result that does not even contain the best is not sound.
        """
        result = self.q.result(self.values)
        if self.pairs is None and self._attained(result):
            return None
        best = self.best()
        if best is None or best[0] == result:
            return None
        return Example(self.values, self.q.arguments(self.values), result, *best)

    def _attained(self, result: Any) -> bool:
        """No more is to be had: every end, or both values of every unknown bit, is reached."""
        part = self.q.part
        if isinstance(part, RangePart):
            return all(self._guessed(part, e) or self._reaches(part, e) for e in result)
        bits = [i for i in range(64) if result.mask >> i & 1]
        return all(
            self.reachable(lambda v, i=i, b=b: z3.Extract(i, i, v) == b)
            for i in bits for b in (0, 1)
        )  # fmt: skip

    def _reaches(self, part: RangePart, end: int) -> bool | None:
        word = z3.BitVecVal(end, part.word.bits)
        return self.reachable(lambda v: part.read_term(v) == word)

    def _guessed(self, part: RangePart, end: int) -> bool:
        """One of the usual witnesses reaches the end: the solver need not be asked."""
        o, given = self.q.operation, self.q.given
        assert isinstance(given, RangePart)
        for x, y in reaching(o, part, list(self.values), end):
            known = zip(self.values, (x, y), o.kinds, strict=False)
            if (
                all(v[0] <= given.read(n) <= v[1] for v, n, kind in known if kind != "count")
                and o.possible(x, y)
                and any(part.read(m.ints(x, y)) == end for m in o.values)
            ):
                return True
        return False
