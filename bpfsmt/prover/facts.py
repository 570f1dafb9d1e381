"""What callers need to know of rules that return words: the facts of `compose`, each proved.

`bpfsmt.prover.contract` speaks of rules that return records; a word stands for itself alone,
and what is said of it is a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.semantics import alu

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """For all words, and all numbers that the records stand for, the result r ``holds``.

    ``members`` names the number that each record argument stands for; ``holds`` takes the
    arguments and these numbers by name, and r.  ``synced`` says that the records are registers,
    so that a proof may fall back on what `sync` establishes; ``read`` that callers know the
    rule's text as well.
    """

    rule: str
    members: Mapping[str, str]
    holds: Callable[[Args, Any], Any]
    synced: bool = False
    read: bool = False


def unsigned_fits(x: Any, y: Any) -> Any:
    """The product of two words, read without a sign, is a word."""
    whole: Any = z3.ZeroExt(64, x) * z3.ZeroExt(64, y)
    return z3.Extract(127, 64, whole) == 0


def signed_fits(x: Any, y: Any) -> Any:
    """The product of two words, read with a sign, is a word."""
    whole: Any = z3.SignExt(64, x) * z3.SignExt(64, y)
    return whole == z3.SignExt(64, z3.Extract(63, 0, whole))


def _one_count(a: Args, r: Any) -> Any:
    """The number is that of the 32-bit range, and below 32."""
    return z3.Implies(r, z3.And(a["x"] == z3.ZeroExt(32, a["n"].u32min), z3.ULT(a["x"], 32)))


def _ends(op: str, kind: str, bits: int) -> Fact:
    """The ends of a sum's or difference's range have it between them."""
    less = (lambda x, y: x <= y) if kind == "s" else z3.ULE
    meaning: Rule[..., Any] = getattr(alu, f"{op}{bits}")

    def holds(a: Args, r: Any) -> Any:
        z = z3.Extract(bits - 1, 0, meaning.terms(a["x"], a["y"]))
        return z3.And(less(r[0], z), less(z, r[1]))

    return Fact(f"{op}_{kind}{bits}", {"a": "x", "b": "y"}, holds)


FACTS = {
    f.rule: f
    for f in (
        *(_ends(op, kind, bits) for op in ("add", "sub") for kind in "us" for bits in (64, 32)),
        Fact(
            "tnum_step", {"t": "z"},
            lambda a, r: z3.Implies(z3.UGT(a["z"], a["x"]), z3.UGE(a["z"], r)),
        ),
        Fact("known_count32", {"n": "x"}, _one_count, synced=True, read=True),
        Fact("mul_wraps", {}, lambda a, r: r == z3.Not(unsigned_fits(a["x"], a["y"]))),
        Fact("mul_overflows", {}, lambda a, r: r == z3.Not(signed_fits(a["x"], a["y"]))),
    )
}  # fmt: skip
