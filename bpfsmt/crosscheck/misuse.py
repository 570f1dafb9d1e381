"""What goes wrong in a concrete run without a fault: junk that is read, contracts broken.

The machine runs on when a program reads what it never wrote, or hands a helper an argument
that breaks its contract.  Here one step of a trace is looked at for that.  Unwritten stack is
recognised by running twice with different junk: what differs was never written.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.cfg import reads
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.machine import Step, Trace
from bpfsmt.program.program import Program
from bpfsmt.semantics.helpers import HELPERS, Arg, Helper

_MEMORY = (Arg.MAP_KEY, Arg.MAP_VALUE, Arg.MEM, Arg.MEM_OR_NULL, Arg.UNINIT_MEM)
_SIZED = (Arg.MEM, Arg.MEM_OR_NULL, Arg.UNINIT_MEM)
_S64_MAX = (1 << 63) - 1


def misuse(program: Program, one: Trace, two: Trace) -> str | None:
    """What the last common step at which something is misused does, `None` if nothing.

    ``one`` and ``two`` are traces of the same run with different junk on the stack.
    """
    for a, b in zip(one.steps, two.steps, strict=False):
        if a.pc != b.pc:
            return None
        insn = program[a.pc]
        for register in range(11):
            if _reads(insn, register) and not a.written >> register & 1:
                return f"instruction {a.pc} reads R{register}, which was never written"
        for address, size, what in _touched(program, insn, one, a):
            if what:
                return f"instruction {a.pc}: {what}"
            if _stack(one, a, address, size) != _stack(two, b, address, size):
                return f"instruction {a.pc} reads stack that was never written"
    return None


def _helper(insn: Instruction) -> Helper | None:
    return None if insn.helper is None else HELPERS.get(insn.helper)


def _reads(insn: Instruction, register: int) -> bool:
    helper = _helper(insn)
    if helper is not None:
        return 1 <= register <= len(helper.args)
    if insn.cls is Class.JMP and insn.jmp_op is JmpOp.CALL:
        return False
    return bool(reads(insn) >> register & 1)


def _touched(
    program: Program, insn: Instruction, trace: Trace, step: Step
) -> Iterator[tuple[int, int, str]]:
    """Memory that the instruction reads: address, size, and what is wrong with it."""
    if insn.cls is Class.LDX:
        address = step.regs[insn.src] + insn.offset & 0xFFFFFFFFFFFFFFFF
        yield address, insn.size.bytes, ""
    helper = _helper(insn)
    if helper is None:
        return
    maps = [step.regs[i] for i, a in enumerate(helper.args, 1) if a is Arg.MAP]
    located = trace.locate(step, maps[0]) if maps else None
    if maps and (located is None or located.kind != "map"):
        yield 0, 0, f"the map argument of {helper.name} is no map"
        return
    for i, arg in enumerate(helper.args, 1):
        value = step.regs[i]
        if arg is Arg.CTX and value != trace.ctx:
            yield 0, 0, f"R{i} of {helper.name} is not the context"
        if arg not in _MEMORY:
            continue
        if arg in _SIZED:
            size = step.regs[i + 1]
        else:
            assert located is not None
            m = program.maps[located.number]
            size = m.key_size if arg is Arg.MAP_KEY else m.value_size
        wrong = size and _outside(program, trace, step, value, size)
        yield (
            value,
            0 if wrong or arg is Arg.UNINIT_MEM else size,
            (f"R{i} of {helper.name} is not {size} bytes of memory" if wrong else ""),
        )


def _outside(program: Program, trace: Trace, step: Step, address: int, size: int) -> bool:
    """The bytes are not inside one region that a helper may read."""
    if size > _S64_MAX:
        return True
    at = trace.locate(step, address)
    if at is None:
        return True
    if at.kind == "stack":
        return not -512 <= at.offset <= -size
    if at.kind == "packet":
        return not step.data_meta <= address <= step.data_end - size
    if at.kind == "map_value":
        return not 0 <= at.offset <= program.maps[at.number].value_size - size
    return True


def _stack(trace: Trace, step: Step, address: int, size: int) -> bytes:
    """The bytes at an address if it lies on the stack, else nothing."""
    at = trace.locate(step, address)
    if at is None or at.kind != "stack" or not size:
        return b""
    frame = step.frames[at.number]
    return frame.stack[512 + at.offset : 512 + at.offset + size]
