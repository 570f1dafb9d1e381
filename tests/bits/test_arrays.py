"""Rules on numpy arrays do what they do on ints."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("numpy")

from bpfsmt.bits import Rule, bit_length, div_trunc, rem_trunc, rule, s8, s32, s64, u8, u32, u64
from bpfsmt.bits.arrays import Lanes, lane, lanes
from bpfsmt.bits.words import Word
from bpfsmt.prover.search import candidates
from bpfsmt.rules import rule_set
from bpfsmt.semantics import alu

LINUX = rule_set("linux-6.12")
COUNT = 300


@rule
def every_operator(a: s64, b: u32, c: s8) -> u64:
    shifted = u64(a << u64(b)) ^ u64(a >> u64(b)) ^ (u64(b) >> u64(u8(c)))
    parts = u64(div_trunc(a, s64(c))) + u64(rem_trunc(a, s64(c))) + u64(b // u32(c))
    compared = u64(a < s64(c)) + u64(min(a, s64(c))) + u64(b % u32(c)) + bit_length(u64(a))
    return shifted + parts * compared if a != s64(s32(b)) or not c <= 0 else ~u64(-c)


RULES = [LINUX.rules[n] for n in ("tnum_mul", "tnum_range", "sync", "alu64_add", "alu32_mul",
                                  "refine64_ult", "alu64_lsh", "taken64_set")]  # fmt: skip
MEANINGS = [alu.div64, alu.sdiv64, alu.smod32, alu.arsh32, alu.lsh64, alu.mul32, every_operator]


@pytest.mark.parametrize("rule_", [*RULES, *MEANINGS], ids=lambda r: r.name)
def test_arrays_agree_with_ints(rule_: Rule[..., object]) -> None:
    rng = random.Random(rule_.name)
    drawn = [args for args, _ in (next(x) for x in [candidates(rule_.params, {}, rng)] * COUNT)]
    columns = [
        lanes(t, c) for (_, t), c in zip(rule_.params, zip(*drawn, strict=True), strict=True)
    ]
    rules = LINUX.linked if rule_ in RULES else [rule_]
    got = Lanes(rules).run(rule_.name, *columns)
    ints = LINUX.linked.ints[rule_.name] if rule_ in RULES else rule_
    for i, args in enumerate(drawn):
        assert lane(got, i) == ints(*args), args


def test_a_number_is_one_for_all_lanes() -> None:
    column = lanes(Word(64, False), range(5))
    got = Lanes([alu.add64]).run("add64", column, 2**64 - 1)
    assert [lane(got, i) for i in range(5)] == [2**64 - 1, 0, 1, 2, 3]
