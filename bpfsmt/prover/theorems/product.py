"""The product of tnums, each generation of it, by an invariant of its loop.

The rules multiply as on paper, bit by bit of one factor; 64 rounds unrolled are out of a
solver's reach.  Write x ∈ a and y ∈ b for the factors, X and Y for the loop's tnums after
some rounds, x' ∈ X and y' ∈ Y for what is left of x and has become of y, and s ∈ acc for the
sum so far.  The invariant says which number the rest of the loop still has to add:

    union of partial products (6.18)   x·y = s + x'·y'
    sum of unsure parts (5.14)         x·y = v·w + s + v'·β' + (x' - v')·y'
                                       with v, w, v' the values of a, b, X and β' = y' - Y.value
    half-multiply, `hma` (4.14)        s + m'·v' for m' inside mask and v' inside value

Each round takes bit 0 of x' (of m') off: what it stands for moves from the rest into s.
That the moved terms and the rest add up to what they were is an identity of polynomials
(`identities`); that acc then stands for the new s, and X and Y for the shifted numbers, is
asked of the round's own text.  When X is 0 nothing is left of x, nor after 64 rounds: each makes
x', and the known bits of X, a bit shorter (X itself need not shrink).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.prover import products
from bpfsmt.prover.compose import TNUM, Composition, contains, well_formed
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.loop import Loop, NoLoop
from bpfsmt.prover.obligation import Attempt, Counterexample, Kind, Obligation
from bpfsmt.prover.replay import check_on_ints
from bpfsmt.prover.search import contract_trial
from bpfsmt.rules.ruleset import RuleSet, reached

ONES = z3.BitVecVal((1 << 64) - 1, 64)
ZERO = z3.BitVecVal(0, 64)
PARTS = ("tnum", "form")


def bit0(x: Any) -> Any:
    """Whether bit 0 is set."""
    return z3.Extract(0, 0, x) == 1


class Product:
    """The obligations of ``tnum_mul`` of one rule set, whichever generation it is."""

    def __init__(self, rules: RuleSet, contracts: Mapping[str, Contract]) -> None:
        self.rules, self.contract = rules, contracts["tnum_mul"]
        self.contracts = {n: c for n, c in contracts.items() if n != "tnum_mul"}
        # All that its text may read; the invariant is about the loop, wherever that is.
        self._texts = frozenset(reached(rules, ["tnum_mul"]))

    def obligations(self) -> Iterator[Obligation]:
        """Those of the invariant that fits the text, or one that no proof is known for."""
        try:
            if "hma" in self.rules.linked.rules["tnum_mul"].callees:
                yield from self._half_multiply()
            else:
                yield from self._long_multiplication()
        except (NoLoop, KeyError, ValueError) as e:
            reason = f"no invariant fits the text of tnum_mul: {e}"
            yield replace(self._claim("invariant", lambda: iter([])), why=reason)

    def _claim(self, part: str, attempts: Callable[[], Iterator[Attempt]]) -> Obligation:
        either = contract_trial(self.rules, self.contract, "tnum", {})
        return Obligation(
            f"tnum_mul/{part}", Kind.OPERATOR, "tnum_mul", attempts,
            trial=replace(either, check=self._check),
        )  # fmt: skip

    def _check(
        self, rules: RuleSet, args: tuple[Any, ...], numbers: tuple[int, ...]
    ) -> Counterexample | None:
        """Of the product itself: a step of the invariant has no counterexample of its own."""
        found = (check_on_ints(rules, self.contract, p, args, numbers) for p in PARTS)
        return next((c for c in found if c is not None), None)

    def _one(self, part: str, given: list[Any], goal: Any, uses: set[str]) -> Obligation:
        attempt = Attempt(
            tuple(given), goal, "invariant", False, uses=frozenset(uses), reads=self._texts
        )
        return self._claim(part, lambda: products.unknowns_first([attempt]))

    # Long multiplication: the loop's variables are x, y and the sum (acc or unsure).

    def _long_multiplication(self) -> Iterator[Obligation]:
        rule = self.rules.linked.rules["tnum_mul"]
        # Of shifts the invariant needs more than members: their own text.
        shifts = ("tnum_lshift", "tnum_rshift")
        c = Composition(self.rules, {n: k for n, k in self.contracts.items() if n not in shifts})
        loop = Loop(rule, c.calls)
        x0, y0 = z3.BitVecs("x0~ y0~", 64)
        a, b = c.operand("a", x0, TNUM), c.operand("b", y0, TNUM)
        start = loop.before(a, b)
        sum_ = "acc" if "acc" in start else "unsure"
        yield self._one(
            "start", c.given,
            z3.And(terms.equal(start["x"], a), terms.equal(start["y"], b),
                   contains(start[sum_], ZERO), well_formed(start[sum_])), c.uses,
        )  # fmt: skip
        yield from self._round(loop, c, start, sum_)
        yield from self._end(loop, start, sum_, (a, b), (x0, y0))

    def _round(
        self, loop: Loop, c: Composition, start: Mapping[str, Any], sum_: str
    ) -> Iterator[Obligation]:
        c.given.clear()
        x, y, s, i = z3.BitVecs("x~ y~ s~ i~", 64)
        env = {**start, "x": c.operand("X", x, TNUM), "y": c.operand("Y", y, TNUM),
               sum_: c.operand("S", s, TNUM)}  # fmt: skip
        big_x, big_y = env["x"], env["y"]
        beyond = ~z3.LShR(ONES, i)
        c.given += [z3.ULT(i, loop.rounds), (x | big_x.value) & beyond == 0]
        added = z3.If(bit0(x), y, ZERO)
        if sum_ == "unsure":
            known, beta = bit0(big_x.value), y - big_y.value
            rest = z3.If(bit0(x), z3.If(known, ZERO, y), z3.If(known, -y, ZERO))
            added = z3.If(known, beta, ZERO) + rest
        helper = {"acc": "tnum_mul_step", "unsure": "tnum_mul_part"}[sum_]
        if helper in self.rules.linked.rules:
            yield from self._part(helper, c, env, added, s)
        after = loop.round(env, i)
        one = z3.BitVecVal(1, 64)
        goals = {
            "sum": contains(after[sum_], s + added),
            "x": contains(after["x"], z3.LShR(x, 1)),
            "y": contains(after["y"], y << 1),
            "shrinks": (z3.LShR(x, 1) | after["x"].value) & ~z3.LShR(ONES, i + 1) == 0,
            "form": z3.And(*(well_formed(after[n]) for n in ("x", "y", sum_))),
        }
        if sum_ == "unsure":
            goals["known"] = big_x.value == 2 * after["x"].value + (big_x.value & one)
            goals["beta"] = (y << 1) - after["y"].value == 2 * (y - big_y.value)
        for part, goal in goals.items():
            yield self._one(f"round/{part}", list(c.given), goal, c.uses)
        stop = z3.And(big_x.value == 0, big_x.mask == 0)
        yield self._one("round/leaves at 0", [], z3.Implies(loop.leaves(env), stop), set())
        yield self._one("enough rounds", [], z3.BoolVal(loop.rounds >= 64), set())

    def _part(
        self, helper: str, c: Composition, env: Mapping[str, Any], added: Any, s: Any
    ) -> Iterator[Obligation]:
        """The round's helper by itself; in the round it is known by this only."""
        own = Composition(self.rules, self.contracts)
        x, y = z3.BitVecs("x~ y~", 64)
        args = [own.operand("X", x, TNUM), own.operand("Y", y, TNUM)]
        value = added
        if helper == "tnum_mul_step":
            args.insert(0, own.operand("S", s, TNUM))
            value = s + added
        result = own.run(helper, *args)
        for part, goal in {"tnum": contains(result, value), "form": well_formed(result)}.items():
            yield self._one(f"{helper}/{part}", list(own.given), goal, own.uses)

        def call(*_: Any) -> Any:
            return c.operand(f"{helper}!", value, TNUM)

        c.calls[helper] = call

    def _end(
        self, loop: Loop, start: Mapping[str, Any], sum_: str, ab: Any, xy: Any
    ) -> Iterator[Obligation]:
        """With nothing left of x, s is x·y, or what v·w lacks of it."""
        a, b = ab
        c = Composition(self.rules, {})
        product = xy[0] * xy[1]
        s = product if sum_ == "acc" else product - a.value * b.value
        env = {**start, sum_: c.operand("S", s, TNUM)}
        result = loop.after(env)
        yield self._one("end/tnum", list(c.given), contains(result, product), set())
        yield self._one("end/form", list(c.given), well_formed(result), set())

    # Half-multiply and add: two calls of `hma`, whose loop has acc, value and mask.

    def _half_multiply(self) -> Iterator[Obligation]:
        c = Composition(self.rules, self.contracts)
        loop = Loop(self.rules.linked.rules["hma"], c.calls)
        s, m, v, i = z3.BitVecs("s~ m~ v~ i~", 64)
        acc = c.operand("S", s, TNUM)
        value, mask = z3.BitVecs("value mask", 64)
        inside = [m & ~mask == 0, v & ~value == 0]
        c.given += [*inside, z3.ULT(i, loop.rounds), mask & ~z3.LShR(ONES, i) == 0]
        env = {"acc": acc, "value": value, "mask": mask}
        after = loop.round(env, i)
        goals = {
            "sum": contains(after["acc"], s + z3.If(bit0(m), v, ZERO)),
            "m": z3.LShR(m, 1) & ~after["mask"] == 0,
            "v": (v << 1) & ~after["value"] == 0,
            "shrinks": after["mask"] & ~z3.LShR(ONES, i + 1) == 0,
            "form": well_formed(after["acc"]),
        }
        for part, goal in goals.items():
            yield self._one(f"hma/round/{part}", list(c.given), goal, c.uses)
        yield self._one("hma/leaves at 0", [], z3.Implies(loop.leaves(env), mask == 0), set())
        same = terms.equal(loop.after(env), acc)
        yield self._one("hma/end", [], same, set())
        yield from self._two_halves()

    def _two_halves(self) -> Iterator[Obligation]:
        """x·y = v·w + α·y + β·v, the second and third term each from one `hma`."""
        c = Composition(self.rules, {})
        x, y = z3.BitVecs("x~ y~", 64)
        a, b = c.operand("a", x, TNUM), c.operand("b", y, TNUM)
        alpha, beta = x - a.value, y - b.value
        known = a.value * b.value
        first, second = alpha * y, beta * a.value
        # The rule asks for value times mask; which of the two is which, the sum does not mind.
        promised = iter(((known, y, alpha, first), (known + first, a.value, beta, second)))
        needs: list[Any] = []

        def hma(acc: Any, value: Any, mask: Any) -> Any:
            s, m, v, grows = next(promised)
            needs.append(z3.And(contains(acc, s), m & ~mask == 0, v & ~value == 0))
            return c.operand(f"hma!{len(needs)}", s + grows, TNUM)

        c.calls["hma"] = hma
        given = list(c.given)
        result = c.run("tnum_mul", a, b)
        for k, need in enumerate(needs):
            yield self._one(f"half {k + 1}", given + list(c.given[4 : 4 + 2 * k]), need, set())
        sum_is = x * y == known + first + second  # an identity, see `identities`
        yield self._one("end/tnum", [*c.given, sum_is], contains(result, x * y), set())
        yield self._one("end/form", list(c.given), well_formed(result), set())


def identities() -> Iterator[Obligation]:
    """What the invariants move from the rest into the sum adds up, over the integers.

    Identities of polynomials over the integers hold modulo 2**64 too.
    """
    x, y, v, w = z3.Ints("x y v w")
    p, q, v2, x2, beta = z3.Ints("p q v2 x2 beta")
    before = (2 * v2 + p) * beta + ((2 * x2 + q) - (2 * v2 + p)) * y
    after = (p * beta + (q - p) * y) + (v2 * (2 * beta) + (x2 - v2) * (2 * y))
    for name, goal in {
        "unsure parts, start": x * y == v * w + v * (y - w) + (x - v) * y,
        "unsure parts, round": before == after,
        "partial products, round": (2 * x2 + q) * y == q * y + x2 * (2 * y),
        "two halves": x * y == v * w + (x - v) * y + (y - w) * v,
    }.items():
        attempt = Attempt((), goal, "integers")
        yield Obligation(
            f"tnum_mul/identity/{name}",
            Kind.LEMMA,
            "",
            lambda a=attempt: iter([a]),  # type: ignore[misc]
        )
