"""Counterexamples without a solver: a rule run on small and on boundary-near inputs.

What it finds is found by running the rule on ints, so it stands by itself.  What it does
not find says nothing.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.bits.types import RecordType
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.prover.constants import named_numbers
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.mentions import mentions
from bpfsmt.prover.obligation import Counterexample, Drawn, Trial
from bpfsmt.prover.replay import check_on_ints, promised
from bpfsmt.rules.ruleset import RuleSet

U64 = (1 << 64) - 1
LIMITS = (0, 0xFFFF, 1 << 29)
"""What rules hold offsets against."""

SLACKS = (0, 0, 0, 1, 8, 200, 1 << 31, 1 << 62, U64)
"""How far the ends of a range are from the number inside it."""

ENDS = (0, 1, 2, 3, 7, 1 << 7, 1 << 15, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 32, 1 << 63,
        (1 << 63) - 1, U64)  # fmt: skip


def contract_trial(rules: RuleSet, contract: Contract, part: str, case: Mapping[str, int]) -> Trial:
    """How one part of a contract is tried."""
    rule = rules.linked.rules[contract.rule]
    sync = rules.linked.ints.get("sync") if contract.synced else None

    def inputs(rng: random.Random) -> Iterator[Drawn]:
        products = _multiplies(rule, contract)
        named = named_numbers(rules, contract.rule)
        for args, numbers in candidates(rule.params, case, rng, sync, products, named):
            yield args, (*numbers, *(near(numbers, rng) for _ in range(contract.free)))

    def check(
        of: RuleSet, args: tuple[Any, ...], numbers: tuple[int, ...]
    ) -> Counterexample | None:
        return check_on_ints(of, contract, part, args, numbers)

    kind = f"{contract.rule}{tuple(case.values())}"
    meant = functools.partial(promised, rule, contract)
    return Trial(kind, rules, inputs, meant, check, synced=contract.synced)


def _multiplies(rule: Rule[..., Any], contract: Contract) -> bool:
    """Whether a product is promised."""
    words = (t.bits if isinstance(t, Word) else 64 for _, t in rule.params)
    numbers = [z3.BitVec(f"n{i}", bits) for i, bits in enumerate(words)]
    means = contract.meaning(*numbers, *[z3.BitVec("z", 64)] * contract.free)
    return mentions(*(means if isinstance(means, tuple) else (means,))).products


def candidates(
    params: Any,
    case: Mapping[str, int],
    rng: random.Random,
    sync: Callable[[Scalar], Scalar] | None = None,
    products: bool = False,
    named: Sequence[int] = (),
) -> Iterator[Drawn]:
    """Arguments for a rule, each with the number it stands for; endless.

    Scalars go through ``sync`` if it is given.  Where ``products`` are at stake, many of the
    numbers are factors of one that is close to where words wrap.  Some are those ``named`` in
    the rule's text, or next to them.
    """
    tnums = all(isinstance(t, RecordType) and t.cls is Tnum for _, t in params)
    random_ = _random(params, case, rng, products, named)
    drawn = itertools.chain(_small(params) if tnums else (), random_)
    if sync is None:
        return drawn
    settle = lambda a: sync(a) if isinstance(a, Scalar) else a  # noqa: E731
    return ((tuple(map(settle, args)), numbers) for args, numbers in drawn)


def near(numbers: Sequence[int], rng: random.Random) -> int:
    """A 64-bit number like those given: one of them, close to one, or between two."""
    if not numbers or rng.random() < 0.2:
        return _number(rng)
    a, b = rng.choice(numbers), rng.choice(numbers)
    if rng.random() < 0.5:
        return (a + rng.randrange(-1, 2)) & U64
    return rng.randint(min(a, b), max(a, b)) & U64


def _small(params: Any) -> Iterator[Drawn]:
    """Every tuple of 2-bit tnums with every member."""
    one = [
        (Tnum(v, m), v | k)
        for v, m, k in itertools.product(range(4), repeat=3)
        if v & m == 0 and k & ~m == 0
    ]
    for choice in itertools.product(one, repeat=len(params)):
        yield tuple(t for t, _ in choice), tuple(x for _, x in choice)


def _random(
    params: Any,
    case: Mapping[str, int],
    rng: random.Random,
    products: bool,
    named: Sequence[int],
) -> Iterator[Drawn]:
    slacks = (*SLACKS, 1 << 33) if products else SLACKS
    while True:
        args: list[Any] = []
        numbers: list[int] = []
        ends = [*LIMITS]
        for name, type_ in params:
            factor = products and rng.random() < 0.5
            x = _factor(numbers, rng) if factor else _like(numbers, ends, named, rng)
            if isinstance(type_, RecordType):
                args.append(_scalar(x, rng, slacks) if type_.cls is Scalar else _tnum(x, rng))
            elif not isinstance(type_, Word):
                x &= 1
                args.append(bool(x))
            else:
                x = case.get(name, x if factor else _word(x, ends, rng))
                x &= (1 << type_.bits) - 1
                args.append(type_(x))
            numbers.append(x)
            ends += _ends(args[-1])
        yield tuple(args), tuple(numbers)


def _like(
    numbers: Sequence[int], ends: Sequence[int], named: Sequence[int], rng: random.Random
) -> int:
    """A number near those that earlier arguments stand for, or near their ends, or any."""
    kind = rng.random()
    if named and kind > 0.9:
        return (rng.choice(named) + rng.choice((0, 0, 1, -1))) & U64
    if numbers and kind < 0.15:
        return rng.choice(numbers)
    if kind < 0.4:
        return near(numbers, rng)
    if kind < 0.6:
        return (rng.choice(ends) + rng.choice((0, 0, 1, -1))) & U64
    return _number(rng)


def _word(x: int, ends: Sequence[int], rng: random.Random) -> int:
    """x as it is, a small word, or one that adds up with others, as sizes and limits do."""
    kind = rng.randrange(4)
    if kind > 1:
        return x if kind == 2 else rng.randrange(64)
    a, b = rng.choice(ends), rng.choice(ends)
    return (a + b if kind else a - b) + rng.randrange(-1, 2)


def _ends(arg: Any) -> list[int]:
    """Where an argument begins and ends."""
    if isinstance(arg, Scalar):
        return [*arg[1:]]
    return [arg.value, arg.value | arg.mask] if isinstance(arg, Tnum) else [int(arg)]


def _factor(numbers: Sequence[int], rng: random.Random) -> int:
    """A power of two, or what makes an earlier number's product reach where words wrap."""
    if not numbers or rng.random() < 0.3:
        x = 1 << rng.randrange(64)
    else:
        other = rng.choice(numbers)
        limit = 1 << rng.choice((31, 32, 63, 64))
        x = limit // (other - (other >> 63 << 64) or 1) + rng.randrange(-1, 2)
    return (x if rng.random() < 0.5 else -x) & U64


def _number(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.3:
        return rng.randrange(16)
    if kind < 0.4:
        return rng.randrange(64)
    return (rng.choice(ENDS) + rng.randrange(-2, 3)) & U64


def _tnum(x: int, rng: random.Random) -> Tnum:
    mask = rng.choice((0, 1, 3, rng.randrange(16), U64, rng.choice(ENDS), rng.getrandbits(64)))
    return Tnum(x & ~mask, mask)


def _hull(x: int, y: int) -> Scalar:
    """The smallest ranges with both numbers in them, which cross signs where these differ."""
    parts = []
    for bits in (64, 32):
        words = [n & (1 << bits) - 1 for n in (x, y)]
        signed = [n - (n >> bits - 1 << bits) for n in words]
        parts += [min(words), max(words), min(signed), max(signed)]
    return Scalar(Tnum(x & y, x ^ y), *parts)


def _scalar(x: int, rng: random.Random, slacks: Sequence[int]) -> Scalar:
    """A scalar around x: known, or bounded in one part alone, or in several."""
    kind = rng.random()
    if kind < 0.18:
        return const(x)
    if kind < 0.33:
        return _hull(x, _number(rng) if rng.random() < 0.7 else x ^ 1 << rng.randrange(64))
    alone = rng.randrange(5) if kind < 0.55 else None

    def around(part: int, value: int, lo: int, hi: int) -> tuple[int, int]:
        if part != alone if alone is not None else rng.random() < 0.4:
            return lo, hi
        return max(lo, value - rng.choice(slacks)), min(hi, value + rng.choice(slacks))

    low = x & 0xFFFFFFFF
    signed = x - (1 << 64) if x >> 63 else x
    signed32 = low - (1 << 32) if low >> 31 else low
    u, s = around(1, x, 0, U64), around(2, signed, UNKNOWN.smin, UNKNOWN.smax)
    u32 = around(3, low, 0, UNKNOWN.u32max)
    s32 = around(4, signed32, UNKNOWN.s32min, UNKNOWN.s32max)
    tnum = UNKNOWN.var_off if alone else _tnum(x, rng)
    return Scalar(tnum, *u, *s, *u32, *s32)
