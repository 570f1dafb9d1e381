"""Rules written in place give what the rules themselves give, whatever is known beforehand."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bpfsmt.bits import Rule, RuleError, rule, s32, s64, u8, u32, u64
from bpfsmt.bits.inline import Operand, inline, number
from bpfsmt.bits.ints import RUNTIME
from bpfsmt.semantics import alu

MEANINGS = [value for value in vars(alu).values() if isinstance(value, Rule)]
EDGES = [0, 1, 2, 7, 31, 32, 63, 64, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
         1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip


def random_operand(rng: random.Random, text: str) -> tuple[Operand, int]:
    """What is known of a number, and the number."""
    low = rng.choice([0, 0, 0, 1, rng.choice(EDGES)])
    high = rng.choice([x for x in [*EDGES, rng.getrandbits(64)] if x >= low] or [low])
    value = rng.choice([low, high, rng.randint(low, high)])
    if rng.random() < 0.3:
        return number(value), value
    return Operand(text, low, high), value


def check(written: Rule[..., Any], rng: random.Random) -> None:
    given = [random_operand(rng, f"a{i}") for i in range(len(written.params))]
    values = [value for _, value in given]
    found = inline(written, [operand for operand, _ in given])
    result = eval(found.text, dict(RUNTIME), {f"a{i}": v for i, v in enumerate(values)})
    assert result == written(*values), (written, given, found)
    assert found.low <= result <= found.high, (written, given, found)


@pytest.mark.parametrize("written", MEANINGS, ids=lambda r: r.name)
def test_meanings_of_instructions(written: Rule[..., Any]) -> None:
    rng = random.Random(written.name)
    for _ in range(300):
        check(written, rng)


@rule
def mixed(a: u64, b: u64) -> u64:
    """A bit of everything that can be in an expression."""
    low: u64 = 3
    return low + a + b


@rule
def nested(a: u64, b: u64) -> u64:
    """Casts inside of casts."""
    return u64(u32(s32(u8(a) * u8(b)) - s32(u8(a)))) + u64(s64(b) >> 3) - (-a | ~b)


@rule
def counted(a: u64, b: u64) -> u64:
    """Shifts by what may be too much."""
    return (a << b) ^ (a >> (b & 127)) ^ u64(u32(a) << u32(b))


@pytest.mark.parametrize("written", [nested, counted], ids=lambda r: r.name)
def test_other_rules(written: Rule[..., Any]) -> None:
    rng = random.Random(1)
    for _ in range(500):
        check(written, rng)


def test_a_rule_of_several_statements_is_refused() -> None:
    with pytest.raises(RuleError, match="mixed is more than one expression"):
        inline(mixed, [number(1), number(2)])


def test_wraps_that_change_nothing_are_left_out() -> None:
    byte = Operand("b", 0, 255)
    assert inline(alu.lsh64, [byte, number(8)]).text == "(b << 8)"
    assert inline(alu.and32, [Operand("b", 0, 2**64 - 1), number(15)]).text == "(b & 0xf)"
    assert inline(alu.jeq64, [byte, number(256)]).constant == 0
    assert inline(alu.mov32, [number(-1 & 2**64 - 1), number(7)]).text == "7"
