"""Assembly text to instructions.

A line holds labels, a directive or an instruction, and a comment from ``;`` or ``//`` (or
from ``#`` at its beginning) to its end.  The lines of a verifier log and of llvm-objdump
are accepted as they are: the slot number in front is ignored, of the bytes only the
opcode is looked at.

.. code-block:: none

    .type xdp
    .map counts type=hash key=4 value=8 entries=16
    .func main
        r1 = map[counts]
        if r1 != 0 goto out     ; a label, or +1, or pc+1
        r0 = 2
    out:
        exit
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from bpfsmt.errors import AsmError
from bpfsmt.isa.codec import Slots
from bpfsmt.isa.directives import (
    FREE_DIRECTIVES,
    Directive,
    MapDirective,
    parse_map,
    split,
)
from bpfsmt.isa.forms import parse_instruction
from bpfsmt.isa.grammar import NAME, Ref
from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import CallSrc, LdImm64Src
from bpfsmt.isa.validate import problem


@dataclass(frozen=True, slots=True)
class AsmUnit:
    """What a text says, before anything is linked.

    An ``ld_imm64`` that refers to a map holds the index into ``maps``.  ``functions``
    names the first slot of the main function and of all that are called or declared;
    ``source`` and ``lines`` give each instruction's line, without comment, and its number.
    """

    slots: Slots
    maps: tuple[MapDirective, ...] = ()
    type: str | None = None
    license: str | None = None
    functions: Mapping[int, str] = field(default_factory=dict)
    directives: tuple[Directive, ...] = ()
    source: Mapping[int, str] = field(default_factory=dict)
    lines: Mapping[int, int] = field(default_factory=dict)


def assemble(text: str, filename: str = "<text>") -> AsmUnit:
    """Assemble a text; raises `AsmError` with one line ``filename:line: what is wrong``.

    >>> assemble("r0 = 2\\nexit").slots[1]
    Instruction(opcode=149, dst=0, src=0, offset=0, imm=0, next_imm=0)
    >>> assemble("r0 = 2\\nr11 = 3", "a.bpfasm")
    Traceback (most recent call last):
    bpfsmt.errors.AsmError: a.bpfasm:2: unknown register r11
    """
    assembler = _Assembler(filename)
    for line_number, line in enumerate(text.split("\n"), start=1):
        with _located(filename, line_number):
            assembler.read(line, line_number)
    return assembler.finish()


@contextmanager
def _located(filename: str, line: int) -> Iterator[None]:
    """Put file and line in front of what is wrong."""
    try:
        yield
    except AsmError as error:
        raise AsmError(f"{filename}:{line}: {error}") from None


# Everything up to a comment sign that is not inside double quotes.
_CODE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|(?!;|//).)*', re.DOTALL)
_OBJDUMP_LABEL = re.compile(rf"[0-9a-f]{{16}} <({NAME})>:")
_LABEL = re.compile(rf"({NAME}):\s*")
# "12:" as logs print it, then "(b7)" or all bytes as llvm-objdump prints them
_LOG_PREFIX = re.compile(
    r"(?:[0-9]+:\s*)?(?:\(([0-9a-f]{2})\)\s*|([0-9a-f]{2})(?:\s[0-9a-f]{2}){7,15}\s+)?"
)
_OBJDUMP_TARGET = re.compile(r"\s*<[^<>=\s]+>$")


@dataclass(slots=True)
class _Assembler:
    """Collects the lines one by one; `finish` resolves the names."""

    filename: str
    slots: list[Instruction | None] = field(default_factory=list)
    refs: dict[int, Ref] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    maps: dict[str, tuple[MapDirective, int]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    directives: list[Directive] = field(default_factory=list)
    source: dict[int, str] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    function_line: int = 0

    def read(self, line: str, line_number: int) -> None:
        """One line of the text."""
        stripped = line.strip()
        match = _CODE.match("" if stripped.startswith("#") else stripped)
        text = match[0].strip() if match else ""
        if label := _OBJDUMP_LABEL.fullmatch(text):
            self.label(label[1])
            return
        while label := _LABEL.match(text):
            self.label(label[1])
            text = text[label.end() :]
        if text.startswith("."):
            self.directive(text, line_number)
        elif text:
            self.instruction(text, line_number)

    def label(self, name: str) -> None:
        if name in self.labels:
            raise AsmError(f"{name} is there twice")
        self.labels[name] = len(self.slots)

    def instruction(self, text: str, line_number: int) -> None:
        prefix = _LOG_PREFIX.match(text)
        opcode = prefix and (prefix[1] or prefix[2])
        body = _OBJDUMP_TARGET.sub("", text[prefix.end() :] if prefix else text)
        insn, ref = parse_instruction(body, int(opcode, 16) if opcode else None)
        pc = len(self.slots)
        if ref is not None:
            self.refs[pc] = ref
        self.source[pc], self.lines[pc] = text, line_number
        self.slots += [insn] if insn.slots == 1 else [insn, None]

    def directive(self, text: str, line_number: int) -> None:
        word, *rest = split(text)
        name, args = word[1:], tuple(rest)
        if name in FREE_DIRECTIVES:
            self.directives.append(Directive(name, args, line_number))
        elif name == "map":
            declared = parse_map(args)
            if declared.name in self.maps:
                raise AsmError(f"map {declared.name} is there twice")
            self.maps[declared.name] = (declared, line_number)
        elif name in ("type", "license", "func"):
            if len(args) != 1:
                raise AsmError(f"{word} takes one word, not {len(args)}")
            if name == "func":
                self.function(args[0], line_number)
            elif name in self.settings:
                raise AsmError(f"{word} is there twice")
            else:
                self.settings[name] = args[0]
        else:
            raise AsmError(f"unknown directive {word!r}")

    def function(self, name: str, line_number: int) -> None:
        pc = len(self.slots)
        if not re.fullmatch(NAME, name):
            raise AsmError(f"{name!r} is no name for a function")
        if pc in self.functions:
            raise AsmError(f"function {self.functions[pc]} is empty")
        self.label(name)
        self.functions[pc] = name
        self.function_line = line_number

    def finish(self) -> AsmUnit:
        """Resolve all names, and make the unit."""
        if len(self.slots) in self.functions:
            with _located(self.filename, self.function_line):
                raise AsmError(f"function {self.functions[len(self.slots)]} is empty")
        for pc, ref in self.refs.items():
            with _located(self.filename, self.lines[pc]):
                self.slots[pc] = self.resolve(pc, ref)
        for declared, line_number in self.maps.values():
            if declared.inner is not None and declared.inner not in self.maps:
                with _located(self.filename, line_number):
                    raise AsmError(f"map {declared.name}: no inner map {declared.inner}")
        return AsmUnit(
            slots=tuple(self.slots),
            maps=tuple(declared for declared, _ in self.maps.values()),
            type=self.settings.get("type"),
            license=self.settings.get("license"),
            functions=self.all_functions(),
            directives=tuple(self.directives),
            source=self.source,
            lines=self.lines,
        )

    def resolve(self, pc: int, ref: Ref) -> Instruction:
        """The instruction with the name's place filled in."""
        insn = self.slots[pc]
        assert insn is not None
        distance = self.labels.get(ref.name, 0) - pc - 1
        if ref.field == "map":
            if ref.name not in self.maps:
                raise AsmError(f"no map {ref.name}")
            return replace(insn, imm=list(self.maps).index(ref.name))
        if ref.name not in self.labels:
            if ref.field != "callee":
                raise AsmError(f"no label {ref.name}")
            if ref.name not in HELPER_IDS:
                raise AsmError(f"no function {ref.name}, and no such helper")
            return replace(insn, src=CallSrc.HELPER, imm=HELPER_IDS[ref.name])
        offset = {"offset": distance} if ref.field == "offset" else {"imm": distance}
        resolved = replace(insn, **offset)
        if wrong := problem(resolved):
            raise AsmError(f"{ref.name} is too far away: {wrong}")
        return resolved

    def all_functions(self) -> dict[int, str]:
        """Declared functions, and the main one and those called, by label or by slot."""
        starts = {0, *self.functions}
        for pc, insn in enumerate(self.slots):
            if insn is not None and is_function_reference(insn):
                starts.add(pc + 1 + insn.imm)
        names = {pc: name for name, pc in reversed(self.labels.items())} | self.functions
        found: dict[int, str] = {}
        for pc in sorted(starts):
            if 0 <= pc < len(self.slots) and self.slots[pc] is not None:
                found[pc] = names.get(pc) or self.unused(f"func_{pc}" if pc else "main")
        return found

    def unused(self, name: str) -> str:
        return self.unused(f"{name}_") if name in self.labels else name


def is_function_reference(insn: Instruction) -> bool:
    """Whether ``imm`` is the distance to a function of the same program."""
    if insn.is_ld_imm64:
        return insn.src == LdImm64Src.CODE
    return insn.calls_local
