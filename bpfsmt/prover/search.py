"""Counterexamples without a solver: a rule run on small and on boundary-near inputs.

What it finds is found by running the rule on ints, so it stands by itself.  What it does
not find says nothing.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from bpfsmt.bits.types import RecordType
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Counterexample
from bpfsmt.prover.replay import check_on_ints
from bpfsmt.rules.ruleset import RuleSet

TRIES = 3000
U64 = (1 << 64) - 1
ENDS = (0, 1, 2, 3, 7, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 32, 1 << 63, (1 << 63) - 1, U64)


def find_counterexample(
    rules: RuleSet, contract: Contract, part: str, case: Mapping[str, int]
) -> Counterexample | None:
    """The first of some thousand inputs on which the rule is wrong, small ones first."""
    params = rules.linked.rules[contract.rule].params
    rng = random.Random(contract.rule)
    for args, numbers in itertools.islice(candidates(params, case, rng), TRIES):
        found = check_on_ints(rules, contract, part, args, numbers)
        if found is not None:
            return found
    return None


def candidates(
    params: Any, case: Mapping[str, int], rng: random.Random
) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Arguments for a rule, each with the number it stands for; endless."""
    tnums = all(isinstance(t, RecordType) and t.cls is Tnum for _, t in params)
    return itertools.chain(_small(params) if tnums else (), _random(params, case, rng))


def _small(params: Any) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Every tuple of 2-bit tnums with every member."""
    one = [
        (Tnum(v, m), v | k)
        for v, m, k in itertools.product(range(4), repeat=3)
        if v & m == 0 and k & ~m == 0
    ]
    for choice in itertools.product(one, repeat=len(params)):
        yield tuple(t for t, _ in choice), tuple(x for _, x in choice)


def _random(
    params: Any, case: Mapping[str, int], rng: random.Random
) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    while True:
        args: list[Any] = []
        numbers: list[int] = []
        for name, type_ in params:
            x = _number(rng)
            if isinstance(type_, RecordType):
                args.append(_scalar(x, rng) if type_.cls is Scalar else _tnum(x, rng))
            elif not isinstance(type_, Word):
                x &= 1
                args.append(bool(x))
            else:
                x = case.get(name, x if rng.random() < 0.3 else rng.randrange(64))
                x &= (1 << type_.bits) - 1
                args.append(type_(x))
            numbers.append(x)
        yield tuple(args), tuple(numbers)


def _number(rng: random.Random) -> int:
    if rng.random() < 0.3:
        return rng.randrange(16)
    return (rng.choice(ENDS) + rng.randrange(-2, 3)) & U64


def _tnum(x: int, rng: random.Random) -> Tnum:
    mask = rng.choice((0, 1, 3, rng.randrange(16), U64, rng.choice(ENDS), rng.getrandbits(64)))
    return Tnum(x & ~mask, mask)


def _scalar(x: int, rng: random.Random) -> Scalar:
    """A scalar around x, of which some parts are tight and others say nothing."""

    def near(value: int, lo: int, hi: int) -> tuple[int, int]:
        if rng.random() < 0.4:
            return lo, hi
        slack = rng.choice((0, 1, 8, 1 << 31))
        return max(lo, value - rng.choice((0, slack))), min(hi, value + slack)

    low = x & 0xFFFFFFFF
    signed = x - (1 << 64) if x >> 63 else x
    signed32 = low - (1 << 32) if low >> 31 else low
    u, s = near(x, 0, U64), near(signed, UNKNOWN.smin, UNKNOWN.smax)
    u32 = near(low, 0, UNKNOWN.u32max)
    s32 = near(signed32, UNKNOWN.s32min, UNKNOWN.s32max)
    return Scalar(_tnum(x, rng), *u, *s, *u32, *s32)
