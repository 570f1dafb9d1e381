"""Results whose parts agree: what `sync` establishes, and that a known number looks known.

Of a result of which all bits are known, every range must be that number alone; the kernel
takes such a register for a constant in one place and looks at its ranges in another
(CVE-2021-45402).  Members are not the question here: z is any number in γ of the result.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.types import RecordType
from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.compose import SCALAR, Composition, alternatives, contains, ids, well_formed
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import (
    Attempt,
    Counterexample,
    Drawn,
    Inputs,
    Kind,
    Obligation,
    Trial,
    conjunction,
    fixed,
    value_in,
)
from bpfsmt.prover.replay import SIDES, stands_for
from bpfsmt.prover.search import candidates
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.synced import synced
from bpfsmt.rules.ruleset import RuleSet

PARTS = ("u64", "s64", "u32", "s32")

TRIES = 600
"""How many inputs are tried without a solver, for each choice of enumerated parameters."""


def agree(r: Scalar, z: Any, part: str) -> Any:
    """If r stands for z, and all its bits are known, then so is this range."""
    return z3.Implies(contains(r, z), known_looks_known(r, z, part))


def known_looks_known(r: Scalar, z: Any, part: str) -> Any:
    """If all bits of r are known (r stands for z), this range is one number."""
    low: Any = z3.Extract(31, 0, z)
    mask: Any = r.var_off.mask
    ends = {
        "u64": (r.umin, r.umax, z),
        "s64": (r.smin, r.smax, z),
        "u32": (r.u32min, r.u32max, low),
        "s32": (r.s32min, r.s32max, low),
    }
    lo, hi, number = ends[part]
    return z3.Implies(mask == 0, z3.And(lo == number, hi == number))


class Coherence:
    """The obligations of one operation; what it calls `sync` on is synced, and no more.

    That the parts of such a record agree is a lemma, so of the alternatives that a result is,
    only those are in question that are neither an operand nor what `sync` returned.
    """

    def __init__(self, rules: RuleSet, contract: Contract, tracks32: bool) -> None:
        self.rules, self.contract, self.tracks32 = rules, contract, tracks32
        self.rule = rules.linked.rules[contract.rule]
        self._synced: set[tuple[int, ...]] = set()  # `ids` of records

    def obligations(self) -> Iterator[Obligation]:
        """One for each range of each result."""
        results = self._settle[1]
        for side in results:
            for part in PARTS if self.tracks32 else PARTS[:2]:
                name = f"{self.contract.rule}/coherent/{side}{part}"
                yield Obligation(
                    name, Kind.COHERENCE, self.contract.rule,
                    functools.partial(self._attempts, side, part),
                    trial=Trial(
                        f"{self.contract.rule} coherent", self.rules, self._inputs, stand,
                        functools.partial(self._check, side, part), TRIES, True,
                    ),
                )  # fmt: skip

    @functools.cached_property
    def _settle(self) -> tuple[Composition, dict[str, tuple[Scalar, Any]], list[Any]]:
        c = Composition(self.rules, {})
        args: list[Any] = []
        for name, type_ in self.rule.params:
            args.append(terms.fresh(type_, name))
            if type_ == SCALAR:
                c.given += [well_formed(args[-1]), *synced(args[-1])]
                c.given.append(contains(args[-1], z3.BitVec(f"{name}~", 64)))
                self._synced.add(ids(args[-1]))
            if name in self.contract.cases:
                values = self.contract.cases[name]
                c.given.append(z3.Or(*(args[-1] == v for v in values)))

        def synced_result(_: Any) -> Scalar:
            r: Scalar = terms.fresh(SCALAR, f"synced!{len(c.given)}")
            c.given += [well_formed(r), *synced(r)]
            self._synced.add(ids(r))
            return r

        c.calls["sync"] = synced_result
        result = c.run(self.contract.rule, *args)
        several = not isinstance(result, Scalar)
        sides = ("left/", "right/") if several else ("",)
        named = dict(zip(sides, result if several else (result,), strict=True))
        pairs = {s: (r, z3.BitVec(f"{s}z~", 64)) for s, r in named.items()}
        return c, pairs, args

    def _attempts(self, side: str, part: str) -> Iterator[Attempt]:
        c, results, _ = self._settle
        r, z = results[side]
        reads = frozenset(c.reads)

        # Whichever the result is, and whyever it is that.
        each = {ids(a): agree(a, z, part) for a in alternatives(r)}
        goal = conjunction(each.values())
        told = [each[a] for a in each if a in self._synced]
        if told:
            given = told if len(told) == len(each) else [*told, *c.given]
            yield Attempt(
                tuple(given), goal, "alternatives", False, Inputs.SYNCED,
                uses=frozenset({"sync"}), reads=reads,
            )  # fmt: skip
        if len(each) > 1:
            yield Attempt(tuple(c.given), goal, "alternatives", False, Inputs.SYNCED, reads=reads)
        yield Attempt(
            tuple(c.given), agree(r, z, part), "stages", False, Inputs.SYNCED, reads=reads
        )

    def _inputs(self, rng: random.Random) -> Iterator[Drawn]:
        sync = self.rules.linked.ints["sync"]
        for values in itertools.product(*self.contract.cases.values()):
            case = dict(zip(self.contract.cases, values, strict=True))
            yield from itertools.islice(candidates(self.rule.params, case, rng, sync), TRIES)

    def _check(
        self, side: str, part: str, rules: RuleSet, args: tuple[Any, ...], numbers: tuple[int, ...]
    ) -> Counterexample | None:
        """A result of which all bits are known, that is not empty, and a range that is wider."""
        if not stand(args, numbers):
            return None
        result = rules.linked.ints[self.contract.rule](*args)
        r = result[SIDES.index(side[:-1])] if side else result
        z = r.var_off.value
        if r.var_off.mask != 0 or not scalar_contains(r, z) or _ends(r, part) == 1:
            return None
        return Counterexample(self.contract.rule, f"{side}{part}", args, numbers, result, None)


class SyncCoherence:
    """What `synced` says holds of what `sync` returns, if it stands for anything.

    And, a lemma that speaks of no rule: of whatever is `synced`, a known number looks known.
    """

    # The stages whose texts the facts rest on; of the others, that they lose no member.
    LAST = ("from_bits", "bounds_from_tnum", "bounds32_from_tnum", "tnum_from_bounds")
    OPEN = (*LAST, "deduce", "deduce32", "bounds_from_sign", "bounds32_from_sign",
            "bounds64_from_sign", "bounds64_from_32", "bounds64_after_sext")  # fmt: skip

    def __init__(self, rules: RuleSet, contracts: Mapping[str, Contract], tracks32: bool) -> None:
        self.rules, self.contracts, self.tracks32 = rules, contracts, tracks32

    def obligations(self) -> Iterator[Obligation]:
        """One for each fact."""
        count = len(synced(terms.fresh(SCALAR, "r")))
        for k in range(count):
            if self.tracks32 or k not in (2, 3, 5):
                yield Obligation(
                    f"sync/coherent/{k}", Kind.COHERENCE, "sync",
                    functools.partial(self._attempts, k),
                    functools.partial(self._confirm, k),
                    Trial(
                        "sync coherent", self.rules, self._inputs, stand,
                        functools.partial(self._check, k), TRIES,
                    ),
                )  # fmt: skip
        for part in PARTS if self.tracks32 else PARTS[:2]:
            r, z = terms.fresh(SCALAR, "r"), z3.BitVec("z~", 64)
            given = (well_formed(r), *synced(r))
            yield fixed(f"synced/{part}", Kind.LEMMA, "sync", given, agree(r, z, part))

    def _inputs(self, rng: random.Random) -> Iterator[Drawn]:
        return candidates((("r", SCALAR),), {}, rng)

    def _check(
        self, k: int, rules: RuleSet, args: tuple[Any, ...], numbers: tuple[int, ...]
    ) -> Counterexample | None:
        """What `sync` returned stands for the number, and is not as it should be."""
        result = rules.linked.ints["sync"](*args)
        if not (stand(args, numbers) and stands_for(result, numbers[0])):
            return None
        if z3.is_true(z3.simplify(synced(terms.lift(SCALAR, result))[k])):
            return None
        return Counterexample("sync", f"coherent/{k}", args, numbers, result, None)

    def _attempts(self, k: int) -> Iterator[Attempt]:
        # At last all texts, with what is proved of each beside it: that is soon decided, too.
        for kept in (self.LAST, self.OPEN, tuple(self.rules.linked.rules)):
            c = Composition(self.rules, self.contracts, read=kept)
            x = z3.BitVec("x~", 64)
            r = c.operand("r", x)
            try:
                result = c.run("sync", r)
            except ValueError:
                continue
            given = (*c.given, contains(result, x))
            uses, reads = frozenset(c.uses - {"sync"}), frozenset(c.reads)
            goal = synced(result)[k]
            yield Attempt(given, goal, f"{len(kept)} texts", False, uses=uses, reads=reads,
                          beyond=frozenset(c.beyond))  # fmt: skip
        c, r, x = self._whole
        result = c.run("sync", r)
        given, goal = (*c.given, contains(result, x)), synced(result)[k]
        yield Attempt(given, goal, reads=frozenset(c.reads))

    @functools.cached_property
    def _whole(self) -> tuple[Composition, Scalar, Any]:
        """All of `sync` by its text, its operand, and the number that this stands for."""
        c, x = Composition(self.rules), z3.BitVec("x~", 64)
        return c, c.operand("r", x), x

    def _confirm(self, k: int, attempt: Attempt, model: Any) -> Counterexample | None:
        _, r, x = self._whole
        arg, number = value_in(model, SCALAR, r), model.eval(x, model_completion=True).as_long()
        return self._check(k, self.rules, (arg,), (number,))


def made(contracts: Mapping[str, Contract]) -> Iterator[Statement]:
    """What other rules return that is as if it had gone through `sync`."""

    def settled(_: Args, r: Any) -> Mapping[str, Any]:
        return {f"coherent/{k}": fact for k, fact in enumerate(synced(r))}

    for name in sorted(c.rule for c in contracts.values() if c.settles and c.rule != "sync"):
        yield Statement(name, Kind.COHERENCE, settled)


def coherent(rules: RuleSet, contracts: Mapping[str, Contract]) -> Iterator[Contract]:
    """The operations whose results are asked to be coherent: those on registers."""
    for name, contract in contracts.items():
        rule = rules.linked.rules[name]
        result = rule.result
        scalars = [result] if isinstance(result, RecordType) else list(getattr(result, "items", ()))
        takes = any(t == SCALAR for _, t in rule.params)
        whole = name.startswith(("alu", "refine", "movsx", "zext32", "byte_swap"))
        if contract.synced and whole and takes and all(t == SCALAR for t in scalars):
            yield contract


def stand(args: tuple[Any, ...], numbers: tuple[int, ...]) -> bool:
    """Every scalar among the arguments stands for its number."""
    pairs = zip(args, numbers, strict=True)
    return all(stands_for(a, n) for a, n in pairs if isinstance(a, Scalar))


def _ends(r: Scalar, part: str) -> int:
    """How many numbers are in one of r's ranges."""
    lo, hi = {"u64": (r.umin, r.umax), "s64": (r.smin, r.smax), "u32": (r.u32min, r.u32max),
              "s32": (r.s32min, r.s32max)}[part]  # fmt: skip
    return hi - lo + 1
