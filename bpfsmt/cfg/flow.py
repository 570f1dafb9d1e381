"""Where control goes after one instruction, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bpfsmt.cfg.defuse import jmp_op
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import CallSrc, Class, JmpOp, LdImm64Src, Mode
from bpfsmt.program.program import Program

EdgeKind = Literal["fall", "jump", "taken", "not-taken", "both"]
"""Why control goes there.  ``both``: the two ways of a branch lead to the same place."""

ProblemKind = Literal[
    "empty", "bad-function", "out-of-range", "into-ld-imm64", "out-of-function", "falls-off"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something malformed in the control flow: at which slot, of which kind, in words."""

    pc: int
    kind: ProblemKind
    message: str


def goes_to(pc: int, insn: Instruction) -> tuple[tuple[int, EdgeKind], ...]:
    """Where control may go after ``insn`` at slot ``pc``, as (slot, kind) pairs, unchecked.

    The way that falls through comes first, as in the kernel's `check_cfg`.  A call of any
    kind falls through: callees are in the call graph.  Raises `UnsupportedError` for an
    unknown jump.

    >>> goes_to(4, Instruction(0x15, dst=1, offset=2))  # if r1 == 0 goto +2
    ((5, 'not-taken'), (7, 'taken'))
    >>> goes_to(4, Instruction(0x06, imm=-3))  # gotol -3
    ((2, 'jump'),)
    >>> goes_to(4, Instruction(0x95))  # exit
    ()
    """
    after = pc + insn.slots
    if not insn.is_jmp:
        return ((after, "fall"),)
    match jmp_op(insn):
        case JmpOp.EXIT:
            return ()
        case JmpOp.CALL:
            return ((after, "fall"),)
        case JmpOp.JA:
            distance = insn.imm if insn.cls is Class.JMP32 else insn.offset
            return ((after + distance, "jump"),)
        case _:
            target = after + insn.offset
            if target == after:
                return ((after, "both"),)
            return ((after, "not-taken"), (target, "taken"))


def callee(pc: int, insn: Instruction) -> int | None:
    """The entry of the local function that ``insn`` calls or takes the address of.

    The second is an ``ld_imm64`` with source CODE: the function is a callback of a helper.
    Both count the distance from the next slot, as the kernel does.

    >>> callee(3, Instruction(0x85, src=1, imm=4))
    8
    >>> callee(3, Instruction(0x85, imm=4)) is None  # a helper
    True
    """
    local_call = insn.opcode == Class.JMP | JmpOp.CALL and insn.src == CallSrc.LOCAL
    address = insn.is_ld_imm64 and insn.src == LdImm64Src.CODE
    return pc + insn.imm + 1 if local_call or address else None


def may_leave(insn: Instruction) -> bool:
    """Whether the function may end here: exit, tail call, legacy packet load out of bounds.

    >>> may_leave(Instruction(0x85, imm=TAIL_CALL)), may_leave(Instruction(0x85, imm=1))
    (True, False)
    """
    if insn.cls is Class.LD:
        return insn.opcode & 0xE0 in (Mode.ABS, Mode.IND)
    if not insn.is_jmp:
        return False
    return jmp_op(insn) is JmpOp.EXIT or insn.helper == TAIL_CALL


def function_entries(program: Program) -> tuple[int, ...]:
    """The first slots of all functions, ascending: those named, and all callees.

    Raw bytes name no functions, so callees are found from the calls (the kernel's
    `add_subprog`).  Entries where no instruction starts are left out; `examine`
    reports them.
    """
    entries = {0, *program.functions}
    entries.update(
        target for pc, insn in program.instructions() if (target := callee(pc, insn)) is not None
    )
    return tuple(sorted(pc for pc in entries if _starts(program, pc)))


def function_name(program: Program, entry: int) -> str:
    """The name of the function that starts at ``entry``, made up where it has none."""
    return program.functions.get(entry, f"func_{entry}")


Ways = dict[int, tuple[tuple[int, EdgeKind], ...]]
"""For every instruction the well-formed ways on, the fall-through first."""


def examine(program: Program, owner: Mapping[int, int]) -> tuple[Ways, list[Problem]]:
    """The well-formed ways of ``program``, and everything malformed in slot order.

    ``owner`` maps every slot to the entry of its function.  Raises `UnsupportedError`,
    naming the slot, for an unknown jump: that is no verdict about the program.
    """
    ways: Ways = {}
    problems = list(_bad_entries(program))
    for pc, insn in program.instructions():
        try:
            all_ways = goes_to(pc, insn)
        except UnsupportedError as error:
            raise UnsupportedError(f"at {pc}: {error}") from None
        wrong = {way: _wrong_way(program, owner, pc, *way) for way in all_ways}
        ways[pc] = tuple(way for way, problem in wrong.items() if problem is None)
        problems.extend(problem for problem in wrong.values() if problem is not None)
        entry = callee(pc, insn)
        if entry is not None and not _starts(program, entry):
            problems.append(_no_instruction(program, pc, entry, "call"))
    return ways, sorted(problems, key=lambda problem: problem.pc)


def _bad_entries(program: Program) -> Iterator[Problem]:
    if not _starts(program, 0):
        yield Problem(0, "empty", "no instruction at 0: the program is empty")
    for entry, name in program.functions.items():
        if entry != 0 and not _starts(program, entry):
            yield Problem(entry, "bad-function", f"function {name}: no instruction at {entry}")


def _starts(program: Program, pc: int) -> bool:
    return 0 <= pc < len(program) and program.slots[pc] is not None


def _no_instruction(program: Program, pc: int, target: int, word: str) -> Problem:
    if 0 <= target < len(program):
        message = f"{word} at {pc} goes to {target}, the second half of an ld_imm64"
        return Problem(pc, "into-ld-imm64", message)
    last = len(program) - 1
    message = f"{word} at {pc} goes to {target}, outside the program (0..{last})"
    return Problem(pc, "out-of-range", message)


def _wrong_way(
    program: Program, owner: Mapping[int, int], pc: int, target: int, kind: EdgeKind
) -> Problem | None:
    """What is wrong with the way from ``pc`` to ``target``, if anything."""
    jumps = kind in ("jump", "taken")
    if not jumps and (target >= len(program) or owner[target] != owner[pc]):
        name = function_name(program, owner[pc])
        return Problem(pc, "falls-off", f"control at {pc} falls off the end of function {name}")
    if not _starts(program, target):
        return _no_instruction(program, pc, target, "jump")
    if owner[target] != owner[pc]:
        message = f"jump at {pc} goes to {target}, into another function"
        return Problem(pc, "out-of-function", message)
    return None
