"""How two sides differ on one program: verdict, reason, length of the walk, states.

In `bpfsmt.agree` one is ours and the other a kernel's.  Here they are A and B, before and
after: what is tighter is so in B.  B stands where `agree` has ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bpfsmt.agree.abreast import Arrival, abreast, compare_arrival
from bpfsmt.agree.relation import Relation
from bpfsmt.agree.states import Pair, States, compare_states
from bpfsmt.agree.verdicts import same_kind
from bpfsmt.corpus.side import Said
from bpfsmt.domain import format_state
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.errors import BpfsmtError
from bpfsmt.isa import disassemble
from bpfsmt.kernel.log import parse_log
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program.program import Program

VERDICT, STATES, WALKED, UNKNOWN = "verdict", "states", "walked", "unknown"
"""The kinds of differences; `UNKNOWN` is none: one side does not support the program."""

LEVELS = {"verdict": {VERDICT}, "states": {VERDICT, STATES}, "any": {VERDICT, STATES, WALKED}}
"""Which kinds count where one asks for so much."""

WORDS = {
    Relation.EQUAL: "equal", Relation.TIGHTER: "tighter", Relation.WIDER: "looser",
    Relation.OTHER: "incomparable", Relation.DISJOINT: "disjoint", Relation.NAMES: "ids",
}  # fmt: skip
"""What B knows next to A, in one word; "ids" is equal but for which values are linked."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first instruction after which the walks do not say the same.

    ``insn`` is its text, "" if it is about the state that a function or a path starts with.
    ``a`` and ``b`` are what differs, as a kernel's log writes it; ``whole`` are both states,
    where both are known.
    """

    pc: int
    insn: str
    a: str
    b: str
    whole: tuple[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        whole = self.whole and {"A": self.whole[0], "B": self.whole[1]}
        return {"pc": self.pc, "insn": self.insn, "A": self.a, "B": self.b, "states": whole}


@dataclass(frozen=True, slots=True)
class Difference:
    """One program: both verdicts, and how far both walks are the same.

    ``states`` counts registers and stack slots, `None` where those of one side are not there;
    ``parting`` is `None` where no difference is seen.  ``compared`` says whether states were
    compared, if only by digests, as far as there are any: not so if there are too many.
    ``walks`` says in which ways the walks differ: `STATES`, `WALKED`.
    """

    name: str
    a: Verdict
    b: Verdict
    walked: tuple[int | None, int | None] = (None, None)
    states: States | None = None
    parting: Parting | None = None
    walks: frozenset[str] = frozenset()
    compared: bool = False
    seconds: float = 0.0
    bug: str = ""

    @property
    def kinds(self) -> set[str]:
        """Which kinds of differences there are."""
        found = set(self.walks)
        if Outcome.UNSUPPORTED in (self.a.outcome, self.b.outcome):
            return found | {UNKNOWN}
        if not same_verdict(self.a, self.b):
            found.add(VERDICT)
        if None not in self.walked and self.walked[0] != self.walked[1]:
            found.add(WALKED)
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        counts = self.states and {w: self.states.pairs[r] for r, w in WORDS.items()}
        return {
            "program": self.name,
            "differs": sorted(self.kinds),
            "A": verdict_json(self.a),
            "B": verdict_json(self.b),
            "walked": {"A": self.walked[0], "B": self.walked[1]},
            "states_compared": self.compared,
            "states": counts,
            "first": self.parting and self.parting.to_json(),
            "seconds": round(self.seconds, 4),
        }


def same_verdict(a: Verdict, b: Verdict) -> bool:
    """Accepted by both, or rejected for one kind of reason at one instruction.

    A rejection that names no instruction is at any.
    """
    if a.outcome is not b.outcome:
        return False
    if a.outcome is Outcome.ACCEPT:
        return True
    return (a.pc == b.pc or -1 in (a.pc, b.pc)) and (same_kind(a, b) or same_kind(b, a))


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data."""
    return {
        "verdict": verdict.outcome.value,
        "pc": verdict.pc if verdict.pc >= 0 else None,
        "kind": verdict.kind,
        "message": verdict.message,
    }


def difference(program: Program, a: Said, b: Said) -> Difference:
    """Compare what two sides say of one program."""
    states, parting, walks = _walks(a.walk, b.walk)
    if states is not None:
        states.told = []  # of many programs these are many, and what is to be told is told
    return Difference(
        program.name, a.verdict, b.verdict, (a.walked, b.walked), states, parting,
        walks=frozenset(walks), compared=states is not None or 0 in (a.walked, b.walked),
        seconds=a.seconds + b.seconds, bug=a.bug or b.bug,
    )  # fmt: skip


Walk = Analysis | LoadResult | None
Compared = tuple[States | None, Parting | None, set[str]]
"""The counts, where the walks part first, and the kinds of all their differences."""


def _walks(a: Walk, b: Walk) -> Compared:
    """Compare two walks, whoever they are of."""
    if isinstance(a, Analysis) and isinstance(b, Analysis):
        return _ours(a, b)
    if isinstance(a, Analysis) and isinstance(b, LoadResult):
        return _printed(a.program, _turned(compare_states(a, b)))
    claims = _claims(b) if isinstance(b, LoadResult) else b
    if a is None or claims is None:
        return None, None, set()
    assert isinstance(a, LoadResult)
    return _printed(a.program, compare_states(claims, a))


def _claims(result: LoadResult) -> Analysis | None:
    """A kernel's log as claims; `None` if it cannot be read as such."""
    try:
        analysis = parse_log(result.program, result.log, accepted=result.accepted).analysis
    except BpfsmtError:
        return None
    return None if analysis.verdict.outcome is Outcome.UNSUPPORTED else analysis


def _ours(a: Analysis, b: Analysis) -> Compared:
    """Two walks of ours: every place is compared, and which ways they go."""
    found, parting, kinds = States(walked=len(a.visits)), None, set[str]()
    for arrival in abreast(b, a):
        found.aligned += 1
        different = compare_arrival(b, arrival, found)
        if different or None in (arrival.ours, arrival.other):
            kinds.add(STATES)
        elif arrival.parts:
            kinds.add(WALKED)
        else:
            continue
        parting = parting or _parting(a.program, arrival, different)
    return found, parting, kinds


def _parting(program: Program, arrival: Arrival, different: list[Pair]) -> Parting:
    """What differs at one place, or which of the walks goes on there."""
    b, a = _texts(different) if different else arrival.fates
    maps = (*program.maps, *(m.inner for m in program.maps if m.inner))
    whole = None
    if arrival.ours and arrival.other:
        whole = format_state(arrival.other, maps), format_state(arrival.ours, maps)
    pc = arrival.pc if arrival.pc >= 0 else arrival.to
    way = "" if different else f" to {arrival.to}"
    return Parting(pc, instruction(program, arrival.pc) + way, a, b, whole)


def _printed(program: Program, states: States) -> Compared:
    """What a kernel's log tells of: the first places that differ are those of one instruction."""
    if not states.told:
        return states, None, set()
    first = states.told[0]
    places: dict[str, Pair] = {}
    for pair in states.told:
        if (pair.pc, pair.after) == (first.pc, first.after):
            places.setdefault(pair.place, pair)
    b, a = _texts(list(places.values()))
    insn = instruction(program, first.pc) if first.after else ""
    return states, Parting(first.pc, insn, a, b), {STATES}


def _texts(pairs: list[Pair]) -> tuple[str, str]:
    """What differs, of ours and of the other."""
    ours = " ".join(f"{pair.place}={pair.ours}" for pair in pairs)
    return ours, " ".join(f"{pair.place}={pair.kernel}" for pair in pairs)


def instruction(program: Program, pc: int) -> str:
    """An instruction as a kernel's log writes it, "" where there is none."""
    insn = program.slots[pc] if 0 <= pc < len(program) else None
    return "" if insn is None else disassemble(insn, pc, "kernel").split(") ", 1)[-1]


_OTHER_WAY = {Relation.TIGHTER: Relation.WIDER, Relation.WIDER: Relation.TIGHTER}


def _turned(states: States) -> States:
    """The same comparison from the other side."""
    found = replace(states)
    found.pairs = type(states.pairs)(
        {_OTHER_WAY.get(relation, relation): n for relation, n in states.pairs.items()}
    )
    found.told = [
        pair._replace(
            ours=pair.kernel, kernel=pair.ours,
            relation=_OTHER_WAY.get(pair.relation, pair.relation),
        )
        for pair in states.told
    ]  # fmt: skip
    return found
