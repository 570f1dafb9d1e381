"""One function as a Python function.

Where several ways meet is a *root*: a place to jump to, chosen by the variable ``b`` in a
loop.  What has only one way to it stands where that way leads, so most of a program is
nested ``if``s without any jump.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bpfsmt.bits.inline import Operand
from bpfsmt.isa.opcodes import JmpOp
from bpfsmt.machine.translate.blocks import Block, Flow, function_flow
from bpfsmt.machine.translate.emit import Emitter, HelperKinds, Line
from bpfsmt.machine.translate.facts import CTX, STACK, UNKNOWN, UNWRITTEN, Fact, exact, join
from bpfsmt.program.program import Program

_DEEPEST = 40
"""Levels of nesting before a block becomes a place to jump to."""

_PROLOGUE = {
    "mem": "mem = m.memory",
    "pkt": "pkt = m.packet",
    "pk": "pk = pkt.region.data",
    "pb": "pm, pd, pe, pb = pkt.bounds",
    "sk": "sk = g.data",
    "fp": "fp = g.end",
    "cx": "cx = m.ctx.base",
    "cd": "cd = m.context.data",
    "most": "most = m.budget",
    "left": "left = m.env.rounds",
}
_WORDS = re.compile(r"[a-z_]\w*")
_PACKET_WORDS = frozenset({"pk", "pm", "pd", "pe", "pb"})


@dataclass(slots=True)
class _Root:
    """The code at one place to jump to; ``loops`` if it jumps back to its own start."""

    lines: list[Line] = field(default_factory=list)
    loops: bool = False


def translate_function(
    program: Program, entry: int, name: str, kinds: HelperKinds, *, main: bool
) -> list[Line]:
    """The lines of a Python function ``name`` for the function at ``entry``.

    ``main`` says that R1 is the context.
    """
    return _Translator(program, entry, kinds, main=main).function(name)


class _Translator:
    def __init__(self, program: Program, entry: int, kinds: HelperKinds, *, main: bool) -> None:
        self.program = program
        self.kinds = kinds
        self.flow: Flow = function_flow(program, entry, kinds.arity)
        self.roots: dict[int, _Root] = {}
        self.waiting: list[int] = [entry]
        self.start = _at_start(main=main)
        self.entering: dict[int, list[Fact]] = {entry: list(self.start)}
        self._find_facts()

    def _emitter(self, facts: list[Fact], lines: list[Line]) -> Emitter:
        emitter = Emitter(self.program, self.kinds, lines)
        emitter.facts = list(facts)
        return emitter

    # What is known at the start of each block -------------------------------------------

    def _find_facts(self) -> None:
        """Pass facts along all ways until nothing changes any more."""
        waiting = {self.flow.entry}
        while waiting:
            pc = min(waiting, key=lambda each: self.flow.blocks[each].order)
            waiting.remove(pc)
            block = self.flow.blocks[pc]
            emitter = self._emitter(self.entering[pc], [])
            for at, insn in block.insns:
                emitter.step(at, insn)
            for way in block.ways:
                if way in self.flow.blocks and self._pass_on(way, emitter.facts):
                    waiting.add(way)

    def _pass_on(self, way: int, facts: list[Fact]) -> bool:
        """Join facts into those at a block's start; whether that changed them."""
        known = self.entering.get(way)
        joined = list(facts) if known is None else list(map(join, known, facts))
        self.entering[way] = joined
        return joined != known

    # Paths -------------------------------------------------------------------------------

    def function(self, name: str) -> list[Line]:
        """All of it."""
        while self.waiting:
            pc = self.waiting.pop()
            if pc not in self.roots:
                self.roots[pc] = root = _Root()
                self._path(root, pc, self._emitter(self.entering[pc], root.lines), pc)
        body = [*self._beginning(), *self._dispatched()]
        return [*_head(name, body), *body]

    def _beginning(self) -> Iterator[Line]:
        """What the first block expects: it may be jumped back to with other values."""
        entry = self.flow.entry
        lines: list[Line] = []
        self._emitter(self.start, lines).spell_out(
            self.flow.blocks[entry].live, self.entering[entry]
        )
        yield from (line._replace(depth=1) for line in lines)
        if self._jumps:
            yield Line(1, f"b = {entry}", entry, 0)

    @property
    def _jumps(self) -> bool:
        return len(self.roots) > 1

    def _path(self, root: _Root, start: int, emitter: Emitter, pc: int) -> None:
        """Code from a block on, until it jumps or leaves."""
        block = self.flow.blocks[pc]
        while True:
            *before, (last, insn) = block.insns
            for at, each in before:
                emitter.step(at, each)
            if insn.is_jmp and insn.jmp_op is JmpOp.EXIT:
                emitter.leave(last)
                return
            if len(block.ways) == 1:
                emitter.step(last, insn)
                way = block.ways[0]
            else:
                taken = emitter.condition(last, insn)
                way = self._branch(root, start, emitter, block, taken)
            if not self._continues(emitter, way):
                self._jump(root, start, emitter, block, way)
                return
            block = self.flow.blocks[way]

    def _branch(
        self, root: _Root, start: int, emitter: Emitter, block: Block, taken: Operand
    ) -> int:
        """The way that is taken gets its code; the other one is where the path goes on."""
        other, way = block.ways
        if taken.constant is not None:
            return way if taken.constant else other
        emitter.line(f"if {taken.text}:")
        inner = self._emitter(emitter.facts, emitter.lines)
        inner.depth, inner.pc, inner.count = emitter.depth + 1, emitter.pc, emitter.count
        if self._continues(inner, way):
            self._path(root, start, inner, way)
        else:
            self._jump(root, start, inner, block, way)
        emitter.stays(block.insns[-1][1])
        return other

    def _continues(self, emitter: Emitter, way: int) -> bool:
        """Whether a way's code stands right here."""
        known = way in self.flow.blocks
        return known and not self.flow.is_root(way) and emitter.depth < _DEEPEST

    def _jump(self, root: _Root, start: int, emitter: Emitter, block: Block, way: int) -> None:
        target = self.flow.blocks.get(way)
        if target is None:
            emitter.nowhere(way)
            return
        self.waiting.append(way)
        emitter.spell_out(target.live, self.entering[way])
        emitter.line(f"n += {emitter.count}")
        if target.order <= block.order:
            emitter.line("if n >= most: over_budget(m, n)")
        if way == start:
            root.loops = True
            emitter.line("continue")
        else:
            emitter.line(f"b = {way}")
            emitter.line("JUMP")

    # Putting together ----------------------------------------------------------------------

    def _dispatched(self) -> Iterator[Line]:
        order = sorted(self.roots, key=lambda pc: self.flow.blocks[pc].order)
        if not self._jumps:
            yield from self._root(order[0], 1)
            return
        yield Line(1, "while True:", self.flow.entry, 0)
        yield from self._choice(sorted(order), 2)

    def _choice(self, pcs: list[int], depth: int) -> Iterator[Line]:
        """Find the root whose number ``b`` is, by halves."""
        if len(pcs) == 1:
            yield from self._root(pcs[0], depth)
            return
        middle = len(pcs) // 2
        yield Line(depth, f"if b < {pcs[middle]}:", self.flow.entry, 0)
        yield from self._choice(pcs[:middle], depth + 1)
        yield Line(depth, "else:", self.flow.entry, 0)
        yield from self._choice(pcs[middle:], depth + 1)

    def _root(self, pc: int, depth: int) -> Iterator[Line]:
        root = self.roots[pc]
        if root.loops:
            yield Line(depth, "while True:", pc, 0)
            depth += 1
        away = "break" if root.loops else "continue"
        for line in root.lines:
            text = away if line.text == "JUMP" else line.text
            yield line._replace(depth=line.depth + depth, text=text)


def _at_start(*, main: bool) -> list[Fact]:
    """What a function knows of its registers: arguments are unknown, the rest unwritten."""
    facts = list(UNWRITTEN)
    facts[1:6] = [UNKNOWN] * 5
    if main:
        facts[1:6] = [exact(CTX), *UNWRITTEN[2:6]]
    facts[10] = exact(STACK)
    return facts


def _head(name: str, body: list[Line]) -> Iterator[Line]:
    """The function's first lines: only what its body uses is fetched."""
    words = {word for line in body if not line.refresh for word in _WORDS.findall(line.text)}
    if words & _PACKET_WORDS:
        words |= {"pkt", "pb"}
    else:
        body[:] = [line for line in body if not line.refresh]
    yield Line(0, f"def {name}(m, g, r1, r2, r3, r4, r5):", 0, 0)
    for word, text in _PROLOGUE.items():
        if word in words:
            yield Line(1, text, 0, 0)
    yield Line(1, "n = m.steps", 0, 0)
