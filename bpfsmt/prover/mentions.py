"""What a term mentions: its free variables, and whether it multiplies, adds, or looks at bits.

Found once per term.

Premises are shared by the many obligations about a rule, and asking each of them again
takes longer than solving.  Variables are bits of one int, so that "mentions no more than"
is an `&`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import z3

LIMIT = 200_000
"""How many terms are worth remembering: then all are let go of, but the variables."""


DIVISIONS = {
    z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I, z3.Z3_OP_BSDIV, z3.Z3_OP_BSDIV_I, z3.Z3_OP_BUREM,
    z3.Z3_OP_BUREM_I, z3.Z3_OP_BSREM, z3.Z3_OP_BSREM_I, z3.Z3_OP_BSMOD, z3.Z3_OP_BSMOD_I,
}  # fmt: skip


SUMS = {z3.Z3_OP_BADD, z3.Z3_OP_BSUB, z3.Z3_OP_BNEG}

BITWISE = {
    z3.Z3_OP_BAND, z3.Z3_OP_BOR, z3.Z3_OP_BXOR, z3.Z3_OP_BNOT, z3.Z3_OP_BSHL, z3.Z3_OP_BLSHR,
    z3.Z3_OP_BASHR,
}  # fmt: skip


class Mentions(NamedTuple):
    """``variables`` has a bit for each free variable.

    ``products`` says that open factors meet, or that something is divided by an open number,
    ``sums`` that open numbers are added, and ``bits`` that some are seen as rows of bits.
    """

    variables: int = 0
    products: bool = False
    sums: bool = False
    bits: bool = False


class _Memory:
    def __init__(self) -> None:
        self.terms: dict[int, tuple[Any, Mentions]] = {}
        self.bits: dict[int, int] = {}
        self.names: list[Any] = []

    def of(self, term: Any) -> Mentions:
        known = self.terms.get(term.get_id())
        if known is not None:
            return known[1]
        if len(self.terms) > LIMIT:
            self.terms.clear()
        pending = [(term, term.children())]
        while pending:
            t, children = pending[-1]
            new = [c for c in children if c.get_id() not in self.terms]
            if new:
                pending += [(c, c.children()) for c in new]
                continue
            pending.pop()
            self.terms[t.get_id()] = (t, self._seen(t, children))
        return self.terms[term.get_id()][1]

    def _seen(self, t: Any, children: list[Any]) -> Mentions:
        kind = t.decl().kind()
        if not children:
            return Mentions(self._bit(t) if kind == z3.Z3_OP_UNINTERPRETED else 0)
        parts = [self.terms[c.get_id()][1] for c in children]
        found = _together(parts)
        if not found.variables:
            return found
        products = (
            len(parts) == 2
            and bool(parts[1].variables)
            and (kind in DIVISIONS or (kind == z3.Z3_OP_BMUL and bool(parts[0].variables)))
        )
        return Mentions(
            found.variables, found.products or products, found.sums or kind in SUMS,
            found.bits or kind in BITWISE,
        )  # fmt: skip

    def _bit(self, variable: Any) -> int:
        key = variable.get_id()
        if key not in self.bits:
            self.bits[key] = 1 << len(self.names)
            self.names.append(variable)
        return self.bits[key]


_MEMORY = _Memory()


def _together(parts: list[Mentions]) -> Mentions:
    variables, products, sums, bits = 0, False, False, False
    for p in parts:
        variables |= p.variables
        products, sums, bits = products or p.products, sums or p.sums, bits or p.bits
    return Mentions(variables, products, sums, bits)


def mentions(*terms: Any) -> Mentions:
    """What these terms mention together.

    >>> x, y = z3.BitVecs("x y", 8)
    >>> mentions(x * y, x + 1).products, mentions(x * 3).products
    (True, False)
    >>> mentions(x + y < 3).sums, mentions(x + y < 3).bits, mentions(x & y).bits
    (True, False, True)
    """
    return _together([_MEMORY.of(t) for t in terms])


def variables(*terms: Any) -> dict[int, Any]:
    """The free variables of some terms, by their ids."""
    bits, found = mentions(*terms).variables, {}
    while bits:
        lowest = bits & -bits
        v = _MEMORY.names[lowest.bit_length() - 1]
        found[v.get_id()] = v
        bits ^= lowest
    return found


def inside(*terms: Any) -> Iterator[Any]:
    """All terms that some terms are made of, and these, each once."""
    seen: set[int] = set()
    pending = list(terms)
    while pending:
        t = pending.pop()
        if t.get_id() not in seen:
            seen.add(t.get_id())
            pending += t.children()
            yield t
