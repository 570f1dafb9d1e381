"""Products and quotients as unknowns of which only what the integers say is known.

A 64-bit multiplication is out of a bit-vector solver's reach, and what a rule says of products
never needs their bits: bounds multiply because products grow with their factors.  So each
product in a formula becomes a variable.  Words of w bits multiply modulo 2**w, but the
*numbers* that they stand for, read with a sign or without, have a product that fits into
2·(w + 2) bits: another variable, the *whole*.  Of these is known

    ring        the word a·b is the low part of the whole, and its low half that of the product
                of the low halves
    monotone    for a ≤ c: a·b ≤ c·b if b ≥ 0, and a·b ≥ c·b if b ≤ 0
    half        a·b < 2**w if 0 ≤ a, b ≤ 2**(w/2) and not both are equal to it

and where a rule divides, to see whether a product would wrap, for q = m // d with d ≠ 0

    quotient    q·d ≤ m < q·d + d
    multiple    |a·b| ≥ |b| unless a = 0, and its sign is that of the factors; also of the
                products (a - c)·b = a·b - c·b and (a + c)·b, for magnitudes are divided

Where that is not enough, also of the numbers that the formula names, and of those next to them:

    divisors    if 0 ≤ a, b < 2**(w/2) and a·b = k, then a and b are divisors of k

Two products without a common factor are compared by way of a third: every left factor is
multiplied with every right one.  Of signed quotients and of remainders nothing is known.

Each fact is an obligation of its own, `lemmas`, but for the divisors of a number, which are found
by dividing (`bpfsmt.prover.divisors`).  What is proved of all values that satisfy them is true of
the products.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from bpfsmt.prover.divisors import pairs
from bpfsmt.prover.mentions import DIVISIONS, inside, mentions, variables
from bpfsmt.prover.obligation import Attempt, Kind, Obligation, Premises, multiplies

EXTENDED = {z3.Z3_OP_ZERO_EXT: False, z3.Z3_OP_SIGN_EXT: True}
"""How a word is read, with a sign or without, if a number is made from it this way."""

QUOTIENTS = (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I)


MOST = 300
"""More facts than these are not worth asking with: they take longer than they help."""


def unknowns_first(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """All attempts, and those with products once more, before, with these as unknowns."""
    multiplying = []
    for a in attempts:
        if multiplies(a):
            multiplying.append(a)
            yield from _bridged(a)
        else:
            yield a
    yield from multiplying


def _bridged(attempt: Attempt) -> Iterator[Attempt]:
    """First with those premises only that speak of what the goal speaks of."""
    how = f"{attempt.how}, products as unknowns"
    premises = Premises(attempt.given)
    near, every = premises.near(attempt.goal), premises.every
    for given in (near, every) if len(near) < len(every) else (every,):
        for divisors in (False, True):
            known = _named(given, attempt.goal) if divisors else ()
            facts, goal = without_products(given, attempt.goal, known)
            if len(facts) < len(given) + MOST and divisors == bool(known):
                said = f"{how}, divisors" if divisors else how
                yield replace(attempt, given=facts, goal=goal, how=said, exact=False, args=())


def without_products(
    given: tuple[Any, ...], goal: Any, known: Iterable[int] = ()
) -> tuple[tuple[Any, ...], Any]:
    """Premises and goal with products and quotients as unknowns, and what is known of these.

    Also which products are a ``known`` number.
    """
    table = Table()
    for term in _found((*given, goal)):
        table.add(term)
    swap = table.swap
    facts = (z3.substitute(f, *swap) for f in table.facts(known))
    return (*(z3.substitute(g, *swap) for g in given), *facts), z3.substitute(goal, *swap)


def _named(given: Iterable[Any], goal: Any) -> tuple[int, ...]:
    """The numbers above 1 in formulas, and those next to them."""
    named = {int(t.as_long()) for t in inside(*given, goal) if z3.is_bv_value(t)}
    return tuple(sorted({n + d for n in named for d in (-1, 0, 1) if n + d > 1}))


def _found(terms: Iterable[Any]) -> list[Any]:
    """Every product of two open factors, and division by an open number, each once."""
    return [t for t in inside(*terms) if mentions(t).products and _multiplies(t, t.children())]


def _multiplies(term: Any, factors: list[Any]) -> bool:
    kind = term.decl().kind()
    if kind == z3.Z3_OP_BMUL:
        return len(factors) == 2 and all(mentions(f).variables for f in factors)
    return kind in DIVISIONS and bool(mentions(factors[1]).variables)


def number(word: Any, signed: bool) -> Any:
    """What a word of w bits stands for, in w + 2 bits: sums and differences of two fit in."""
    return z3.SignExt(2, word) if signed else z3.ZeroExt(2, word)


@dataclass
class Grid:
    """The wholes of one width: every left factor (a `number`) with every right one."""

    bits: int
    lefts: dict[int, Any] = field(default_factory=dict)
    rights: dict[int, Any] = field(default_factory=dict)
    wholes: dict[tuple[int, int], Any] = field(default_factory=dict)

    def whole(self, a: Any, b: Any) -> Any:
        """The product of two numbers; that with the first name in it is on the left."""
        return self._placed(a, b) if _first_name(a) <= _first_name(b) else self._placed(b, a)

    def quotient(self, q: Any, d: Any) -> Any:
        """The product of a quotient and its divisor, which stays on its side."""
        on_left = _first_name(d) in {_first_name(a) for a in self.lefts.values()}
        return self._placed(d, q) if on_left else self._placed(q, d)

    def _placed(self, a: Any, b: Any) -> Any:
        self.lefts[a.get_id()], self.rights[b.get_id()] = a, b
        return self._cell(a, b)

    def _cell(self, a: Any, b: Any) -> Any:
        key = (a.get_id(), b.get_id())
        if key not in self.wholes:
            name = f"product!{self.bits}.{len(self.wholes)}"
            self.wholes[key] = z3.BitVec(name, 2 * (self.bits + 2))
        return self.wholes[key]

    def facts(self, quotients: bool) -> Iterator[Any]:
        """What the integers say of every two wholes that share a factor, and of each alone."""
        half = z3.BitVecVal(1 << self.bits // 2, self.bits + 2)
        zero, no = (z3.BitVecVal(0, n) for n in (self.bits + 2, 2 * (self.bits + 2)))
        for a, b in itertools.product(self.lefts.values(), self.rights.values()):
            whole = self._cell(a, b)
            yield from monotone((a, whole), (zero, no), b)
            if not (_signed(a) or _signed(b)):
                yield z3.Implies(a <= half, whole <= _widened(b) << self.bits // 2)
                yield z3.Implies(b <= half, whole <= _widened(a) << self.bits // 2)
            small = (a >= 0, a <= half, b >= 0, b <= half, z3.Or(a < half, b < half))
            yield z3.Implies(z3.And(*small), whole < (1 << self.bits))
        for common, line in self._lines():
            for (a, p), (c, q) in itertools.combinations(line, 2):
                yield from monotone((a, p), (c, q), common)
                if quotients:
                    yield from multiple(a - c, _widened(common), p - q)
                    yield from multiple(a + c, _widened(common), p + q)

    def divisors(self, known: Iterable[int]) -> Iterator[Any]:
        """Which factors below half a word make the known numbers."""
        most = (1 << self.bits // 2) - 1
        for k in known:
            found = pairs(k, most) if 0 < k <= most * most else None
            if found is None:
                continue
            for a, b in itertools.product(self.lefts.values(), self.rights.values()):
                small = (a >= 0, a <= most, b >= 0, b <= most)
                either = z3.Or(*(z3.And(a == d, b == e) for d, e in found))
                yield z3.Implies(z3.And(*small, self._cell(a, b) == k), either)

    def _lines(self) -> Iterator[tuple[Any, list[tuple[Any, Any]]]]:
        """Each factor with the factors that it meets, and the wholes."""
        for b in self.rights.values():
            yield b, [(a, self._cell(a, b)) for a in self.lefts.values()]
        for a in self.lefts.values():
            yield a, [(b, self._cell(a, b)) for b in self.rights.values()]


def monotone(ap: tuple[Any, Any], cq: tuple[Any, Any], b: Any) -> Iterator[Any]:
    """How p = a·b and q = c·b are ordered, if a and c are; of words or integers."""
    for (a, p), (c, q) in ((ap, cq), (cq, ap)):
        yield z3.Implies(z3.And(a <= c, b >= 0), p <= q)
        yield z3.Implies(z3.And(a <= c, b <= 0), p >= q)


def multiple(a: Any, b: Any, whole: Any) -> Iterator[Any]:
    """What is known of ``whole``, which is a·b; of words or integers."""
    yield z3.Implies(a == 0, whole == 0)
    yield z3.Implies(z3.And(a > 0, b >= 0), whole >= b)
    yield z3.Implies(z3.And(a < 0, b >= 0), whole <= -b)
    yield z3.Implies(z3.And(a > 0, b <= 0), whole <= b)
    yield z3.Implies(z3.And(a < 0, b <= 0), whole >= -b)


def _widened(number: Any) -> Any:
    return z3.SignExt(number.size(), number)


def _first_name(factor: Any) -> str:
    return min((str(v.decl().name()) for v in variables(factor).values()), default="")


class Table:
    """The products and quotients of a formula, and an unknown for each."""

    def __init__(self) -> None:
        self.swap: list[tuple[Any, Any]] = []
        self._words: list[tuple[Any, Any, Any]] = []
        self._wide: list[tuple[Any, Any, Any]] = []
        self._quotients: list[tuple[Any, Any, Any]] = []

    def add(self, term: Any) -> None:
        """A product, quotient or remainder of the formula."""
        unknown = z3.BitVec(f"unknown!{len(self.swap)}", term.size())
        self.swap.append((term, unknown))
        a, b = term.children()
        if term.decl().kind() in QUOTIENTS:
            self._quotients.append((unknown, a, b))
        elif term.decl().kind() not in DIVISIONS and _has_room(a, b):
            self._wide.append((unknown, a, b))
        elif term.decl().kind() not in DIVISIONS:
            self._words.append((unknown, a, b))

    def facts(self, known: Iterable[int] = ()) -> list[Any]:
        """What is known of the unknowns; also which of them are a ``known`` number."""
        grids: dict[int, Grid] = {}
        facts: list[Any] = []

        def grid(bits: int) -> Grid:
            return grids.setdefault(bits, Grid(bits))

        for unknown, *factors in self._wide:
            numbers = (number(f.arg(0), _signed(f)) for f in factors)
            whole = grid(factors[0].arg(0).size()).whole(*numbers)
            facts.append(_same_number(whole, unknown, any(map(_signed, factors))))
        for unknown, a, b in [*self._words, *self._low_halves(facts), *self._wholes(facts)]:
            for signed in self._readings(unknown.size()):
                whole = grid(unknown.size()).whole(number(a, signed), number(b, signed))
                facts.append(z3.Extract(unknown.size() - 1, 0, whole) == unknown)
        for unknown, m, d in self._quotients:
            whole = grid(d.size()).quotient(number(unknown, False), number(d, False))
            m, d = (z3.ZeroExt(whole.size() - d.size(), x) for x in (m, d))
            facts.append(z3.Implies(d != 0, z3.And(whole <= m, m - whole < d)))
        for g in grids.values():
            facts += g.facts(bool(self._quotients))
            facts += g.divisors(known)
        return facts

    def _readings(self, bits: int) -> list[bool]:
        """Whether words of so many bits are read with a sign, without, or both."""
        factors = [f for _, *both in self._wide for f in both if f.arg(0).size() == bits]
        signs = set(map(_signed, factors))
        signs |= {False for _, _, d in self._quotients if d.size() == bits}
        return sorted(signs) or [False]

    def _low_halves(self, facts: list[Any]) -> list[tuple[Any, Any, Any]]:
        """For each 64-bit product that of the low halves, if products of 32 bits are spoken of."""
        narrow = [p for p, _, _ in self._words if p.size() == 32]
        narrow += [a for _, a, _ in self._wide if a.arg(0).size() == 32]
        found: list[tuple[Any, Any, Any]] = []
        for unknown, *factors in self._words if narrow else ():
            if unknown.size() == 64:
                low = z3.BitVec(f"{unknown.decl().name()}.low", 32)
                facts.append(low == z3.Extract(31, 0, unknown))
                a, b = (z3.simplify(z3.Extract(31, 0, f)) for f in factors)
                found.append((low, a, b))
        return found

    def _wholes(self, facts: list[Any]) -> list[tuple[Any, Any, Any]]:
        """For each 32-bit product of low halves that of the whole words, if such are spoken of."""
        found: list[tuple[Any, Any, Any]] = []
        wide = [p for p, _, _ in self._words if p.size() == 64]
        for unknown, *factors in self._words if wide else ():
            if all(_low_half(f) for f in factors):
                whole = z3.BitVec(f"{unknown.decl().name()}.whole", 64)
                facts.append(z3.Extract(31, 0, whole) == unknown)
                found.append((whole, factors[0].arg(0), factors[1].arg(0)))
        return found


def _low_half(word: Any) -> bool:
    """Whether a word is the low half of one of 64 bits."""
    cut = z3.is_app_of(word, z3.Z3_OP_EXTRACT) and word.params() == [31, 0]
    return bool(cut and word.arg(0).size() == 64)


def _has_room(*factors: Any) -> bool:
    """Words of one width extended to at least twice its bits: the product is that of numbers."""
    if any(f.decl().kind() not in EXTENDED for f in factors):
        return False
    a, b = (f.arg(0).size() for f in factors)
    return bool(a == b and factors[0].size() >= 2 * a)


def _signed(factor: Any) -> bool:
    return EXTENDED[factor.decl().kind()]


def _same_number(whole: Any, unknown: Any, signed: bool) -> Any:
    """The product of extended words is the whole."""
    more = whole.size() - unknown.size()
    if more <= 0:
        return z3.SignExt(-more, whole) == unknown
    return whole == (z3.SignExt if signed else z3.ZeroExt)(more, unknown)


def lemmas() -> Iterator[Obligation]:
    """The facts, over the integers, and that the wholes have room for them."""
    a, b, c, d, h, m = z3.Ints("a b c d h m")

    def lemma(name: str, given: tuple[Any, ...], goal: Any) -> Obligation:
        attempt = Attempt(given, goal, "integers")
        return Obligation(f"product/{name}", Kind.LEMMA, "", lambda: iter([attempt]))

    ordered = z3.And(*monotone((a, a * b), (c, c * b), b))
    yield lemma("monotone", (), ordered)
    yield lemma("multiple", (), z3.And(*multiple(a, b, a * b)))
    yield lemma("difference", (), (a - c) * b == a * b - c * b)
    yield lemma("sum", (), (a + c) * b == a * b + c * b)
    within = (c >= 0, d >= 0, c <= h, d <= h, z3.Or(c < h, d < h))
    yield lemma("half", within, c * d < h * h)
    yield lemma("quotient", (d > 0, m >= 0), z3.And(m / d * d <= m, m < m / d * d + d))
    # With h = 2**w: a number made from a word is in -h..h, sums and differences of two are in
    # -2h..2h, their products in -4hh..4hh, and so are sums and differences of two products.
    sizes = (h >= 0, a <= h, -a <= h, b <= h, -b <= h)
    yield lemma("room", sizes, z3.And(a * b <= h * h, -(a * b) <= h * h))
    # x = a·m + c, y = b·m + d: the product's remainder modulo m is that of c·d.
    whole = (a * m + c) * (b * m + d)
    yield lemma("ring", (), whole == c * d + m * (a * b * m + a * d + b * c))
