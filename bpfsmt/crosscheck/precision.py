"""How much wider than the truth a claim is: claimed against exact ranges and known bits.

The exact set of a register at a pc is what it can hold over all inputs and paths.  Its
smallest interval and its smallest tnum are found by asking the solver for values outside
of what was seen so far.  The gap is in bits: log2 of how many values the claim admits over
how many its exact interval or tnum does (the smaller of both on either side).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import z3

from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.reg import RegType
from bpfsmt.domain.scalar import Scalar
from bpfsmt.symbolic.encode import Encoding, Node, Point
from bpfsmt.symbolic.values import Term

_ALL = (1 << 64) - 1
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True)
class Hull:
    """An unsigned and a signed interval and a tnum around some 64-bit numbers."""

    umin: int
    umax: int
    smin: int
    smax: int
    value: int
    mask: int

    @property
    def bits(self) -> float:
        """log2 of how many numbers the tightest of the three admits."""
        known = self.mask.bit_count()
        return min(
            math.log2(self.umax - self.umin + 1), math.log2(self.smax - self.smin + 1), known
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """One measured claim: register ``reg`` before the instruction at ``pc``."""

    pc: int
    reg: int
    claimed: Hull
    exact: Hull

    @property
    def bits(self) -> float:
        """How many bits wider than the exact set the claim is."""
        return self.claimed.bits - self.exact.bits


@dataclass(frozen=True, slots=True)
class Precision:
    """All measured gaps; ``skipped`` claims were left out when the time was up."""

    gaps: tuple[Gap, ...]
    skipped: int

    @property
    def median(self) -> float | None:
        """The median gap in bits, `None` if nothing was measured."""
        ordered = sorted(g.bits for g in self.gaps)
        if not ordered:
            return None
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else sum(ordered[middle - 1 : middle + 1]) / 2


def measure(analysis: Analysis, encoding: Encoding, *, seconds: float = 10.0) -> Precision:
    """Measure every scalar claim that says something new, until ``seconds`` are over."""
    deadline = time.monotonic() + seconds
    gaps: list[Gap] = []
    skipped = 0
    for node, reg, claimed in _new_claims(analysis, encoding):
        left = deadline - time.monotonic()
        exact = _exact(encoding, node, reg, claimed, deadline) if left > 0 else None
        if exact is None:
            skipped += 1
        else:
            gaps.append(Gap(node.point[1], reg, claimed, exact))
    return Precision(tuple(gaps), skipped)


def _new_claims(analysis: Analysis, encoding: Encoding) -> Iterator[tuple[Node, int, Hull]]:
    visits: dict[Point, list[Visit]] = {}
    for visit in analysis.visits:
        visits.setdefault((visit.state.callsites, visit.pc), []).append(visit)
    seen: set[tuple[int, int, Hull]] = set()
    for point, node in encoding.nodes.items():
        states = [v.state for v in visits.get(point, [])]
        for i in range(10):
            regs = [s.regs[i] for s in states]
            if not regs or any(r.type is not RegType.SCALAR_VALUE for r in regs):
                continue
            claimed = hull_of([r.scalar for r in regs])
            key = (i, id(node.state.regs[i]), claimed)
            if key not in seen and not all(r.is_const for r in regs):
                seen.add(key)
                yield node, i, claimed


def hull_of(scalars: Sequence[Scalar]) -> Hull:
    """The hull of the union of what some scalars stand for."""
    first = scalars[0].var_off.value
    mask = 0
    for s in scalars:
        mask |= s.var_off.mask | (s.var_off.value ^ first)
    return Hull(
        min(s.umin for s in scalars),
        max(s.umax for s in scalars),
        min(s.smin for s in scalars),
        max(s.smax for s in scalars),
        first & ~mask,
        mask,
    )


class OutOfTime(Exception):
    """The exact set was not found in time, which says nothing about it."""


def _exact(encoding: Encoding, node: Node, reg: int, claimed: Hull, deadline: float) -> Hull | None:
    """The exact hull, or `None` if time ran out or the point cannot be reached."""
    x = node.state.regs[reg].bits
    try:
        return exact_hull((encoding.known, node.reach), x, claimed, deadline)
    except OutOfTime:
        return None


def exact_hull(facts: Sequence[Term], x: Term, claimed: Hull, deadline: float) -> Hull | None:
    """The smallest hull around all that ``x`` can be under ``facts``, searched in ``claimed``.

    `None` if the facts are impossible; raises `OutOfTime` at ``deadline`` (monotonic clock).
    """
    probe = probe_of(facts, x, deadline)
    if probe.find(z3.BoolVal(True)) is None:
        return None
    umin, umax = probe.lowest(claimed.umin, 0), probe.highest(claimed.umax, 0)
    smin = probe.lowest(claimed.smin + _SIGN, _SIGN) - _SIGN
    smax = probe.highest(claimed.smax + _SIGN, _SIGN) - _SIGN
    value, mask = probe.bits(claimed.mask)
    return Hull(umin, umax, smin, smax, value, mask)


def probe_of(facts: Sequence[Term], x: Term, deadline: float) -> Probe:
    """A probe of the 64-bit term ``x`` under ``facts``."""
    solver = z3.SolverFor("QF_AUFBV")
    solver.add(*facts)
    name = z3.BitVec("exact!x", 64)
    solver.add(name == x)
    return Probe(solver, name, deadline)


class Probe:
    """Asks for values of one term; ``seen`` collects them."""

    def __init__(self, solver: z3.Solver, x: Term, deadline: float) -> None:
        self.solver, self.x, self.deadline = solver, x, deadline
        self.seen: list[int] = []

    def find(self, condition: Term) -> int | None:
        """Some value under ``condition``, `None` if there is none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        self.solver.set("timeout", max(1, int(1000 * min(left, 2.0))))
        self.solver.push()
        self.solver.add(condition)
        answer = self.solver.check()
        found: int | None = None
        if answer == z3.sat:
            found = self.solver.model().eval(self.x, model_completion=True).as_long()
            self.seen.append(found)
        self.solver.pop()
        if answer == z3.unknown:
            raise OutOfTime
        return found

    def highest(self, limit: int, flip: int) -> int:
        """The largest value; ``flip`` (the sign bit or 0) makes signed order unsigned."""
        best = max(v ^ flip for v in self.seen)
        shifted = self.x ^ flip
        step = limit
        while best < limit:
            found = self.find(z3.UGE(shifted, step))
            if found is not None:
                best = max(best, found ^ flip)
            else:
                limit = step - 1
            step = (best + limit + 1) // 2
        return best

    def lowest(self, limit: int, flip: int) -> int:
        """The smallest value, as `highest`."""
        best = min(v ^ flip for v in self.seen)
        shifted = self.x ^ flip
        step = limit
        while best > limit:
            found = self.find(z3.ULE(shifted, step))
            if found is not None:
                best = min(best, found ^ flip)
            else:
                limit = step + 1
            step = (best + limit) // 2
        return best

    def bits(self, mask: int) -> tuple[int, int]:
        """The smallest tnum: value and mask."""
        first = self.seen[0]
        varies = 0
        while True:
            for v in self.seen:
                varies |= v ^ first
            pending = mask & ~varies & _ALL
            if not pending or self.find(self.x & pending != first & pending) is None:
                return first & ~varies & _ALL, varies
