"""Where the claim first became wider than the exact set, along the way to the access.

The exact set of a value after an instruction is what it can be over all runs that take the
same branches as the walk did up to there; what is compared is the smallest intervals and
the smallest tnum around it.  They are found by asking the solver, with a time limit: *not
found in time* is an answer of its own.  A claim that is exact at every step was not lost by
the verifier: the program never made the bound.  (A state may also stand for runs that were
pruned there, and for these it may have to be wider.)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import z3

from bpfsmt.crosscheck.precision import Hull, OutOfTime, exact_hull, hull_of, probe_of
from bpfsmt.domain import Reg, RegType
from bpfsmt.explain.missing import Missing
from bpfsmt.explain.trail import PACKET, Loc, Mattered, Slice, Step
from bpfsmt.symbolic.encode import Encoding, Node
from bpfsmt.symbolic.state import SymState
from bpfsmt.symbolic.values import Alt, Term, Value, conj, disj

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
NO_RUN = "no run goes this way"

WRONG = "the claim does not hold of all runs; crosscheck such a program with these rules"

EXACT, LOST, TIMED_OUT, NOT_SOUGHT = "exact", "lost", "not found in time", "not sought"


@dataclass(frozen=True, slots=True)
class Width:
    """One component, claimed and exact."""

    component: str
    claimed: str
    exact: str


@dataclass(frozen=True, slots=True)
class Loss:
    """The answer: "lost" at ``pc`` in ``wider`` components, "exact", or why it is not known.

    ``where`` is the register or slot after that instruction; ``checked`` counts the steps
    that were compared.
    """

    word: str
    pc: int = -1
    where: str = ""
    wider: tuple[Width, ...] = ()
    why: str = ""
    checked: int = 0


def find_loss(
    encoding: Encoding | None,
    why: str,
    way: Sequence[Step],
    slice_: Slice,
    missing: Sequence[Missing],
    seconds: float,
) -> Loss:
    """Compare claim and exact set after each instruction of the slice, the first one first,
    and after each other branch on the way."""
    dropped = _dropped(way, slice_.steps, missing)
    if dropped is not None:
        return dropped
    kind = _kind(missing)
    if kind is None or not slice_.steps:
        return Loss(NOT_SOUGHT, why="what is missing is no bound that could have been lost")
    if encoding is None:
        return Loss(NOT_SOUGHT, why=why)
    search = _Search(encoding, way, time.monotonic() + seconds)
    checked = 0
    for one in sorted((*slice_.steps, *slice_.passed), key=lambda one: one.index):
        try:
            wider = search.wider(one, kind)
        except OutOfTime:
            return Loss(TIMED_OUT, one.pc, str(one.loc), checked=checked)
        except _Wrong:
            return Loss(NOT_SOUGHT, one.pc, str(one.loc), why=WRONG, checked=checked)
        except _NoRun:
            return Loss(LOST, one.pc, str(one.loc), why=NO_RUN, checked=checked + 1)
        except LookupError:
            return Loss(NOT_SOUGHT, why="the way is not in the formula", checked=checked)
        if wider is None:
            continue
        checked += 1
        if wider:
            return Loss(LOST, one.pc, str(one.loc), tuple(wider), checked=checked)
    return Loss(EXACT, checked=checked) if checked else Loss(NOT_SOUGHT, why="nothing to compare")


def _kind(missing: Sequence[Missing]) -> str | None:
    components = {m.component for m in missing}
    if "range" in components:
        return "range"
    if components & {"smin", "smax", "umin", "umax", "var_off"}:
        return "number"
    nullable = any(m.component == "type" and m.actual.endswith("_or_null") for m in missing)
    return "null" if nullable else None


def _dropped(
    way: Sequence[Step], slice_: Sequence[Mattered], missing: Sequence[Missing]
) -> Loss | None:
    """A register that an instruction made worthless without writing a value: a call, mostly."""
    if not any(m.component == "type" for m in missing) or not way:
        return None
    last = way[-1].after.state
    number = next(m.reg for m in missing if m.component == "type")
    loc = Loc(len(last.frames) - 1, number)
    now = loc.in_state(last).type
    if now not in (RegType.NOT_INIT, RegType.SCALAR_VALUE):
        return None
    for step in reversed(way):
        before = loc.in_state(step.before.state)
        if before.type is now:
            if any(m.step is step and m.writes for m in slice_):
                return None
            continue
        if before.type is RegType.NOT_INIT or len(step.before.state.frames) <= loc.frame:
            return None
        if step.edge.kind not in ("next", "return") or _assigns(step, slice_):
            return None
        width = Width("type", now.value, before.type.value)
        return Loss(LOST, step.before.pc, str(loc), (width,), "a call takes it away", 1)
    return None


def _assigns(step: Step, slice_: Sequence[Mattered]) -> bool:
    """The instruction wrote the value itself, and did more than lose it."""
    return any(
        m.step is step and m.writes and m.loc.in_state(step.after.state).type
        is not RegType.NOT_INIT for m in slice_
    )  # fmt: skip


class _Wrong(Exception):
    """The exact set is not inside the claim."""


class _NoRun(Exception):
    """The exact set is empty: the way cannot be taken."""


class _Search:
    """Exact sets along one way."""

    def __init__(self, encoding: Encoding, way: Sequence[Step], deadline: float) -> None:
        self.encoding, self.way, self.deadline = encoding, way, deadline
        self.facts = [encoding.known]
        self.done = 0

    def wider(self, one: Mattered, kind: str) -> list[Width] | None:
        """The components that are wider after this step; `None` if it has none to compare."""
        self._follow(one.index + 1)
        after = one.step.after.state
        reg = one.loc.in_state(after)
        node = self._node(one.step.after.state.callsites, one.step.after.pc)
        value = _value(node.state, one.loc)
        if value is None:
            return None
        if kind == "range":
            return self.room(reg, value, node.state)
        if kind == "null":
            return self.null(reg, value)
        return self.number(reg, value, node.state)

    def _follow(self, steps: int) -> None:
        """Add the branches that the way takes, up to so many steps."""
        for step in self.way[self.done : steps]:
            node = self._node(step.before.state.callsites, step.before.pc)
            if node.stepped is None:
                raise LookupError(step.before.pc)
            arms = [
                arm.guard
                for arm in node.stepped.arms
                if arm.kind == step.edge.kind and arm.pc in (-1, step.edge.pc)
            ]
            self.facts.append(conj(node.reach, disj(*arms)))
        self.done = max(self.done, steps)

    def _node(self, callsites: tuple[int, ...], pc: int) -> Node:
        return self.encoding.nodes[callsites, pc]

    def number(self, reg: Reg, value: Value, state: SymState) -> list[Width] | None:
        """The number in the register, or the variable part of the pointer."""
        if reg.type is RegType.SCALAR_VALUE:
            x = value.bits
        else:
            moved = _variable_part(reg, value, state)
            if moved is None or reg.is_const:
                return None
            x = moved
        claimed = hull_of([reg.scalar])
        exact = exact_hull(self.facts, x, claimed, self.deadline)
        if exact is None:
            raise _NoRun
        return _compared(claimed, exact)

    def room(self, reg: Reg, value: Value, state: SymState) -> list[Width] | None:
        """How many bytes from the variable part of a packet pointer on are in the packet."""
        x = _variable_part(reg, value, state)
        if reg.type not in PACKET or x is None:
            return None
        in_packet = reg.type is RegType.PTR_TO_PACKET
        length = state.data_end - state.data if in_packet else state.data - state.data_meta
        probe = probe_of(self.facts, length - x, self.deadline)
        if probe.find(z3.BoolVal(True)) is None:
            raise _NoRun
        claimed = max(reg.range, 0)
        if claimed and probe.find(length - x < claimed) is not None:
            raise _Wrong  # (a range of 0 says nothing)
        least = probe.lowest(claimed + _SIGN, _SIGN) - _SIGN
        return [Width("range", str(claimed), str(least))] if least > claimed else []

    def null(self, reg: Reg, value: Value) -> list[Width] | None:
        """Whether the pointer can really be NULL here."""
        if reg.type.nonnull is None:
            return None
        probe = probe_of(self.facts, value.bits, self.deadline)
        if probe.find(z3.BoolVal(True)) is None:
            raise _NoRun
        numbers = disj(*(conj(a.guard, a.off == 0) for a in value.alts if a.region is None))
        if probe.find(numbers) is not None:
            return []
        return [Width("type", reg.type.value, reg.type.nonnull.value)]


def _value(state: SymState, loc: Loc) -> Value | None:
    if loc.frame >= len(state.frames):
        return None
    frame = state.frames[loc.frame]
    if not loc.slot:
        return frame.regs[loc.number]
    cell = frame.stack.get(loc.number)
    return None if cell is None else cell.value


def _variable_part(reg: Reg, value: Value, state: SymState) -> Term | None:
    """What was added to a pointer besides its fixed offset, if it points into one region."""
    alts: list[Alt] = [alt for alt in value.alts if alt.region is not None]
    if not reg.is_pointer or len(alts) != 1:
        return None  # where a number is the alternative (NULL), the claim has excluded it
    if reg.type in PACKET:
        start = state.data if reg.type is RegType.PTR_TO_PACKET else state.data_meta
        return alts[0].off - start - reg.off
    return alts[0].off - reg.off


def _compared(claimed: Hull, exact: Hull) -> list[Width]:
    """Every component that admits more than the exact one; raises `_Wrong` if one admits less."""
    found = []
    for name, up in (("umin", -1), ("umax", 1), ("smin", -1), ("smax", 1)):
        mine, true = getattr(claimed, name), getattr(exact, name)
        if up * mine < up * true:
            raise _Wrong
        if mine != true:
            found.append(Width(name, show(mine), show(true)))
    unknown = claimed.mask & _ALL
    if exact.mask & ~unknown or (exact.value ^ claimed.value) & ~unknown & _ALL:
        raise _Wrong
    if unknown & ~exact.mask:
        found.append(Width("var_off", _tnum(claimed), _tnum(exact)))
    return found


def _tnum(hull: Hull) -> str:
    return f"({hull.value:#x}; {hull.mask:#x})"


def show(number: int) -> str:
    """A bound: small ones in decimal, others in hexadecimal."""
    return str(number) if abs(number) < 1 << 17 else f"{number:#x}"
