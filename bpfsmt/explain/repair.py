"""The smallest added check that makes a program pass: tried, one after the other.

Smallest is: the fewest instructions, then the fewest runs that are turned away (the smallest
length to be in the packet, the greatest number to be let through).  What is found was
verified with the check in it, and the access is still walked there: a check that only makes
the access unreachable is none.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bpfsmt.domain.analysis import Analysis
from bpfsmt.errors import BpfsmtError
from bpfsmt.explain.access import failing_access, failing_visit
from bpfsmt.explain.candidates import Candidate, candidates, most_added
from bpfsmt.explain.insert import Changed, insert
from bpfsmt.explain.missing import missing_bounds
from bpfsmt.explain.trail import Loc, remembered, slice_back, way_to
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet

Verify = Callable[[Program], Analysis]

MOST_ROUNDS = 4
"""A program may lack several checks: so many are looked for, one behind the other."""

NOTHING_TO_ADD = "what is missing is nothing that an added compare could give"

NO_END = "no register holds the packet's end there, nor the context to load it from"

FOUND, NONE, TIMED_OUT, NOT_SOUGHT = "found", "none", "not found in time", "not sought"


@dataclass(frozen=True, slots=True)
class Repair:
    """The answer: "found" with the changed ``program`` and its ``added`` pcs, or why not.

    ``checks`` says how many were needed; ``tried`` how many programs were verified.
    """

    word: str
    program: Program | None = None
    added: tuple[int, ...] = ()
    checks: int = 0
    tried: int = 0
    why: str = ""


def find_repair(analysis: Analysis, rules: RuleSet, verify: Verify, seconds: float) -> Repair:
    """Look for a check, for so many seconds."""
    search = _Search(rules, verify, time.monotonic() + seconds)
    try:
        return search.run(analysis)
    except _Late:
        return Repair(TIMED_OUT, tried=search.tried)


class _Late(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Try:
    """A changed program and what the verifier says of it."""

    changed: Changed
    analysis: Analysis
    reached: bool

    @property
    def passes(self) -> bool:
        return self.reached and self.analysis.verdict.accepted


@dataclass(frozen=True, slots=True)
class _Sofar:
    """A rejected program with the checks that were added to get that far."""

    analysis: Analysis
    added: tuple[int, ...] = ()
    checks: int = 0


class _Search:
    """Goes through the checks, and checks after checks, by how many instructions they add."""

    def __init__(self, rules: RuleSet, verify: Verify, deadline: float) -> None:
        self.rules, self.verify, self.deadline = rules, verify, deadline
        self.tried = 0
        self.waiting: list[tuple[int, int, _Sofar, Candidate]] = []
        self.pushed = 0

    def run(self, analysis: Analysis) -> Repair:
        """Try the cheapest first, until a program passes."""
        self.push(_Sofar(analysis))
        if not self.waiting:
            lacking = missing_bounds(analysis, self.rules, failing_access(analysis))
            ends = any(m.component == "range" for m in lacking)
            return Repair(NOT_SOUGHT, why=NO_END if ends else NOTHING_TO_ADD)
        expanded: set[tuple[str, int, int]] = set()
        while self.waiting:
            cost, _, sofar, one = heapq.heappop(self.waiting)
            best = self.best(sofar.analysis, one)
            if best is None:
                continue
            moved = best.changed.moved
            added = tuple(sorted({*(moved[pc] for pc in sofar.added), *best.changed.added}))
            checks = sofar.checks + 1
            if best.passes:
                return Repair(FOUND, best.changed.program, added, checks, self.tried)
            verdict = best.analysis.verdict
            key = (verdict.kind, verdict.pc, cost)
            if checks < MOST_ROUNDS and key not in expanded:
                expanded.add(key)
                self.push(_Sofar(best.analysis, added, checks))
        return Repair(NONE, tried=self.tried)

    def push(self, sofar: _Sofar) -> None:
        """Put what could help a rejected program among what waits."""
        for one in self.candidates(sofar.analysis):
            cost = len(sofar.added) + one.cost
            heapq.heappush(self.waiting, (cost, self.pushed, sofar, one))
            self.pushed += 1

    def candidates(self, analysis: Analysis) -> list[Candidate]:
        visit, access = failing_visit(analysis), failing_access(analysis)
        if visit is None or access is None:
            return []
        missing = missing_bounds(analysis, self.rules, access)
        way = way_to(analysis, visit)
        here = Loc(len(visit.state.frames) - 1, max(access.reg, 0))
        slice_ = slice_back(analysis.program, way, [here])
        state = remembered(analysis.program, way, visit)
        return candidates(analysis.program, state, access, missing, slice_.steps)

    def best(self, analysis: Analysis, one: Candidate) -> _Try | None:
        """With the best number: one that passes, or else gets the walk past the access."""
        return self.widest(analysis, one) if one.widest else self.smallest(analysis, one)

    def smallest(self, analysis: Analysis, one: Candidate) -> _Try | None:
        """Try the smallest number, then what the next rejection of its kind asks for."""
        number, progress = one.low, None
        while number <= one.high:
            tried = self.attempt(analysis, one, number)
            if tried is None or tried.passes:
                return tried
            if not tried.reached or one.low == one.high:
                return progress or (tried if tried.reached else None)
            progress = progress or tried
            more = self.lacking(tried.analysis)
            if more <= 0:
                return progress
            number += more
        return progress

    def lacking(self, analysis: Analysis) -> int:
        """How many more bytes of the packet the next rejection wants, 0 if it is no such."""
        access = failing_access(analysis)
        wanted = [
            m.limit - access.claim.range
            for m in missing_bounds(analysis, self.rules, access)
            if m.component == "range" and m.limit is not None and access is not None
        ]
        return max(wanted, default=0)

    def widest(self, analysis: Analysis, one: Candidate) -> _Try | None:
        """The greatest number with which it passes; else what got past the access."""
        top = self.attempt(analysis, one, one.high)
        if top is not None and top.passes:
            return self.tightened(analysis, one, one.high, top)
        failed = [one.high]
        for number in self.guesses(one, top):
            best = self.attempt(analysis, one, number)
            if best is not None and best.passes:
                high = min(n for n in failed if n > number)
                if not self.fails(analysis, one, number + 1):
                    number, best = self.halved(analysis, one, number, high, best)
                return self.tightened(analysis, one, number, best)
            failed.append(number)
        return top if top is not None and top.reached else None

    def guesses(self, one: Candidate, top: _Try | None) -> Iterator[int]:
        """Numbers below the greatest, descending but for the first one.

        That is what the access that is refused next has room for.  Small numbers come last:
        with them the access may be out of reach.
        """
        access = None if top is None else failing_access(top.analysis)
        if top is not None and access is not None:
            room = most_added(access, top.analysis.program)
            if one.low <= room < one.high:
                yield room
        number = (1 << (one.high.bit_length() - 1)) - 1
        while number > one.low:
            yield number
            number >>= 1
        yield one.low

    def fails(self, analysis: Analysis, one: Candidate, number: int) -> bool:
        """It does not pass with this number."""
        tried = self.attempt(analysis, one, number) if number < one.high else None
        return tried is None or not tried.passes

    def halved(
        self, analysis: Analysis, one: Candidate, low: int, high: int, best: _Try
    ) -> tuple[int, _Try]:
        """The greatest number that passes, between one that does and one that does not."""
        while high - low > 1:
            middle = (low + high) // 2
            tried = self.attempt(analysis, one, middle)
            if tried is not None and tried.passes:
                low, best = middle, tried
            else:
                high = middle
        return low, best

    def tightened(self, analysis: Analysis, one: Candidate, number: int, best: _Try) -> _Try:
        """With the number that the check itself lets the verifier derive, where it is smaller.

        Other compares may have bounded the register too: then no run is turned away by that
        which is not by ``number``, and the check says what is meant.
        """
        pc, reg = one.bounded
        after = best.changed.moved.get(pc, -1)
        known = [v.state.regs[reg].scalar.umax for v in best.analysis.visits if v.pc == after]
        least = max(known, default=number)
        if not one.low <= least < number:
            return best
        tried = self.attempt(analysis, one, least)
        return tried if tried is not None and tried.passes else best

    def attempt(self, analysis: Analysis, one: Candidate, number: int) -> _Try | None:
        """Verify the program with the check in it; `None` if there is no such program."""
        if time.monotonic() > self.deadline:
            raise _Late
        changed = insert(analysis.program, one.make(number))
        if changed is None:
            return None
        self.tried += 1
        try:
            after = self.verify(changed.program)
        except BpfsmtError:
            return None
        return _Try(changed, after, self.reaches(after, changed.moved[analysis.verdict.pc]))

    @staticmethod
    def reaches(after: Analysis, pc: int) -> bool:
        """The access is walked in the changed program, and not what it is rejected for."""
        return any(v.pc == pc for v in after.visits) and after.verdict.pc != pc
