"""A walk in few letters: a digest of what is known after every instruction.

Two walks of ours have the same digests just where `bpfsmt.agree.abreast` finds no difference:
ids count by what shares them, not by their numbers.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bpfsmt.agree.relation import plain, told
from bpfsmt.agree.trace import read_trace
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.reg import ADDED, Reg
from bpfsmt.domain.state import EMPTY_SLOT, State
from bpfsmt.isa import encode
from bpfsmt.kernel.log.states import StateText
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program.program import Program

_ID = re.compile(r"\b(id|ref_obj_id)=(\d+)")


class Step(NamedTuple):
    """An instruction that was walked one way, and all that is known after it, as a text."""

    pc: int
    text: str


def short(*parts: str, letters: int = 16) -> str:
    """A digest of the parts, in hexadecimal."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:letters]


def program_digest(program: Program) -> str:
    """Of everything that a verifier sees of a program, and nothing else (names, comments)."""
    signatures = sorted(program.signatures.items())
    rest = (program.type.value, program.flags, program.license, program.maps, signatures)
    return short(encode(program.slots).hex(), repr(rest), letters=32)


def steps(walk: Analysis | LoadResult) -> Iterator[Step]:
    """The steps of a walk in its order."""
    return _ours(walk) if isinstance(walk, Analysis) else _printed(walk)


def _ours(analysis: Analysis) -> Iterator[Step]:
    inner = {edge.dst for edge in analysis.edges if not edge.pruned}
    for visit in analysis.visits:
        if visit.index not in inner:
            yield Step(visit.pc, _state(visit.state))
    for edge in analysis.edges:
        text = f"{edge.kind} {edge.pc} {edge.pruned} {_state(edge.state)}"
        yield Step(analysis.visits[edge.src].pc, text)


def _printed(result: LoadResult) -> Iterator[Step]:
    for path in read_trace(result.program, result.log.splitlines()).paths:
        yield Step(max(path.dst, 0), f"from {path.src}")
        for step in path.steps:
            yield Step(step.pc, _text([*step.before, *step.after]))


def _text(texts: Iterable[StateText]) -> str:
    """What a kernel printed, with ids in the order in which they come."""
    names: dict[str, str] = {}
    whole = repr([tuple(text) for text in texts])
    return _ID.sub(lambda m: f"{m[1]}={names.setdefault(m[2], str(len(names)))}", whole)


def _state(state: State) -> str:
    names: dict[int, int] = {}
    parts = [str(len(state.refs))]
    for frame in state.frames:
        parts += [_reg(reg, names) for reg in frame.regs]
        for n, slot in sorted(frame.stack.items()):
            if slot != EMPTY_SLOT:
                slot = told(slot)
                parts.append(f"{n}:{slot.kinds}" + (_reg(slot.spill, names) if slot.spill else ""))
    return " ".join(parts)


def _reg(reg: Reg, names: dict[int, int]) -> str:
    known = _plain(reg)
    name = reg.id & ~ADDED
    if not name or (not reg.is_pointer and reg.is_const):
        return known
    return f"{known}#{names.setdefault(name, len(names))}+{0 if reg.is_pointer else reg.off}"


@functools.lru_cache(maxsize=50_000)
def _plain(reg: Reg) -> str:
    """All of a register but for names; in numbers, for a log leaves out what is implied."""
    r = plain(reg)
    fields = (*r.scalar.var_off, *r.scalar[1:], r.off, r.range, r.map, r.frame, r.mem)
    return r.type.value + ",".join(map(str, fields))
