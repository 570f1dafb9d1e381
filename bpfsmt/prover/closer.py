"""How close the ranges of both signs are behind `sync`, where one more fact decides.

What `synced` says is proved of every rule set, and enough for its own rules.  A changed rule
may take one range for another that is the same there: proofs of such rules need more, which is
proved along with them, and only then.

`sync` is learning from bits, so many rounds of `deduce`, and learning from bits again.  Each round
leaves the ranges of both signs together (`_together`).  The last stage may learn the sign of the
low half from the ends of the whole, and then they would be apart, if the low half did not know it
before: that it does (`_told`) takes all three rounds of Linux 6.12 and 6.18; two are not enough.
That the low half's lower end is no more than that of the whole takes two: the first may learn more
of the one after it has told the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.compose import SCALAR, Composition, contains, parts_of_gamma
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Attempt, conjunction
from bpfsmt.rules.ruleset import RuleSet

STEP = "deduce"
"""The round that `sync` repeats."""

Facts = tuple[Any, ...]


def closer(
    attempt: Attempt, rules: RuleSet, contracts: Mapping[str, Contract]
) -> Iterator[Attempt]:
    """The attempt once more, if its rule set's `sync` deduces: with `close` of every argument.

    What rules return that settle, as `sync` does, has to be `close` as well.
    """
    if STEP not in rules.linked.rules:
        return
    facts = [fact for a in attempt.args if isinstance(a, Scalar) for fact in close(a)]
    if facts:
        settle = [c.rule for c in contracts.values() if c.settles and c.rule != "sync"]
        lemmas, uses, reads = _lemmas(rules, contracts, settle)
        yield Attempt(
            (*attempt.given, *facts), z3.And(attempt.goal, *lemmas),
            f"{attempt.how}, ends that are close behind sync", False, attempt.inputs,
            attempt.uses | uses, attempt.reads | reads, attempt.args, attempt.beyond | uses,
        )  # fmt: skip


def close(r: Scalar) -> Facts:
    """Behind `sync`: where the sign is known, the upper (or lower) ends of both ranges are one.

    And the low half of no number is more than the number.
    """
    return (*_sign_by_sign(r), _low_is_less(r))


def _sign_by_sign(r: Scalar) -> Facts:
    return tuple(fact for half in _halves(r) for fact in _ends(*half))


def _low_is_less(r: Scalar) -> Any:
    return z3.ULE(z3.ZeroExt(32, r.u32min), r.umin)


def _halves(r: Scalar) -> tuple[tuple[Any, ...], ...]:
    """The ranges of the whole, and of the low half."""
    return (r.umin, r.umax, r.smin, r.smax), (r.u32min, r.u32max, r.s32min, r.s32max)


def _ends(umin: Any, umax: Any, smin: Any, smax: Any) -> Facts:
    return (
        z3.Implies(smin >= 0, z3.And(umax == smax, z3.UGE(umin, smin))),
        z3.Implies(smax < 0, z3.And(umin == smin, z3.ULE(umax, smax))),
    )


def _together(r: Scalar) -> Facts:
    """After a round: what `close` says of signs, and that the ranges share them."""
    signs = (
        fact
        for umin, umax, smin, smax in _halves(r)
        for fact in (z3.Implies(umax >= 0, smin >= 0), z3.Implies(umin < 0, smax < 0))
    )
    return (*_sign_by_sign(r), *signs)


def _signed(r: Scalar) -> Facts:
    """Before a round and after it: a sign bit that is known is known to the signed ranges."""
    value: Any = r.var_off.value
    most = value | r.var_off.mask
    return (
        z3.Implies(most >= 0, r.smin >= 0),
        z3.Implies(value < 0, r.smax < 0),
        z3.Implies(_low(most) >= 0, r.s32min >= 0),
        z3.Implies(_low(value) < 0, r.s32max < 0),
    )


def _told(r: Scalar) -> Facts:
    """After the last round: a sign of the low half that the whole's ends share is known to it.

    And what it is at least, the whole is.
    """
    lo: Any = r.umin
    shared = lo >> 31 == r.umax >> 31
    return (
        z3.Implies(z3.And(shared, _low(lo) >= 0), r.s32min >= 0),
        z3.Implies(z3.And(shared, _low(lo) < 0), r.s32max < 0),
        _low_is_less(r),
    )


def _low(x: Any) -> Any:
    return z3.Extract(31, 0, x)


def _lemmas(
    rules: RuleSet, contracts: Mapping[str, Contract], settle: Iterable[str]
) -> tuple[list[Any], frozenset[str], frozenset[str]]:
    """That `close` holds: of a round, of all rounds, of `sync` with what holds of these, and of
    what settles.

    They speak of numbers of their own, so nothing that is given of the arguments helps them.
    Also the rules whose contracts they use, and those whose texts they read.
    """
    whole = _Sync(rules, contracts)
    one, one_reads = _rounds(rules, 1, lambda r: (*_together(r), *_signed(r)))
    all_, all_reads = _rounds(rules, whole.rounds, _told)
    lemmas = [*one, *all_, *whole.entries]
    lemmas += (_follows(whole.given, fact) for fact in close(whole.result))
    c = whole.composition
    for name in settle:
        rule = rules.linked.rules[name]
        of = (terms.fresh(type_, f"{name} {n}") for n, type_ in rule.params)
        lemmas += close(c.run(name, *of))
    uses = frozenset(c.uses | {STEP})
    return lemmas, uses, frozenset(one_reads | all_reads | c.reads)


def _rounds(
    rules: RuleSet, count: int, leave: Callable[[Scalar], Facts]
) -> tuple[list[Any], set[str]]:
    """That so many rounds, by their texts, leave something of a scalar that is `_signed`."""
    c, x = Composition(rules, prefix=f"{count} "), z3.BitVec(f"{count} x~", 64)
    first = r = c.operand(f"{count} r", x)
    for _ in range(count):
        r = c.run(STEP, r)
    given = (*c.given, contains(r, x), *_signed(first))
    return [_follows(given, fact) for fact in leave(r)], c.reads


class _Sync:
    """`sync` with its rounds by what `_rounds` says of them.

    That a round keeps what a scalar stands for is its contract, and so for the stages before it;
    that what the first is given stands for it is to be shown (``entries``).
    """

    def __init__(self, rules: RuleSet, contracts: Mapping[str, Contract]) -> None:
        self.rounds = 0
        self.entries: list[Any] = []
        stages = {n: contracts[n] for n in rules.linked.rules["sync"].callees if n in contracts}
        c = self.composition = Composition(rules, stages, "sync ", read=stages)
        self._member = z3.BitVec("sync x~", 64)
        self._first: Scalar | None = None
        self._last: Scalar | None = None
        c.calls[STEP] = self._round
        self.result = c.run("sync", c.operand("sync r", self._member))
        if self._first is not None and self._last is not None:
            c.given.append(_if_signed(self._first, _told(self._last)))
        self.given = (*c.given, contains(self.result, self._member))

    def _round(self, r: Scalar) -> Scalar:
        c = self.composition
        made: Scalar = terms.fresh(SCALAR, f"sync round {len(c.given)}")
        if self._last is None or not _same(r, self._last):  # no round gave it
            parts = parts_of_gamma(r, self._member).values()
            self.entries += [_follows(tuple(c.given), part) for part in parts]
            self._first, self.rounds = r, 0
        c.given += parts_of_gamma(made, self._member).values()
        c.given.append(_if_signed(r, (*_together(made), *_signed(made))))
        self._last, self.rounds = made, self.rounds + 1
        return made


def _if_signed(r: Scalar, facts: Facts) -> Any:
    return z3.Implies(z3.And(*_signed(r)), z3.And(*facts))


def _same(a: Scalar, b: Scalar) -> bool:
    pairs = zip(terms.leaves(a), terms.leaves(b), strict=True)
    return all(x.eq(y) for x, y in pairs)


def _follows(premises: Iterable[Any], fact: Any) -> Any:
    """One formula that is asked as a whole."""
    return z3.Or(z3.Not(conjunction(premises)), fact)
