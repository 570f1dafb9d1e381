"""Rules that do not depend on the width agree on every input of four bits, or of five."""

from __future__ import annotations

from typing import Any

import pytest
import z3

from bpfsmt.bits import terms
from bpfsmt.domain import Tnum

from .agree import Agreement, Inputs, everything
from .narrow import Narrow, NotGeneric
from .test_agreement import CASES, Case

MOST = 100_000
"""Inputs that are tried of one rule; with more than that at five bits, those of four."""


def narrowed(case: Case, bits: int) -> Narrow | None:
    try:
        return Narrow(case.rule, case.linked, bits)
    except NotGeneric:
        return None


GENERIC = [name for name, case in CASES.items() if narrowed(case, 4)]


def narrow(name: str) -> Narrow:
    """At the larger width at which every input can be tried."""
    for bits in (5, 4):
        found = narrowed(CASES[name], bits)
        assert found is not None
        count = 1
        for _, t in found.params:
            count *= len(everything(t))
        if count <= MOST:
            return found
    pytest.skip(f"{name} has {count:,} inputs of four bits")


def test_the_tnum_operations_are_among_them() -> None:
    found = {name.rpartition("/")[2] for name in GENERIC}
    ops = {"add", "sub", "mul", "neg", "and", "or", "xor", "lshift", "rshift", "union", "in"}
    assert {f"tnum_{op}" for op in ops} <= found
    assert sum(name.endswith("/tnum_mul") for name in GENERIC) == 3


@pytest.mark.parametrize("name", GENERIC)
def test_ints_and_terms_agree_on_every_input(name: str) -> None:
    rule = narrow(name)
    Agreement(rule).check_all(Inputs.every(rule.params))


@pytest.mark.parametrize("name", [n for n in GENERIC if n.endswith(("tnum_add", "tnum_mul"))])
def test_the_narrow_reading_is_sound_too(name: str) -> None:
    rule = narrowed(CASES[name], 4)
    assert rule is not None
    run, op = rule.ints[rule.name], int.__add__ if name.endswith("add") else int.__mul__
    tnums: list[Tnum] = everything(rule.params[0][1])
    members = {t: [x for x in range(16) if x & ~t.mask == t.value] for t in tnums}
    for a in tnums:
        for b in tnums:
            r = run(a, b)
            values = [op(x, y) & 15 for x in members[a] for y in members[b]]
            wrong = [v for v in values if v & ~r.mask != r.value]
            assert not wrong, (a, b, r)


def test_an_operator_that_is_wrong_for_one_pair_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = narrow("linux-6.1/tnum_and")
    right: Any = terms._EITHER["&"]

    def once_wrong(a: Any, b: Any) -> Any:
        return z3.If(a == b + 7, ~right(a, b), right(a, b))

    monkeypatch.setitem(terms._EITHER, "&", once_wrong)
    with pytest.raises(AssertionError, match=r"tnum_and.*differs"):
        Agreement(rule).check_all(Inputs.every(rule.params))
