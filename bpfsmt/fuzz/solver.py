"""Z3 as an oracle: the claims of an accepted program, step by step and of the whole program.

Its budget is counted in what Z3 does, not in seconds, so that an answer is the same on every
machine.  A step that leaves a claim is told with the rule and the component that are wrong; where
the whole program can be encoded, an input is looked for that really gets there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.forget import forgetting
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.crosscheck.replay import replay
from bpfsmt.crosscheck.whole import Whole
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.domain.analysis import Analysis, Edge, Visit
from bpfsmt.domain.reg import Reg
from bpfsmt.domain.scalar import COMPONENTS, component
from bpfsmt.domain.state import State
from bpfsmt.errors import UnsupportedError
from bpfsmt.fuzz.blame import PRUNING, START, rule_of
from bpfsmt.fuzz.finding import WHOLE, Key, Kind, Oracle, Shown
from bpfsmt.fuzz.settings import Settings
from bpfsmt.prover import Refuted, Solver
from bpfsmt.symbolic.claims import Location, locations
from bpfsmt.symbolic.encode import Encoding, encode
from bpfsmt.symbolic.values import conj

MOST_VISITS = 400
"""Of a longer walk nothing is asked."""

MOST_REFUTED = 8
"""So many false claims of one program are put to a rule; more are mostly of the same one."""

REACHED = 4
"""So many places that no run came to are asked for."""


class Prover:
    """Z3 on one accepted program; ``counts`` says what came of its queries.

    ``analysis`` is what the walk claims, ``full`` all that it knew on its way, of which the
    steps have to be right as well.  With ``thorough``, an input is looked for that really shows
    what is wrong with a step.
    """

    def __init__(
        self, analysis: Analysis, full: Analysis, settings: Settings, *, thorough: bool = False
    ) -> None:
        self._thorough = thorough
        self.counts: Counter[str] = Counter()
        self._patience = settings.patience
        self._solver = Solver(work=settings.work)
        self._analysis, self._full = analysis, full
        self._encoding: Encoding | None = None
        if len(analysis.visits) <= MOST_VISITS:
            try:
                self._encoding = encode(analysis.program)
            except UnsupportedError:
                self.counts["z3 unencoded"] += 1

    def inputs(self, reached: set[int]) -> Iterator[Witness]:
        """Inputs that get to places to which no run came (``reached`` are the others)."""
        if self._encoding is None:
            return
        missed = [n for n in self._encoding.nodes.values() if n.point[1] not in reached]
        for node in missed[:REACHED]:
            answer = self._solver.impossible(conj(self._encoding.known, node.reach))
            if isinstance(answer, Refuted):
                yield witness_of(self._encoding, answer.model)

    def claims(self) -> Iterator[Shown]:
        """The claims that are false, each rule and component once."""
        self.counts["z3 programs"] += 1
        if len(self._analysis.visits) > MOST_VISITS:
            self.counts["z3 unknown"] += 1
            return
        seen: set[Key] = set()
        for steps, asked in self._passes():
            refuted = (f for f in self._counted(asked) if f.status is Status.REFUTED)
            for finding in islice(refuted, MOST_REFUTED):
                key = steps.key(finding)
                if key not in seen:
                    seen.add(key)
                    yield self._told(key, steps.pc, finding)
            if seen:
                return
        yield from self._whole()

    def holds(self, pc: int | None) -> bool:
        """Whether it proves all that is claimed of steps from ``pc``; of all steps for `None`."""
        for steps, asked in self._passes():
            if pc is not None:
                asked = (f for v in steps.analysis.at(pc) for f in steps.visit(v))
            if any(f.status is not Status.PROVED for f in asked):
                return False
        return True

    def _passes(self) -> Iterator[tuple[_Steps, Iterator[Finding]]]:
        """What is claimed on each way alone first, then where states stand for several."""
        ways = _Steps(self._full, self._solver)
        yield ways, ways.alone()
        whole = _Steps(forgetting(self._analysis, self._solver), self._solver)
        yield whole, whole.run()

    def _counted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        unknown = 0
        for finding in findings:
            self.counts[f"z3 {finding.status.value}"] += 1
            unknown += finding.status is Status.UNKNOWN
            yield finding
            if unknown >= self._patience:
                return

    def _told(self, key: Key, pc: int, finding: Finding) -> Shown:
        """The finding with an input that really shows it, if one is found."""
        steps = ", ".join(f"{name}={value}" for name, value in sorted(finding.witness.items()))
        text = f"{finding.check} at {finding.pc}: {finding.claim}: {finding.why} ({steps})"
        for whole in self._refuted() if self._thorough else ():
            return Shown(key, Oracle.Z3, pc, f"{text}; {whole.why}", whole.witness["inputs"])
        return Shown(key, Oracle.Z3, pc, text)

    def _whole(self) -> Iterator[Shown]:
        """What only the formula of the whole program refutes."""
        for finding in islice(self._refuted(), 1):
            key = Key(Kind.CLAIM.value, finding.check, WHOLE)
            text = f"{finding.check} at {finding.pc}: {finding.claim}: {finding.why}"
            yield Shown(key, Oracle.Z3, finding.pc, text, finding.witness["inputs"])

    def _refuted(self) -> Iterator[Finding]:
        """The refutations by whole runs that replay, as they come."""
        if self._encoding is None:
            return
        whole = Whole(self._analysis, self._encoding, self._solver)
        for finding in self._counted(whole.run(induction=False, seconds=0)):
            again = replay(self._analysis, self._encoding, finding)
            if again.status is Status.REFUTED and isinstance(again.witness["inputs"], Witness):
                yield again


class _Steps(Inductive):
    """The inductive check, which remembers where it is, so that a finding can be put to a rule."""

    at: Visit | None = None
    edge: Edge | None = None

    def alone(self) -> Iterator[Finding]:
        """Every step, but not whether one state stands for another."""
        for visit in self.analysis.visits:
            yield from self.visit(visit)

    def visit(self, visit: Visit) -> Iterator[Finding]:
        """As it is, and remembered."""
        self.at, self.edge = visit, None
        yield from super().visit(visit)

    def pruned(self, edge: Edge) -> Finding:
        """As it is, and remembered."""
        self.at, self.edge = self.analysis.visits[edge.src], edge
        return super().pruned(edge)

    @property
    def pc(self) -> int:
        """The instruction whose step was looked at."""
        return 0 if self.at is None else self.at.pc

    def key(self, finding: Finding) -> Key:
        """The rule and the component that a refuted finding is about."""
        kind, check = Kind.CLAIM.value, finding.check
        if self.at is None:
            return Key(kind, START, "")
        if self.edge is not None:
            return Key(kind, PRUNING, "state")
        state, to = self.at.state, finding.pc
        if check in ("safety", "dead-arm"):
            arms = [d.pc for d in self.dead[self.at.index] if d.kind in finding.claim]
            to = arms[0] if arms else -1
            rule = rule_of(self.program, self.pc, state, to=to, where="")
            return Key(kind, rule, "fault" if check == "safety" else "unreached")
        where = _where(finding.claim)
        edges = [e for e in self.out[self.at.index] if e.pc == to]
        part = self._part(edges[0], finding) if edges else ""
        rule = rule_of(self.program, self.pc, state, to=to, where=where, part=part)
        return Key(kind, rule, part)

    def _part(self, edge: Edge, finding: Finding) -> str:
        """The component of the claim that is false: each is asked about alone."""
        claims = locations(edge.state)
        named = [(at, what) for at, what in claims if finding.claim.startswith(f"{_name(at)}=")]
        if not named:
            return "id" if "id agree" in finding.claim else "split"
        at, what = named[0]
        reg = what if isinstance(what, Reg) else what.spill
        if reg is None:
            return "bytes"
        for name in COMPONENTS:
            alone = reg._replace(scalar=component(reg.scalar, name), id=0)
            if self._fails(edge, _with(edge.state, at, alone)):
                return name
        return "type" if reg.is_pointer else "scalar"

    def _fails(self, edge: Edge, claim: State) -> bool:
        """Whether the edge's step leaves this claim."""
        before = self.analysis.visits[edge.src]
        visits = [replace(before, index=0), Visit(1, edge.pc, claim)]
        weak = replace(edge, src=0, dst=1, state=claim, pruned=False)
        little = replace(self.analysis, visits=visits, edges=[weak], dead=[], copies=0)
        checks = Inductive(little, self.solver).visit(visits[0])
        return any(f.check == "inductive" and f.status is Status.REFUTED for f in checks)


def _where(claim: str) -> str:
    """The register or slot that a claim in log syntax is about; "" if it is about none."""
    name = claim.partition("=")[0]
    return name if name.rpartition(" ")[2][:1] in ("R", "f") and "=" in claim else ""


def _name(at: Location) -> str:
    return f"frame{at[0]} {at[1]}" if at[0] else at[1]


def _with(state: State, at: Location, reg: Reg) -> State:
    """The state that claims just this of the place, and nothing of any other."""
    frame, name = at
    if name.startswith("R"):
        frames = list(state.frames)
        regs = list(frames[frame].regs)
        regs[int(name[1:])] = reg
        frames[frame] = frames[frame]._replace(regs=tuple(regs))
        return state._replace(frames=tuple(frames))
    number = int(name[3:]) // 8 - 1
    return state.with_slot(frame, number, state.frames[frame].stack[number]._replace(spill=reg))
