"""Lines of assembly that clang's assembler does not know, as bytes that it does.

One line is one instruction in the syntax of LLVM, which is ours as well; only a jump with
its 32-bit distance to a label (``gotol``) is written as an expression for the assembler.
"""

from __future__ import annotations

import re

from bpfsmt.errors import BpfsmtError
from bpfsmt.isa import encode
from bpfsmt.isa.forms import parse_instruction

_BEGIN, _END = "#APP", "#NO_APP"
_COMMENT = re.compile(r"/\*.*?\*/")
_LABEL = re.compile(r"\s*([\w.$]+):(?!\S*=)\s*(.*)")
_GOTOL = re.compile(r"gotol\s+([A-Za-z_.$][\w.$]*|\d+[bf])")
_WIDENED = re.compile(r"r(\d+) = w(\d+)")
_OPCODE_GOTOL = 0x06


def one_per_line(text: str) -> list[str]:
    """The lines of an assembly text; inline assembly with one statement or label on each.

    >>> one_per_line("#APP\\nr0 = 1; l: exit\\n#NO_APP")
    ['#APP', 'r0 = 1', 'l:', 'exit', '#NO_APP']
    """
    lines: list[str] = []
    inline = False
    for line in text.splitlines():
        word = line.strip()
        if word in (_BEGIN, _END):
            inline = word == _BEGIN
        elif inline:
            lines += _statements(line)
            continue
        lines.append(line)
    return lines


def _statements(line: str) -> list[str]:
    found = []
    for statement in _COMMENT.sub(" ", line).split(";"):
        rest = statement.strip()
        while label := _LABEL.fullmatch(rest):
            found.append(f"{label[1]}:")
            rest = label[2].strip()
        if rest:
            found.append(rest)
    return found


def encode_line(line: str) -> str | None:
    """The line as a directive with the instruction's bytes; `None` if it is none for us.

    >>> encode_line("w1 s%= w2")
    '\\t.8byte 0x1219c'
    """
    text = line.strip()
    if jump := _GOTOL.fullmatch(text):
        # The distance counts slots from the one after the jump.
        here = f"\t.byte {_OPCODE_GOTOL}, 0\n\t.short 0\n"
        return f"{here}\t.long ({jump[1]} - . - 4) / 8"
    # What LLVM 14 writes for a 32-bit move whose result it goes on to use as 64 bits.
    text = _WIDENED.sub(r"w\1 = w\2", text) if _WIDENED.fullmatch(text) else text
    try:
        insn, ref = parse_instruction(text)
    except BpfsmtError:
        return None
    if ref is not None:
        return None
    code = encode([insn] if insn.slots == 1 else [insn, None])
    words = [int.from_bytes(code[at : at + 8], "little") for at in range(0, len(code), 8)]
    return "\n".join(f"\t.8byte 0x{word:x}" for word in words)
