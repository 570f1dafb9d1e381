"""How far a rule is from the best, measured: over all small operands, and over drawn ones.

Both run the 64-bit rule.  *Small*: all tnums of so many bits, all ranges with ends of so
many bits, of which a part alone is known.  *Drawn*: whole registers, each with few members,
so that the best result is known by trying all pairs of them.  A gap is in bits: log2 of how
many numbers the result admits over how many the best does.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

from bpfsmt.bits.types import RecordType
from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.precision.cases import Case, Example, Question, subsets, tracks_low_halves
from bpfsmt.precision.operations import Operation, on_scalars, result_of
from bpfsmt.precision.parts import PARTS, Part, RangePart
from bpfsmt.rules.ruleset import RuleSet

ALL = (1 << 64) - 1


@dataclass(slots=True)
class Gap:
    """Over ``cases`` cases: in how many the result was the best, and by how many bits it missed.

    ``example`` is the first case, of drawn ones, in which it was not.
    """

    part: str
    cases: int = 0
    best: int = 0
    bits: float = 0.0
    example: Example | None = None

    @property
    def share(self) -> float:
        """The share of cases in which the result was the best."""
        return self.best / self.cases if self.cases else 0.0

    @property
    def mean(self) -> float:
        """Bits that the result was wider than the best, on average over all cases."""
        return self.bits / self.cases if self.cases else 0.0

    def add(self, part: Part, result: Any, best: Any) -> bool:
        """Count one case; whether the result was the best."""
        self.cases += 1
        fine = part.covers(best, result)
        self.best += fine
        if not fine:
            self.bits += part.bits(result) - part.bits(best)
        return fine


def small(question: Question, width: int) -> Gap | None:
    """All operands of which the part takes ``width`` bits; `None` for ranges of low halves.

    Of a low half alone the members are too many to be tried.
    """
    given = question.given
    if isinstance(given, RangePart) and given.word.bits < 64:
        return None
    gap = Gap(question.part.name)
    each = [_all(given, width) if kind != "count" else range(width)
            for kind in question.operation.kinds]  # fmt: skip
    for values in itertools.product(*each):
        found = Case(question, values).best()
        if found is not None:
            gap.add(question.part, question.result(values), found[0])
    return gap


def _all(part: Part, width: int) -> list[Any]:
    full = 1 << width
    if isinstance(part, RangePart):
        first = -(full >> 1) if part.word.signed else 0
        return list(itertools.combinations_with_replacement(range(first, first + full), 2))
    return [Tnum(v, m) for v, m in itertools.product(range(full), repeat=2) if not v & m]


def drawn(rules: RuleSet, operation: Operation, seed: int, count: int) -> list[Gap]:
    """``count`` drawn cases of an operation on registers or tnums, one gap for each part."""
    rng = random.Random(f"{seed} {operation.name}")
    parts = _parts(rules, operation)
    gaps = [Gap(p.name) for p in parts]
    run = rules.linked.ints[operation.rule]
    found = 0
    for _ in range(20 * count):
        args, each = _draw(rules, operation, rng)
        values = [
            m.ints(x, y) for x, y in itertools.product(*each)
            if operation.possible(x, y) for m in operation.values
        ]  # fmt: skip
        if not values:
            continue
        result = result_of(operation, run(*args))
        for part, gap in zip(parts, gaps, strict=True):
            said, best = part.of(result), part.hull(values)
            if not gap.add(part, said, best) and gap.example is None:
                gap.example = Example((), args, said, best, "enumerated")
        found += 1
        if found == count:
            break
    return gaps


def _parts(rules: RuleSet, operation: Operation) -> list[Part]:
    if not on_scalars(operation, rules):
        return [PARTS["tnum"]]
    low = tracks_low_halves(rules)
    return [p for p in PARTS.values()
            if low or not isinstance(p, RangePart) or p.word.bits == 64]  # fmt: skip


def _draw(
    rules: RuleSet, operation: Operation, rng: random.Random
) -> tuple[tuple[Any, ...], list[list[int]]]:
    """Arguments, and the members of each of two operands."""
    args: list[Any] = []
    each: list[list[int]] = []
    params = iter(rules.linked.rules[operation.rule].params)
    for operand in operation.operands:
        _, type_ = next(params)
        record = type_.cls if isinstance(type_, RecordType) else None
        if isinstance(operand, int):
            args.append(operand)
            continue
        if operand == "count":
            n = rng.randrange(operation.below)
            args.append(const(n, subreg=tracks_low_halves(rules)) if record else n)
            each.append([n])
        elif operand == "ends":
            lo, hi = sorted(_near(_number(rng), rng) for _ in range(2))
            hi = min(hi, lo + 40)
            next(params)
            args += [lo, hi]
            each.append(list(range(lo, hi + 1)))
        else:
            value, known = register(rules, rng) if record is Scalar else tnum(rng)
            args.append(value)
            each.append(known)
    return tuple(args), [*each, [0], [0]][:2]


UNKNOWN_BITS = 4
"""A drawn operand has so many unknown bits, or a range of so many bits, at most."""


def tnum(rng: random.Random) -> tuple[Tnum, list[int]]:
    """A tnum with four unknown bits at most, and its members."""
    mask = 0
    for _ in range(rng.randint(0, UNKNOWN_BITS)):
        mask |= 1 << rng.randrange(rng.choice((8, 32, 64)))
    t = Tnum(_number(rng) & ~mask, mask)
    return t, list(subsets(t))


def register(rules: RuleSet, rng: random.Random) -> tuple[Scalar, list[int]]:
    """What `sync` makes of a tnum, a short range or both, and the members (16 at most)."""
    sync = rules.linked.ints["sync"]
    while True:
        t, known = tnum(rng)
        r = UNKNOWN._replace(var_off=t)
        if rng.random() < 0.5:  # a range instead of the bits
            lo = _number(rng)
            known = [(lo + i) & ALL for i in range(rng.randint(1, 1 << UNKNOWN_BITS))]
            r = _around(UNKNOWN, known)
        if rng.random() < 0.5:  # a part of it
            r = _around(r, [rng.choice(known), rng.choice(known)])
        r = sync(r)
        inside = [x for x in known if scalar_contains(r, x)]
        if inside:
            return r, inside


def _around(r: Scalar, numbers: list[int]) -> Scalar:
    """r, in the smallest unsigned or signed range around the numbers."""
    u, s = (PARTS[p].hull(numbers) for p in ("u64", "s64"))
    if u[1] - u[0] <= s[1] - s[0]:
        return r._replace(umin=u[0], umax=u[1])
    return r._replace(smin=s[0], smax=s[1])


def _number(rng: random.Random) -> int:
    """Small, near a power of two, or anything, read either way."""
    return _near(rng.choice((0, 0, 1 << rng.randrange(64), rng.getrandbits(64))), rng)


def _near(x: int, rng: random.Random) -> int:
    return (x + rng.randint(-16, 16)) & ALL
