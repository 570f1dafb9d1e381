"""What callers need to know of rules that return a word: the facts of `compose`, each proved.

`bpfsmt.prover.contract` speaks of rules that return records; a word stands for itself alone,
and what is said of it is a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import z3

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """For all words, and all numbers that the records stand for, the result r ``holds``.

    ``members`` names the number that each record argument stands for; ``holds`` takes the
    words and these numbers by name, and r.
    """

    rule: str
    members: Mapping[str, str]
    holds: Callable[[Args, Any], Any]


def unsigned_fits(x: Any, y: Any) -> Any:
    """The product of two words, read without a sign, is a word."""
    whole: Any = z3.ZeroExt(64, x) * z3.ZeroExt(64, y)
    return z3.Extract(127, 64, whole) == 0


def signed_fits(x: Any, y: Any) -> Any:
    """The product of two words, read with a sign, is a word."""
    whole: Any = z3.SignExt(64, x) * z3.SignExt(64, y)
    return whole == z3.SignExt(64, z3.Extract(63, 0, whole))


FACTS = {
    f.rule: f
    for f in (
        Fact(
            "tnum_step", {"t": "z"},
            lambda a, r: z3.Implies(z3.UGT(a["z"], a["x"]), z3.UGE(a["z"], r)),
        ),
        Fact("mul_wraps", {}, lambda a, r: r == z3.Not(unsigned_fits(a["x"], a["y"]))),
        Fact("mul_overflows", {}, lambda a, r: r == z3.Not(signed_fits(a["x"], a["y"]))),
    )
}  # fmt: skip
