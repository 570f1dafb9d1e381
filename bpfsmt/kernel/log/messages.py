"""The kernel's words for a rejection, and the kind of it (``Verdict.kind``).

From Linux 6.1, 6.12 and 6.18, ``kernel/bpf/verifier.c``.  The first pattern that fits
counts.  A rejection may take several lines; the first of them that has a kind gives it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bpfsmt.domain.reg import Reg, RegType


class Message(NamedTuple):
    """What a line says: the kind, the register at fault and the pc, -1 where it says none."""

    kind: str
    reg: int = -1
    pc: int = -1


_TABLE = r"""
jump out of range from insn (?P<pc>\d+)( to -?\d+)? = bad-jump
jump into the middle of ldimm64 insn (from insn )?(?P<pc>\d+) = bad-jump
last insn is not an exit or jmp( from insn (?P<pc>\d+))? = falls-off
back-edge from insn (?P<pc>\d+) to \d+ = back-edge
infinite loop detected at insn (?P<pc>\d+) = infinite-loop
unreachable insn (?P<pc>\d+) = unreachable
recursive call from .* = recursion
the call stack of \d+ frames is too deep ?!? = call-depth
combined stack size of \d+ calls is \d+\. Too large = stack-depth
stack size of subprog \d+ is \d+\. Too large = stack-depth
tail_calls are not allowed when call stack .* = stack-depth
unknown opcode [0-9a-f]+ = bad-instruction
.* uses reserved fields = bad-instruction
invalid BPF_\w+ (insn|mode|opcode.*) = bad-instruction
invalid bpf_ld_imm64 insn = bad-instruction
unrecognized bpf_ld_imm64 insn = bad-instruction
BPF_ATOMIC uses invalid atomic opcode [0-9a-f]+ = bad-instruction
invalid atomic operand size = bad-instruction
R\d+ is invalid = bad-instruction
fd -?\d+ is not pointing to valid bpf_map = bad-map-reference
direct value offset of \d+ is not allowed = bad-map-reference
no direct value access support for this map type = bad-map-reference
invalid access to map value pointer, .* = bad-map-reference
call to invalid destination = bad-jump
invalid func .*#-?\d+ = unknown-helper
(program of this type cannot use helper|unknown func) .*#\d+ = unknown-helper
cannot call GPL-restricted function from non-GPL compatible program = licence
BPF program is too large\. Processed \d+ insn = too-complex
The sequence of \d+ jumps is too complex\. = too-complex
R(?P<reg>\d+) !read_ok = uninitialized-register
frame pointer is read only = frame-pointer-write
div by zero = division-by-zero
invalid shift -?\d+ = invalid-shift
R(?P<reg>\d+) (32-bit )?pointer arithmetic .*prohibited.* = pointer-arithmetic
R(?P<reg>\d+) pointer \S+ pointer prohibited = pointer-arithmetic
R(?P<reg>\d+) bitwise operator \S+ on pointer prohibited = pointer-arithmetic
R(?P<reg>\d+) tried to subtract pointer from scalar = pointer-arithmetic
R(?P<reg>\d+) subtraction from stack pointer prohibited = pointer-arithmetic
R(?P<reg>\d+) (partial copy of pointer|sign-extension part of pointer) = pointer-arithmetic
R(?P<reg>\d+) pointer comparison prohibited = pointer-comparison
math between .* pointer and .* is not allowed = pointer-bounds
value -?\d+ makes .* pointer be out of bounds = pointer-bounds
.* pointer offset -?\d+ is not allowed = pointer-bounds
R(?P<reg>\d+) invalid mem access '\w*_or_null' = possibly-null
R(?P<reg>\d+) invalid mem access '.*' = bad-pointer
only read from \S+ is supported = bad-pointer
BPF_ATOMIC stores into R(?P<reg>\d+) .* is not allowed = atomic-target
misaligned .*access off .* = misaligned
invalid bpf_context access off=-?\d+ size=\d+.* = ctx-access
BPF_ST stores into R(?P<reg>\d+) ctx is not allowed = ctx-access
dereference of modified ctx ptr R(?P<reg>\d+) off=.* = modified-ctx
negative offset ctx ptr R(?P<reg>\d+) off=.* = modified-ctx
variable ctx access var_off=.* = modified-ctx
invalid access to map value, value_size=.* = map-value-bounds
invalid access to packet, off=.* = packet-bounds
R(?P<reg>\d+) offset is outside of the packet = packet-bounds
invalid access to memory, mem_size=.* = memory-bounds
invalid access to map key, key_size=.* = map-value-bounds
(write into|read from) map forbidden.* = map-read-only
cannot write into packet = packet-write
R(?P<reg>\d+) cannot write into .* = read-only
invalid variable-offset.* stack R(?P<reg>\d+) .* = stack-bounds
invalid unbounded variable-offset.* stack R(?P<reg>\d+) = stack-bounds
invalid( read from| write to| indirect access to)? stack R(?P<reg>\d+) off=.* = stack-bounds
(invalid|invalid indirect) read from stack (R(?P<reg>\d+) )?(off|var_off) .* = stack-uninitialized
R(?P<reg>\d+).* variable (offset )?stack access prohibited for !root.* = stack-variable-offset
variable stack access var_off=.* off=.* size=.* = stack-variable-offset
invalid size of register (fill|spill) = stack-pointer-part
attempt to corrupt spilled pointer on stack = stack-pointer-part
cannot spill pointers to stack into stack frame of the caller = stack-pointer-escape
cannot return stack pointer to the caller = stack-pointer-escape
leaking pointer from stack off -?\d+ = pointer-leak
R(?P<reg>\d+) leaks addr .* = pointer-leak
R(?P<reg>\d+) type=\S* expected=.* = argument-type
R(?P<reg>\d+) must (have zero offset|be referenced) .* = argument-type
R(?P<reg>\d+) min value is negative, either use unsigned or 'var &= const' = argument-size
R(?P<reg>\d+) unbounded memory access, use 'var &= const' or .* = argument-size
R(?P<reg>\d+) invalid zero-sized read.* = argument-size
invalid zero-sized read = argument-size
R(?P<reg>\d+) min value is negative, either use unsigned index .* = @bounds
R(?P<reg>\d+) (min|max) value is outside of the (allowed memory|array) range = @bounds
R(?P<reg>\d+) unbounded memory access, make sure .* = @bounds
helper access to the packet is not allowed = argument-type
cannot pass map_type \d+ into func .* = map-helper-mismatch
At (program|subprogram|async callback|callback) exit the register R(?P<reg>\d+) .* = return-value
At callback return the register R(?P<reg>\d+) .* = return-value
Unreleased reference id=\d+ alloc_insn=(?P<pc>\d+) = reference-leak
.* would lead to reference leak = reference-leak
Caller passes invalid args into func#\d+ .* = signature
same insn cannot be used with different pointers = mixed-pointers
"""


def _row(line: str) -> tuple[re.Pattern[str], str]:
    pattern, kind = line.rsplit(" = ", 1)
    return re.compile(rf"(?:{pattern})\Z"), kind


_ROWS = [_row(line) for line in _TABLE.strip().splitlines()]

_BOUNDS = {
    RegType.PTR_TO_MAP_VALUE: "map-value-bounds",
    RegType.PTR_TO_PACKET: "packet-bounds",
    RegType.PTR_TO_PACKET_META: "packet-bounds",
    RegType.PTR_TO_STACK: "stack-bounds",
}
"""Some messages are the same for all kinds of memory."""

KINDS = frozenset(kind for _, kind in _ROWS if kind[0] != "@") | {
    *_BOUNDS.values(),
    "memory-bounds",
}
"""Every kind that a kernel's message may have here."""


def message(line: str, regs: Sequence[Reg] = ()) -> Message | None:
    """The kind of rejection that a line speaks of; `None` if it is no such line.

    ``regs`` are the registers at the instruction where the kernel stopped.

    >>> message("R5 !read_ok")
    Message(kind='uninitialized-register', reg=5, pc=-1)
    """
    for pattern, kind in _ROWS:
        found = pattern.match(line)
        if found:
            said = {k: int(v) for k, v in found.groupdict().items() if v is not None}
            reg = said.get("reg", -1)
            if kind == "@bounds":
                type_ = regs[reg].type if reg < len(regs) else RegType.NOT_INIT
                kind = _BOUNDS.get(type_, "memory-bounds")
            return Message(kind, reg, said.get("pc", -1))
    return None
