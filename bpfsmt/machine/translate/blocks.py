"""The blocks of one function as it runs: all that can be reached from its entry by jumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpfsmt.cfg import reads, writes
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.program.program import Program

_DUPLICATED = 4  # instructions of an exit that is rather written twice than jumped to


@dataclass(slots=True)
class Block:
    """Instructions that run one after the other, and where control goes then.

    ``ways`` are the pcs of the next instructions: of a branch the one not taken first.  A pc
    where no instruction starts is a way to nowhere.
    """

    pc: int
    insns: list[tuple[int, Instruction]]
    ways: tuple[int, ...]
    entries: int = 0
    order: int = 0
    live: int = 0


@dataclass(slots=True)
class Flow:
    """The blocks by pc.  ``order`` in a block is its place in reverse postorder."""

    entry: int
    blocks: dict[int, Block] = field(default_factory=dict)

    def is_root(self, pc: int) -> bool:
        """Whether a block is a place to jump to: several ways lead there."""
        block = self.blocks[pc]
        return pc == self.entry or (block.entries > 1 and not _small_exit(block))


def function_flow(program: Program, entry: int, arity: Mapping[int, int]) -> Flow:
    """Cut what can be reached from ``entry`` into blocks.

    ``arity`` is how many arguments some helpers look at, by number.
    """
    ways = _reachable(program, entry)
    into: dict[int, int] = {}
    for onward in ways.values():
        for target in onward:
            into[target] = into.get(target, 0) + 1
    leaders = {entry} | {pc for pc, count in into.items() if count > 1}
    leaders |= {target for onward in ways.values() if len(onward) > 1 for target in onward}
    flow = Flow(entry)
    for leader in sorted(leaders & ways.keys()):
        flow.blocks[leader] = _block(program, ways, leaders, leader)
    for block in flow.blocks.values():
        block.entries = into.get(block.pc, 0)
    _number(flow)
    _liveness(flow, arity)
    return flow


def _onward(pc: int, insn: Instruction) -> tuple[int, ...]:
    """Where control may go after an instruction, in or out of the program."""
    after = pc + insn.slots
    if not insn.is_jmp or insn.is_call:
        return (after,)
    if insn.jmp_op is JmpOp.EXIT:
        return ()
    if insn.jmp_op is JmpOp.JA:
        return (after + (insn.imm if insn.cls is Class.JMP32 else insn.offset),)
    return (after, after + insn.offset)


def _reachable(program: Program, entry: int) -> dict[int, tuple[int, ...]]:
    ways: dict[int, tuple[int, ...]] = {}
    waiting = [entry]
    while waiting:
        pc = waiting.pop()
        insn = program.slots[pc] if 0 <= pc < len(program) else None
        if insn is not None and pc not in ways:
            ways[pc] = _onward(pc, insn)
            waiting += ways[pc]
    return ways


def _block(program: Program, ways: dict[int, tuple[int, ...]], leaders: set[int], pc: int) -> Block:
    insns = []
    start = pc
    while True:
        insns.append((pc, program[pc]))
        onward = ways[pc]
        if len(onward) != 1 or onward[0] in leaders or onward[0] not in ways:
            return Block(start, insns, onward)
        pc = onward[0]


def _small_exit(block: Block) -> bool:
    if block.ways or len(block.insns) > _DUPLICATED:
        return False
    return all(insn.is_alu or insn.is_ld_imm64 for _, insn in block.insns[:-1])


def _number(flow: Flow) -> None:
    """Reverse postorder, without recursion: programs can be long."""
    finished: list[int] = []
    seen = {flow.entry}
    path = [(flow.entry, iter(flow.blocks[flow.entry].ways))]
    while path:
        pc, rest = path[-1]
        following = next((w for w in rest if w in flow.blocks and w not in seen), None)
        if following is None:
            finished.append(pc)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(flow.blocks[following].ways)))
    for order, pc in enumerate(reversed(finished)):
        flow.blocks[pc].order = order


def _reads(insn: Instruction, arity: Mapping[int, int]) -> int:
    """The registers that an instruction depends on, as a mask."""
    if insn.helper in arity:
        return (1 << arity[insn.imm] + 1) - 2
    return reads(insn)


def _liveness(flow: Flow, arity: Mapping[int, int]) -> None:
    """For each block the registers that may be read before they are written, as a mask."""
    backwards = sorted(flow.blocks.values(), key=lambda block: -block.order)
    changed = True
    while changed:
        changed = False
        for block in backwards:
            mask = 0
            for way in block.ways:
                if way in flow.blocks:
                    mask |= flow.blocks[way].live
            for _, insn in reversed(block.insns):
                mask = mask & ~writes(insn) | _reads(insn, arity)
            if mask != block.live:
                block.live, changed = mask, True
