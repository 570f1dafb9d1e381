"""Random programs with their control flow known from how they were made.

The oracles below use nothing of `bpfsmt.cfg`: a program is drawn as a list of items whose
targets are items, and only then turned into instructions with offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from hypothesis import strategies as st

from bpfsmt.isa import Instruction
from bpfsmt.program import Program, ProgramType

Ways = Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class Item:
    """One instruction to be: what it is and, for jumps, the number of the item it goes to."""

    kind: str
    dst: int = 0
    src: int = 0
    target: int = 0


@dataclass(frozen=True)
class Drawn:
    """A random program and its true ways: from every pc the pcs that may follow."""

    items: tuple[Item, ...]

    @property
    def pcs(self) -> list[int]:
        sizes = [2 if item.kind == "wide" else 1 for item in self.items]
        return list(accumulate(sizes, initial=0))

    @property
    def ways(self) -> dict[int, frozenset[int]]:
        pcs, ways = self.pcs, {}
        for i, item in enumerate(self.items):
            follow = set() if item.kind in ("exit", "jump", "far jump") else {pcs[i + 1]}
            if item.kind in ("branch", "jump", "far jump"):
                follow.add(pcs[item.target])
            ways[pcs[i]] = frozenset(follow)
        return ways

    @property
    def program(self) -> Program:
        pcs, slots = self.pcs, list[Instruction | None]()
        for i, item in enumerate(self.items):
            distance = pcs[item.target] - pcs[i] - 1
            slots.append(_instruction(item, distance))
            if item.kind == "wide":
                slots.append(None)
        return Program("drawn", ProgramType.XDP, tuple(slots))


def _instruction(item: Item, distance: int) -> Instruction:
    dst, src = item.dst, item.src
    return {
        "move": Instruction(0xBF, dst, src),
        "set": Instruction(0xB7, dst, imm=7),
        "add": Instruction(0x0F, dst, src),
        "wide": Instruction(0x18, dst, imm=1),
        "helper": Instruction(0x85, imm=5),
        "exit": Instruction(0x95),
        "jump": Instruction(0x05, offset=distance),
        "far jump": Instruction(0x06, imm=distance),
        "branch": Instruction(0x1D, dst, src, offset=distance),
    }[item.kind]


STRAIGHT = ("move", "set", "add", "wide", "helper")
TURNS = ("branch", "branch", "branch", "jump", "far jump", "exit")


@st.composite
def drawn_programs(draw: st.DrawFn, most: int = 24, *, forward: bool = False) -> Drawn:
    """Well-formed programs of one function; with ``forward`` without cycles."""
    count = draw(st.integers(1, most))
    register = st.integers(0, 9)
    items = []
    for i in range(count):
        last = i == count - 1
        kinds = ("exit",) if last and forward else ("exit", "jump") if last else STRAIGHT + TURNS
        target = draw(st.integers(min(i + 1, count - 1) if forward else 0, count - 1))
        items.append(Item(draw(st.sampled_from(kinds)), draw(register), draw(register), target))
    return Drawn(tuple(items))


def closure(ways: Ways, start: int, without: int | None = None) -> frozenset[int]:
    """What ``start`` reaches (itself included) when the node ``without`` is taken away."""
    if start == without:
        return frozenset()
    seen, waiting = {start}, [start]
    while waiting:
        for target in ways[waiting.pop()]:
            if target != without and target not in seen:
                seen.add(target)
                waiting.append(target)
    return frozenset(seen)


def paths(ways: Ways, start: int) -> Iterable[tuple[int, ...]]:
    """All paths from ``start`` to an end; only for programs without cycles."""
    if not ways[start]:
        yield (start,)
    for target in ways[start]:
        for rest in paths(ways, target):
            yield (start, *rest)
