"""Pruning that forgets, made explicit: so that it can be checked like everything else.

A verifier may let an explored state stand for a new one that does not lie inside it, if
what differs does not matter: a number from which nothing was concluded (Linux: one that is
not *precise*), a register or slot that is not read again (not *live*).  The claim is then
that all that was found from the explored state on holds without what differs.

`forgetting` says just that in an `Analysis`: from the explored visit on it makes copies of
the visits in which what differs, and whatever follows from it, is forgotten, and lets the
copy stand for the new state.  Copies and originals are checked alike.  If something did
matter, a check of a copy fails: an arm held for dead can be taken, an access goes wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from bpfsmt.cfg import reads, writes
from bpfsmt.domain.analysis import Analysis, DeadArm, Edge, Visit
from bpfsmt.domain.order import Place, missing
from bpfsmt.domain.reg import NOT_INIT, Reg, RegType
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SLOT_SIZE, SPILL, Slot, State
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, Mode
from bpfsmt.prover import Proved, Solver
from bpfsmt.symbolic.claims import (
    assume,
    id_facts,
    location_holds,
    locations,
    spilled_value,
    value_at,
)
from bpfsmt.symbolic.state import Cell, SymState
from bpfsmt.symbolic.step import step
from bpfsmt.symbolic.values import UNINIT, Term, Value, conj, disj, neg

VALUE, ALL = 1, 3
"""What is forgotten of a register: which number it holds; or that it holds anything."""

BYTES = 0xFF
"""Of a slot it is said for each byte: in the lower eight bits which are forgotten altogether,
in the next eight of which the value is (bit ``j`` for ``kinds[j]``)."""

Lost: TypeAlias = Mapping[Place, int]
"""What is forgotten of a state, by place; more of it is more bits."""

ANY_NUMBER = Reg(RegType.SCALAR_VALUE)


def forgetting(analysis: Analysis, solver: Solver) -> Analysis:
    """The same claims, with a copy wherever a visit stands for a state not inside it.

    An analysis in which every pruned state lies inside what stands for it comes back as it is.
    """
    return _Forgetting(analysis, solver).run()


class _Forgetting:
    def __init__(self, analysis: Analysis, solver: Solver) -> None:
        self.analysis, self.solver = analysis, solver
        self.program, self.visits = analysis.program, analysis.visits
        self.out: dict[int, list[int]] = defaultdict(list)
        for n, edge in enumerate(analysis.edges):
            self.out[edge.src].append(n)
        self.gaps: dict[int, Lost] = {}
        self.lost: dict[int, dict[Place, int]] = {}

    def run(self) -> Analysis:
        for n, edge in enumerate(self.analysis.edges):
            if edge.pruned and any(missing(self.visits[edge.dst].state, edge.state)):
                self.gaps[n] = self.gap(edge)
        if not self.gaps:
            return self.analysis
        for n, gap in self.gaps.items():
            self.lose(self.analysis.edges[n].dst, gap)
        return self.copied()

    def lose(self, start: int, gap: Lost) -> None:
        """Forget these places in a visit, and what follows from them in those after it."""
        waiting = [(start, gap)] if gap else []
        while waiting:
            visit, new = waiting.pop()
            known = self.lost.setdefault(visit, {})
            more = {p: bits | known.get(p, 0) for p, bits in new.items()}
            if all(known.get(place, 0) == bits for place, bits in more.items()):
                continue
            known |= more
            for n in self.out[visit]:
                after = self.through(n, known)
                if after:
                    waiting.append((self.analysis.edges[n].dst, after))

    def through(self, number: int, lost: Lost) -> dict[Place, int]:
        """What is forgotten behind edge ``number`` if ``lost`` is before it."""
        edge = self.analysis.edges[number]
        insn = self.program[self.visits[edge.src].pc]
        before = self.visits[edge.src].state
        found = _moved(insn, edge.kind, before, lost)
        dirty = any(lost.get(place, 0) & bits for place, bits in _sources(insn, before))
        old, new = dict(locations(before)), dict(locations(edge.state))
        result: dict[Place, int] = {}
        for place, claim in locations(self.visits[edge.dst].state):
            bits = found.get(place, 0) | self.gaps.get(number, {}).get(place, 0)
            written = _written(insn, edge.kind, before, place)
            if dirty and (written or old.get(place) != new.get(place)):
                bits |= VALUE if isinstance(claim, Reg) else (written or BYTES) << 8
            if bits:
                result[place] = _whole(claim, bits)
        return result

    # What differs

    def gap(self, edge: Edge) -> Lost:
        """What the state that arrives by a pruned edge does not have of what stands for it."""
        source, target = self.visits[edge.src], self.visits[edge.dst]
        try:
            before = assume(source.state)
            stepped = step(self.program, source.pc, before.state, f"v{source.index}")
            arm = next((a for a in stepped.arms if a.kind == edge.kind), None)
            if arm is None or len(arm.state.frames) != len(target.state.frames):
                return {}
            known = conj(*before.facts, *stepped.assumed, arm.guard)
            return self.differing(known, arm.state, target.state)
        except UnsupportedError:
            return {}  # the checks will say so

    def differing(self, known: Term, state: SymState, claimed: State) -> Lost:
        """The places where ``state`` may be other than claimed."""
        claims = dict(locations(claimed))
        junk = self.analysis.uninit_stack
        terms = {
            p: location_holds(c, value_at(state, p), state, junk=junk) for p, c in claims.items()
        }
        gap: dict[Place, int] = {}
        if not self.follows(known, conj(*terms.values())):
            for place, term in terms.items():
                if not self.follows(known, term):
                    gap[place] = self.missing(known, claims[place], value_at(state, place))
        ids: list[tuple[Place, Reg, Value]] = []
        for place, claim in claims.items():
            at = value_at(state, place)
            reg = claim if isinstance(claim, Reg) else claim.spill
            value = at if isinstance(at, Value) else spilled_value(claim, at)
            if place not in gap and reg is not None and reg.id and value is not None:
                ids.append((place, reg, value))
        return gap | self.unlinked(known, ids)

    def unlinked(self, known: Term, ids: list[tuple[Place, Reg, Value]]) -> dict[Place, int]:
        """The places that do not agree with others of their id."""
        gap: dict[Place, int] = {}
        if self.follows(known, id_facts([(reg, value, True) for _, reg, value in ids])):
            return gap
        for n, (place, reg, value) in enumerate(ids):
            agreed = [x for x in ids[:n] if x[0] not in gap]
            facts = id_facts([*((r, v, False) for _, r, v in agreed), (reg, value, True)])
            if not self.follows(known, facts):
                gap[place] = _whole(reg, VALUE) if place[1][0] == "R" else BYTES << 8
        return gap

    def missing(self, known: Term, claim: Reg | Slot, at: Value | Cell) -> int:
        """What must be forgotten of a claim so that it holds."""
        if isinstance(claim, Reg):
            assert isinstance(at, Value)
            number = disj(*(a.guard for a in at.alts if a.region is UNINIT))
            plain = not claim.is_pointer and self.follows(known, neg(number))
            return VALUE if plain else ALL
        assert isinstance(at, Cell)
        if claim.spill is not None and claim.spill.is_pointer:
            return BYTES
        # Letter j of a slot speaks of the byte j below its upper end.
        written = reversed(at.when_written())
        return sum(
            (1 << 8 if self.follows(known, term) else 1) << j for j, term in enumerate(written)
        )

    def follows(self, known: Term, claim: Term) -> bool:
        """Whether a claim is proved."""
        return isinstance(self.solver.impossible(conj(known, neg(claim))), Proved)

    # The copies

    def copied(self) -> Analysis:
        """All claims, and the copies with their edges and dead arms."""
        copy = {v: len(self.visits) + n for n, v in enumerate(self.lost)}
        visits = list(self.visits)
        for v, lost in self.lost.items():
            visits.append(Visit(copy[v], self.visits[v].pc, weakened(self.visits[v].state, lost)))
        edges = []
        for n, edge in enumerate(self.analysis.edges):
            edges.append(self.arrival(visits, edge, copy, self.gaps[n]) if n in self.gaps else edge)
        dead = list(self.analysis.dead)
        for v in self.lost:
            for n in self.out[v]:
                edge = self.analysis.edges[n]
                after = self.through(n, self.lost[v])
                edges.append(replace(self.arrival(visits, edge, copy, after), src=copy[v]))
        for arm in self.analysis.dead:
            if arm.src in copy:
                dead.append(DeadArm(copy[arm.src], arm.pc, arm.kind))
        return replace(
            self.analysis, visits=visits, edges=edges, dead=dead, copies=len(copy),
        )  # fmt: skip

    def arrival(self, visits: list[Visit], edge: Edge, copy: Mapping[int, int], lost: Lost) -> Edge:
        """The edge, led to a copy if something is forgotten."""
        dst = copy[edge.dst] if lost else edge.dst
        return replace(edge, dst=dst, state=visits[dst].state)


def weakened(state: State, lost: Lost) -> State:
    """The state without what is forgotten."""
    for (f, name), bits in lost.items():
        frame = state.frames[f]
        if name[0] == "R":
            n = int(name[1:])
            weaker = NOT_INIT if bits & ~VALUE else ANY_NUMBER
            regs = (*frame.regs[:n], weaker, *frame.regs[n + 1 :])
            frames = (*state.frames[:f], frame._replace(regs=regs), *state.frames[f + 1 :])
            state = state._replace(frames=frames)
        else:
            n = int(name[3:]) // SLOT_SIZE - 1
            state = state.with_slot(f, n, _without(frame.stack.get(n, EMPTY_SLOT), bits))
    return state


def _without(slot: Slot, bits: int) -> Slot:
    """A slot without some of its bytes' values; a spilled register goes as a whole."""
    kinds = "".join(
        INVALID if bits >> j & 1 else MISC if bits >> 8 >> j & 1 and kind != INVALID else kind
        for j, kind in enumerate(slot.kinds)
    )
    if slot.spill is not None and kinds.count(SPILL) == slot.kinds.count(SPILL):
        return Slot(kinds, slot.spill)
    return Slot(kinds.replace(SPILL, MISC))


def _whole(claim: Reg | Slot, bits: int) -> int:
    """All bits that go with these: a pointer without its value is nothing."""
    if isinstance(claim, Reg):
        return ALL if claim.is_pointer else bits
    return BYTES if claim.spill is not None and claim.spill.is_pointer else bits


# What an instruction reads and writes


def _slot_of(insn: Instruction, number: int, state: State) -> tuple[Place, int] | None:
    """The stack slot that a load or store through register ``number`` touches, if known.

    With it the bytes of the slot, bit by bit.
    """
    ptr = state.regs[number]
    if ptr.type is not RegType.PTR_TO_STACK or not ptr.is_const:
        return None
    where, size = ptr.off + ptr.scalar.smin + insn.offset, insn.size.bytes
    place = ptr.frame, f"fp-{SLOT_SIZE * ((-where - 1) // SLOT_SIZE + 1)}"
    return place, ((1 << size) - 1) << -(where + size) % SLOT_SIZE


def _sources(insn: Instruction, state: State) -> list[tuple[Place, int]]:
    """On what the instruction's results depend, as places and bits of `Lost`.

    What a call gives does not depend on what it is given.
    """
    top = len(state.frames) - 1
    if insn.is_jmp and insn.jmp_op in (JmpOp.CALL, JmpOp.EXIT, JmpOp.JA):
        return []
    mask = reads(insn)
    found: list[tuple[Place, int]] = [((top, f"R{n}"), ALL) for n in range(11) if mask >> n & 1]
    atomic = insn.cls is Class.STX and insn.mode is Mode.ATOMIC
    if insn.cls is Class.LDX or atomic:
        touched = _slot_of(insn, insn.dst if atomic else insn.src, state)
        if touched is not None:
            slot, bits = touched
            found.append((slot, bits | bits << 8))
    return found


def _written(insn: Instruction, kind: str, state: State, place: Place) -> int:
    """Which bytes of a place the instruction itself writes, bit by bit as in a slot."""
    frame, name = place
    if kind in ("call", "return"):
        return 0
    if name[0] == "R":
        mine = frame == len(state.frames) - 1 and writes(insn) >> int(name[1:]) & 1
        return BYTES if mine else 0
    if insn.cls not in (Class.ST, Class.STX):
        return 0
    touched = _slot_of(insn, insn.dst, state)
    return touched[1] if touched is not None and touched[0] == place else 0


def _moved(insn: Instruction, kind: str, before: State, lost: Lost) -> dict[Place, int]:
    """What stays forgotten where it is not written, or goes elsewhere as it is."""
    top = len(before.frames) - 1
    if kind == "call":
        passed = {(top + 1, f"R{n}"): lost.get((top, f"R{n}"), 0) for n in range(1, 6)}
        return {**lost, **passed}
    if kind == "return":
        kept = {place: bits for place, bits in lost.items() if place[0] < top}
        return {**kept, (top - 1, "R0"): lost.get((top, "R0"), 0)}
    found: dict[Place, int] = {}
    for place, bits in lost.items():
        written = _written(insn, kind, before, place)
        if place[1][0] == "R":
            found[place] = 0 if written else bits
        else:
            found[place] = bits & ~(written | written << 8)
    if insn.is_alu and insn.alu_op is AluOp.MOV and insn.uses_reg:
        found[top, f"R{insn.dst}"] = lost.get((top, f"R{insn.src}"), 0)
    return found
