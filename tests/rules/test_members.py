"""Every rule of every rule set keeps members: run on ints, near the ends of ranges.

What is proved of all inputs elsewhere is tried here on some, of the rule as it runs,
with its last stage and all its callees.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bpfsmt.bits import rule, s8, s16, s32, u32, u64
from bpfsmt.domain.gamma import scalar_contains, tnum_contains
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules import RuleSet, rule_set, rule_set_names
from bpfsmt.semantics import alu

from .members import around, near, number, tnum_around

TRIES = 120
SETS = rule_set_names()
OPS = ("add", "sub", "mul", "div", "mod", "sdiv", "smod", "and", "or", "xor", "lsh", "rsh", "arsh")
STAGES = (
    "sync", "from_bits", "deduce", "deduce32", "bounds_from_tnum", "bounds_from_sign",
    "bounds32_from_tnum", "bounds32_from_u64", "bounds32_from_s64", "bounds32_from_neighbours",
    "bounds32_from_sign", "bounds64_from_sign", "bounds64_from_32", "bounds64_after_sext",
    "tnum_from_bounds", "checked", "forget32", "forget64", "combine_64_into_32",
    "combine_32_into_64", "single_value",
)  # fmt: skip
CONDITIONS = {
    "eq": "jeq", "ne": "jne", "ult": "jlt", "ule": "jle", "slt": "jslt", "sle": "jsle",
    "set": "jset", "nset": "jset",
}  # fmt: skip
CUT: dict[str, Callable[[int, int], int]] = {
    "low_bits": lambda x, n: x & ((1 << n) - 1),
    "movsx64": lambda x, n: u64({8: s8, 16: s16, 32: s32}[n](x)),
    "movsx32": lambda x, n: u32({8: s8, 16: s16}[n](x)),
    "swap_bytes": lambda x, n: getattr(alu, f"swap{n}")(x, 0),
    "keep_bytes": lambda x, n: x & ((1 << n) - 1),
}
WIDTHS = {"movsx32": (8, 16), "swap_bytes": (16, 32, 64), "keep_bytes": (16, 32, 64)}


class Draw:
    """Random members, and scalars of one rule set around them."""

    def __init__(self, rules: RuleSet, seed: str) -> None:
        self.rng = random.Random(seed)
        self.ints: SimpleNamespace = rules.ints
        self.subreg = "forget32" in rules.rules

    def pair(self) -> tuple[int, int]:
        """Two numbers that may be close."""
        x = number(self.rng)
        return x, near(self.rng, x)

    def around(self, x: int, *, synced: bool = False) -> Scalar:
        """A scalar with x in it; every second one is synced."""
        r = around(self.rng, x, subreg=self.subreg)
        return self.ints.sync(r) if synced or self.rng.random() < 0.5 else r


def draws(set_name: str, seed: str) -> Iterator[Draw]:
    draw = Draw(rule_set(set_name), f"{set_name}/{seed}")
    return (draw for _ in range(TRIES))


def has(set_name: str, name: str) -> bool:
    return name in rule_set(set_name).linked.rules


def each(*names: str) -> list[Any]:
    """The rules among these that each rule set has."""
    return [pytest.param(s, n, id=f"{s}/{n}") for s in SETS for n in names if has(s, n)]


def check_alu(draw: Draw, name: str) -> None:
    """One try of a rule ``alu64_OP`` or ``alu32_OP``."""
    x, y = draw.pair()
    width, op = name[3:5], name[6:]
    if op in ("lsh", "rsh", "arsh") and draw.rng.random() < 0.8:
        y = draw.rng.randrange(66)
    # Linux 6.1 takes signed ranges of bitwise results from the operands' signs: see below.
    synced = op in ("and", "or", "xor")
    a, b = draw.around(x, synced=synced), draw.around(y, synced=synced)
    z = getattr(alu, op + width)(x, y)
    assert scalar_contains(getattr(draw.ints, name)(a, b), z), (x, y, a, b)


@pytest.mark.parametrize(
    ("set_name", "name"), each(*(f"alu{w}_{o}" for w in (64, 32) for o in OPS))
)
def test_arithmetic(set_name: str, name: str) -> None:
    for draw in draws(set_name, name):
        check_alu(draw, name)


@pytest.mark.parametrize(("set_name", "name"), each("alu64_neg", "alu32_neg", "zext32"))
def test_unary(set_name: str, name: str) -> None:
    meaning = {"alu64_neg": alu.neg64, "alu32_neg": alu.neg32, "zext32": alu.low32}[name]
    for draw in draws(set_name, name):
        x = number(draw.rng)
        a = draw.around(x)
        assert scalar_contains(getattr(draw.ints, name)(a), meaning(x, 0)), (x, a)


@pytest.mark.parametrize(("set_name", "name"), each(*CUT))
def test_part_of_a_register(set_name: str, name: str) -> None:
    for draw in draws(set_name, name):
        x, bits = number(draw.rng), draw.rng.choice(WIDTHS.get(name, (8, 16, 32)))
        a = draw.around(x)
        # Linux 6.1 keeps the low half's ranges in a 4-byte cut, which is the same number.
        assert scalar_contains(getattr(draw.ints, name)(a, bits), CUT[name](x, bits)), (x, bits, a)


@pytest.mark.parametrize(("set_name", "name"), each(*STAGES))
def test_stage(set_name: str, name: str) -> None:
    for draw in draws(set_name, name):
        x = number(draw.rng)
        a = draw.around(x)
        assert scalar_contains(getattr(draw.ints, name)(a), x), (x, a)


def holds(condition: str, width: str, x: int, y: int) -> bool:
    return bool(getattr(alu, CONDITIONS[condition] + width)(x, y)) != (condition == "nset")


@pytest.mark.parametrize(
    ("set_name", "name"), each(*(f"refine{w}_{c}" for w in (64, 32) for c in CONDITIONS))
)
def test_refinement(set_name: str, name: str) -> None:
    met = 0
    for draw in draws(set_name, name):
        x, y = draw.pair()
        y = y & ~x if name.endswith("nset") else y
        if holds(name[9:], name[6:8], x, y):
            met += 1
            a, b = draw.around(x), draw.around(y)
            left, right = getattr(draw.ints, name)(a, b)
            assert scalar_contains(left, x), (x, y, a, b)
            assert scalar_contains(right, y), (x, y, a, b)
    assert met > TRIES // 10


@pytest.mark.parametrize(
    ("set_name", "name"),
    each(*(f"taken{w}_{c}" for w in (64, 32) for c in CONDITIONS if c not in ("ne", "nset"))),
)
def test_prediction(set_name: str, name: str) -> None:
    decided = 0
    for draw in draws(set_name, name):
        x, y = draw.pair()
        a, b = draw.around(x), draw.around(y)
        answer = getattr(draw.ints, name)(a, b)
        decided += answer >= 0
        assert answer in (-1, int(holds(name[8:], name[5:7], x, y))), (x, y, a, b)
    assert decided > 0 or (set_name.startswith("xdp") and name.startswith("taken32"))


TNUM_BINARY = {
    "tnum_add": alu.add64, "tnum_sub": alu.sub64, "tnum_mul": alu.mul64, "tnum_and": alu.and64,
    "tnum_or": alu.or64, "tnum_xor": alu.xor64,
}  # fmt: skip
TNUM_SHIFTS = {"tnum_lshift": alu.lsh64, "tnum_rshift": alu.rsh64, "tnum_arshift": alu.arsh64}
TNUM_UNARY: dict[str, Callable[[int], int]] = {
    "tnum_neg": lambda x: u64(-x),
    "tnum_zext32": lambda x: u32(x),
    "tnum_clear_subreg": lambda x: x >> 32 << 32,
    "tnum_bswap16": lambda x: alu.swap16(x, 0),
    "tnum_bswap32": lambda x: alu.swap32(x, 0),
    "tnum_bswap64": lambda x: alu.swap64(x, 0),
}


@pytest.mark.parametrize(
    ("set_name", "name"), each(*TNUM_BINARY, *TNUM_SHIFTS, *TNUM_UNARY, "tnum_arshift32")
)
def test_tnum(set_name: str, name: str) -> None:
    for draw in draws(set_name, name):
        x, y = draw.pair()
        a, b = tnum_around(draw.rng, x), tnum_around(draw.rng, y)
        run = getattr(draw.ints, name)
        if name in TNUM_BINARY:
            result, z = run(a, b), TNUM_BINARY[name](x, y)
        elif name in TNUM_UNARY:
            result, z = run(a), TNUM_UNARY[name](x)
        else:
            n = y % (32 if name == "tnum_arshift32" else 64)
            result, z = run(a, n), TNUM_SHIFTS.get(name, alu.arsh32)(x, n)
        assert tnum_contains(result, z), (a, b, x, y)
        assert result.value & result.mask == 0


@pytest.mark.parametrize("set_name", SETS)
def test_tnum_parts_and_sets(set_name: str) -> None:
    for draw in draws(set_name, "tnum parts"):
        x, y = draw.pair()
        a, b, i = tnum_around(draw.rng, x), tnum_around(draw.rng, y), draw.ints
        size = draw.rng.randrange(1, 9)
        assert tnum_contains(i.tnum_cast(a, size), x & ((1 << 8 * size) - 1))
        assert tnum_contains(i.tnum_with_subreg(a, b), x >> 32 << 32 | u32(y))
        assert tnum_contains(i.tnum_const_subreg(a, u32(y)), x >> 32 << 32 | u32(y))
        union = i.tnum_union(a, b)
        assert tnum_contains(union, x)
        assert tnum_contains(union, y)
        assert i.tnum_in(union, a)
        assert i.tnum_in(union, b)
        other = tnum_around(draw.rng, x)
        assert i.tnum_overlap(a, other)
        assert tnum_contains(i.tnum_intersect(a, other), x)
        assert not i.tnum_in(a, b) or tnum_contains(a, y)
        assert not i.tnum_is_aligned(a, 1 << size) or x % (1 << size) == 0


@pytest.mark.parametrize(("set_name", "name"), each("tnum_step"))
def test_the_next_member(set_name: str, name: str) -> None:
    """Of a small tnum, by trying all its members."""
    for draw in draws(set_name, name):
        x, low = draw.rng.getrandbits(6), draw.rng.getrandbits(6)
        mask = draw.rng.getrandbits(6)
        t = Tnum(x & ~mask, mask)
        members = [m for m in range(64) if tnum_contains(t, m)]
        expected = next((m for m in members if m > low), members[-1])
        assert getattr(draw.ints, name)(t, low) == expected, (t, low)


def test_signed_ranges_of_bitwise_results_in_6_1_need_synced_operands() -> None:
    """Linux 6.1's rule, wrong of operands whose tnum says less than their range (fixed in 6.10)."""
    i = rule_set("linux-6.1").ints
    a = i.known(1)._replace(var_off=Tnum(1, 1 << 63 | 2))  # the range says 1, the bits say more
    assert scalar_contains(a, 1)
    assert not scalar_contains(i.or_core(a, i.known(1)), 1)
    assert scalar_contains(i.or_core(i.sync(a), i.known(1)), 1)
    assert scalar_contains(rule_set("linux-6.12").ints.or_core(a, i.known(1)), 1)


def test_a_planted_mistake_is_seen() -> None:
    """A rule that forgets the carry is found by the tests above."""

    @rule
    def tnum_add(a: Tnum, b: Tnum) -> Tnum:
        unknown = a.mask | b.mask
        return Tnum((a.value + b.value) & ~unknown, unknown)

    draw = Draw(rule_set("linux-6.12").derive("planted", tnum_add), "planted")
    with pytest.raises(AssertionError):
        for _ in range(TRIES):
            check_alu(draw, "alu64_add")
