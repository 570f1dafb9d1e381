"""Products as unknowns of which only what the integers say is known.

A 64-bit multiplication is out of a bit-vector solver's reach, and what a rule says of
products never needs their bits: bounds multiply because products grow with their factors.
So each product p = a·b in a formula becomes a variable, and for every two products

    a ≤ c,  b ≤ d,  c and d below 2**(w/2)   ⟹   a·b ≤ c·d            (monotone)
    the low half of a·b is the product of the low halves                (ring)

are added (w the width; below 2**(w/2) no product wraps).  Both are obligations of their
own, `lemmas`.  What is proved of all values that satisfy them is true of the products.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import z3

from bpfsmt.prover.mentions import mentions
from bpfsmt.prover.obligation import Attempt, Kind, Obligation

Factors = tuple[Any, Any]


def without_products(given: tuple[Any, ...], goal: Any) -> tuple[tuple[Any, ...], Any] | None:
    """The formula with its products as unknowns, or `None` if it has none."""
    if not mentions(*given, goal).products:
        return None
    found = _products((*given, goal))
    table: list[tuple[Any, Factors, Any]] = []
    for i, (term, factors) in enumerate(found):
        table.append((term, factors, z3.BitVec(f"product!{i}", term.size())))
    swap = [(term, p) for term, _, p in table]
    facts = list(_ring(table))
    table += [t for t, _ in facts]
    given = (*(z3.substitute(g, *swap) for g in given), *(f for _, f in facts), *_monotone(table))
    return given, z3.substitute(goal, *swap)


def _products(terms: Iterable[Any]) -> list[tuple[Any, Factors]]:
    """Every product of two open factors, each once."""
    seen: set[int] = set()
    found = []
    pending = list(terms)
    while pending:
        t = pending.pop()
        if t.get_id() in seen:
            continue
        seen.add(t.get_id())
        children = t.children()
        pending += children
        open_ = all(mentions(c).variables for c in children)
        if z3.is_app_of(t, z3.Z3_OP_BMUL) and len(children) == 2 and open_:
            found.append((t, (children[0], children[1])))
    return found


def _ring(table: list[tuple[Any, Factors, Any]]) -> Iterator[tuple[tuple[Any, Factors, Any], Any]]:
    """For each 64-bit product the one of the low halves, if 32-bit ones are spoken of."""
    for term, (a, b), p in table:
        if term.size() == 64:
            low = tuple(z3.simplify(z3.Extract(31, 0, f)) for f in (a, b))
            q = z3.BitVec(f"{p.decl().name()}.low", 32)
            yield (low[0] * low[1], (low[0], low[1]), q), q == z3.Extract(31, 0, p)


def _monotone(table: list[tuple[Any, Factors, Any]]) -> Iterator[Any]:
    for _, (a, b), p in table:
        for _, (c, d), q in table:
            if p.size() != q.size() or p.eq(q):
                continue
            top = z3.BitVecVal((1 << p.size() // 2) - 1, p.size())
            for e, f in ((c, d), (d, c)):
                small = (z3.ULE(a, e), z3.ULE(b, f), z3.ULE(e, top), z3.ULE(f, top))
                yield z3.Implies(z3.And(*small), z3.ULE(p, q))


def lemmas() -> Iterator[Obligation]:
    """The two facts, over the integers and over words."""
    a, b, c, d, h = z3.Ints("a b c d h")
    bounds = (a >= 0, b >= 0, a <= c, b <= d)

    def lemma(name: str, given: tuple[Any, ...], goal: Any) -> Obligation:
        attempt = Attempt(given, goal, "integers")
        return Obligation(name, Kind.LEMMA, "", lambda: iter([attempt]))

    yield lemma("product/monotone", bounds, a * b <= c * d)
    # Below h = 2**(w/2) a product is below h*h = 2**w, so words multiply as integers do.
    yield lemma("product/no wrap", (c >= 0, d >= 0, c < h, d < h), c * d < h * h)
    # x = a·m + c, y = b·m + d: the product's remainder modulo m is that of c·d.
    m = z3.Int("m")
    whole = (a * m + c) * (b * m + d)
    yield lemma("product/ring", (), whole == c * d + m * (a * b * m + a * d + b * c))
