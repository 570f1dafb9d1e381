"""The grammar of one instruction: a table of forms, each with what it means.

A form is written as the instruction looks, with placeholders in capitals.  Both the form
and the line are cut into tokens, so blanks do not matter, and the first form that fits
the whole line wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bpfsmt.errors import AsmError
from bpfsmt.isa.instruction import Instruction

_NUMBER = r"(?:0[xX][0-9a-fA-F]+|[0-9]+)"
NAME = r"[A-Za-z_.$][A-Za-z0-9_.$]*"
"""Names of labels, functions and maps."""

_TOKEN = re.compile(
    rf"""
      s(?:>>=|>=|<=|/=|%=|>|<)       # signed operators
    | <<= | >>= | [-+*/%&|^=!<>]=    # other operators of several signs
    | pc\ *[-+]\ *{_NUMBER}          # a distance, as the kernel's log prints it
    | [-+]?\ *{_NUMBER}              # a number with its sign
    | {NAME}
    | [^\ ]
    """,
    re.VERBOSE,
)

# What each placeholder stands for, as a pattern for one token.
_KINDS = {
    "DST": r"[rw][0-9]+",
    "SRC": r"[rw][0-9]+",
    "OLD": r"[rw][0-9]+",
    "BASE": r"[rw][0-9]+",
    "NUM": rf"-?{_NUMBER}",
    "MODULE": rf"-?{_NUMBER}",
    "OFF": rf"[-+]{_NUMBER}",
    "TARGET": rf"(?:pc)?[-+]{_NUMBER}|{NAME}",
    "NAME": NAME,
    "SIZE": r"[us](?:8|16|32|64)",
    "ALU": r"s?(?:>>|/|%)=|[-+*&|^]=|<<=|=",
    "CMP": r"s?[<>]=?|[=!]=|&",
    "SWAP": r"(?:le|be|bswap)(?:16|32|64)",
    "ATOMIC": r"atomic(?:64)?_(?:fetch_(?:add|or|and|xor)|xchg)",
    "CMPXCHG": r"atomic(?:64)?_cmpxchg",
    "XCHG_LLVM": r"xchg_64|xchg32_32",
    "CMPXCHG_LLVM": r"cmpxchg_64|cmpxchg32_32",
}
_PLACEHOLDERS = {name: re.compile(pattern) for name, pattern in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Ref:
    """A name that an instruction refers to, resolved when all lines are known.

    ``field`` says where the answer goes: a distance into ``"offset"`` or ``"imm"``, a
    map's index into ``imm`` for ``"map"``; ``"callee"`` is a function or else a helper.
    """

    field: Literal["offset", "imm", "map", "callee"]
    name: str


Parsed: TypeAlias = tuple[Instruction, Ref | None]
"""An instruction, and what must still be filled in."""


@dataclass(frozen=True, slots=True)
class Match:
    """The tokens that the placeholders of a form stand for.

    ``opcode`` is the byte that a log prints in front of the instruction, if it is there.
    """

    tokens: dict[str, str]
    opcode: int | None

    def __getitem__(self, placeholder: str) -> str:
        return self.tokens[placeholder]

    def reg(self, placeholder: str) -> int:
        """The number of a register, whatever its width."""
        token = self[placeholder]
        if token[1:] not in _REGISTERS:
            raise AsmError(f"unknown register {token}")
        return int(token[1:])

    def wide(self, *placeholders: str) -> bool:
        """Whether these registers are all ``r`` (64 bits), not all ``w`` (32 bits)."""
        letters = {self[placeholder][0] for placeholder in placeholders}
        if len(letters) > 1:
            names = " and ".join(self[placeholder] for placeholder in placeholders)
            raise AsmError(f"{names} differ in width")
        return letters == {"r"}

    def num(self, placeholder: str) -> int:
        """The value of a number or distance; a missing offset is 0."""
        return number(self.tokens.get(placeholder, "0"))

    def imm(self, placeholder: str, wide: bool) -> int:
        """The value of the ``imm`` field that stands for this number.

        A 64-bit operation extends the sign of ``imm``, so there it must be meant signed;
        only a log prints it unsigned.
        """
        value = self.num(placeholder)
        if -(1 << 31) <= value < 1 << 31:
            return value
        if value < 1 << 32 and value > 0 and (not wide or self.opcode is not None):
            return value - (1 << 32)
        raise AsmError(
            f"{self[placeholder]} does not fit a signed 32-bit immediate; "
            f"for a 64-bit constant write `rN = {self[placeholder]} ll`"
        )


_REGISTERS = frozenset(str(number) for number in range(11))


def number(token: str) -> int:
    """The value of a decimal or hexadecimal number, with or without sign or ``pc``."""
    digits = token.lstrip("pc+-")
    if len(digits) > 24:  # more than any field holds, and no bait for int()'s own limit
        raise AsmError(f"number of {len(digits)} digits")
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
    return -value if "-" in token else value


def tokens(text: str) -> list[str]:
    """Cut a line into tokens; a sign belongs to the number behind it.

    >>> tokens("r0 = *(u8 *)(r1 + 4)")
    ['r0', '=', '*', '(', 'u8', '*', ')', '(', 'r1', '+4', ')']
    """
    return [token.replace(" ", "") for token in _TOKEN.findall(text.replace("\t", " "))]


@dataclass(frozen=True, slots=True)
class Form:
    """How an instruction looks, and what it builds."""

    pattern: tuple[str, ...]
    build: Callable[[Match], Parsed]

    def match(self, line: list[str], opcode: int | None) -> Match | None:
        """The placeholders' tokens if the form fits the whole line."""
        found: dict[str, str] = {}
        at = 0
        for part in self.pattern:
            token = line[at] if at < len(line) else ""
            kind = _PLACEHOLDERS.get(part)
            if token == part if kind is None else kind.fullmatch(token):
                if kind is not None:
                    found[part] = token
                at += 1
            elif part != "OFF":  # the only part that may be missing
                return None
        return Match(found, opcode) if at == len(line) else None


def form(pattern: str, build: Callable[[Match], Parsed]) -> Form:
    """A form from the way it looks, cut into tokens like the lines it is to match."""
    return Form(tuple(tokens(pattern)), build)
