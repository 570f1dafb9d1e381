"""How close the ranges of both signs are behind `sync`, where one more fact decides.

What `synced` says is proved of every rule set, and enough for its own rules.  A changed rule
may take one range for another that is the same there: proofs of such rules need more, which is
proved along with them, and only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.compose import SCALAR, Composition, contains, parts_of_gamma
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Attempt, conjunction
from bpfsmt.rules.ruleset import RuleSet

STEP = "deduce"
"""What `sync` repeats: the stage after which the ranges agree."""


def close(r: Scalar) -> tuple[Any, ...]:
    """Behind `sync`: ranges of one sign whose ends are the same, or nearly."""
    return (*_ends(r.umin, r.umax, r.smin, r.smax), *_low_ends(r))


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
        lemmas, reads = _lemmas(rules, settle)
        yield Attempt(
            (*attempt.given, *facts), z3.And(attempt.goal, *lemmas),
            f"{attempt.how}, ends that are close behind sync", False, attempt.inputs,
            attempt.uses | {STEP}, attempt.reads | reads, attempt.args, attempt.beyond,
        )  # fmt: skip


def _ends(umin: Any, umax: Any, smin: Any, smax: Any) -> tuple[Any, ...]:
    return (
        z3.Implies(smin >= 0, z3.And(umax == smax, z3.UGE(umin, smin))),
        z3.Implies(smax < 0, z3.And(umin == smin, z3.ULE(umax, smax))),
    )


def _low_ends(r: Scalar) -> tuple[Any, ...]:
    """Of the low half a little less: the last stages learn its sign from the whole's bits."""
    u_lo, u_hi, s_lo, s_hi = r.u32min, r.u32max, r.s32min, r.s32max
    return (
        z3.Implies(s_lo >= 0, z3.And(z3.ULE(s_hi, u_hi), z3.UGE(u_lo, s_lo))),
        z3.Implies(s_hi < 0, z3.And(s_lo >= u_lo, z3.ULE(u_hi, s_hi))),
    )


def _deduced(r: Scalar) -> tuple[Any, ...]:
    """After `deduce`: the same of both halves, and ranges without a sign tell that of the other."""
    whole = (r.umin, r.umax, r.smin, r.smax)
    low = (r.u32min, r.u32max, r.s32min, r.s32max)
    return tuple(
        fact
        for u_lo, u_hi, s_lo, s_hi in (whole, low)
        for fact in (
            *_ends(u_lo, u_hi, s_lo, s_hi),
            z3.Implies(u_hi >= 0, s_lo >= 0),
            z3.Implies(u_lo < 0, s_hi < 0),
        )
    )


def _signed(r: Scalar) -> tuple[Any, ...]:
    """Before `deduce` and after it: a sign bit that is known is known to the signed ranges."""
    value: Any = r.var_off.value
    most = value | r.var_off.mask
    return (
        z3.Implies(most >= 0, r.smin >= 0),
        z3.Implies(value < 0, r.smax < 0),
        z3.Implies(_low(most) >= 0, r.s32min >= 0),
        z3.Implies(_low(value) < 0, r.s32max < 0),
    )


def _low(x: Any) -> Any:
    return z3.Extract(31, 0, x)


def _lemmas(rules: RuleSet, settle: Iterable[str]) -> tuple[list[Any], frozenset[str]]:
    """That `close` holds: of `deduce`, of `sync` with what holds of `deduce`, of what settles.

    That `deduce` keeps what a scalar stands for is its contract.  They speak of numbers of their
    own, so nothing that is given of the arguments helps them.
    """
    step, x = Composition(rules, prefix="step "), z3.BitVec("step x~", 64)
    r = step.operand("step r", x)
    after = step.run(STEP, r)
    before = (*step.given, contains(after, x), *_signed(r))
    lemmas = [_follows(before, fact) for fact in (*_deduced(after), *_signed(after))]

    c, y = Composition(rules, prefix="whole "), z3.BitVec("whole x~", 64)

    def deduced(r: Scalar) -> Scalar:
        made: Scalar = terms.fresh(SCALAR, f"whole deduced {len(c.given)}")
        c.given += parts_of_gamma(made, y).values()
        c.given.append(z3.Implies(z3.And(*_signed(r)), z3.And(*_deduced(made), *_signed(made))))
        return made

    c.calls[STEP] = deduced
    r = c.operand("whole r", y)
    result = c.run("sync", r)
    behind = (*c.given, contains(result, y))
    lemmas += [_follows(behind, fact) for fact in close(result)]
    for name in settle:
        rule = rules.linked.rules[name]
        of = (terms.fresh(type_, f"{name} {n}") for n, type_ in rule.params)
        lemmas += close(c.run(name, *of))
    return lemmas, frozenset(step.reads | c.reads)


def _follows(premises: Iterable[Any], fact: Any) -> Any:
    """One formula that is asked as a whole."""
    return z3.Or(z3.Not(conjunction(premises)), fact)
