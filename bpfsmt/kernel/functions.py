"""The types of a program's functions, told to the kernel.

A kernel verifies most programs without any.  But a function whose address is taken must have
a type, so must one with legacy loads or tail calls, and a global function is verified by its type
alone.
"""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.errors import OracleError
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.opcodes import Class, LdImm64Src
from bpfsmt.kernel.btf import BtfBuilder
from bpfsmt.kernel.types import CONTEXTS
from bpfsmt.program.program import Param, Program, ProgramType, Signature

_STATIC = Signature(is_global=False)


def needs_types(program: Program) -> bool:
    """Whether the kernel wants the types of the functions (if of one, then of all)."""
    if any(s.is_global for pc, s in program.signatures.items() if pc):
        return True
    for _, insn in program.instructions():
        if insn.is_ld_imm64 and insn.src == LdImm64Src.CODE:
            return True
        # A legacy load may return from the function, which so must be known to return int.
        legacy = insn.cls is Class.LD and not insn.is_ld_imm64
        if len(program.functions) > 1 and (legacy or insn.helper == TAIL_CALL):
            return True
    return False


def function_types(program: Program) -> tuple[bytes, list[tuple[int, int]]]:
    """BTF, and for each function its first slot and its type's id, in order.

    Static functions are verified with their callers whatever their parameters, so they have
    none here, and any name that C does not admit is replaced.  Raises `OracleError` for a
    global function with a parameter that a `Param` does not describe.
    """
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)
    ids = []
    for start in sorted(program.functions):
        name = identifier(program.functions[start], start)
        signature = program.signatures.get(start, _STATIC) if start else _STATIC
        result = number if signature.scalar else 0
        if not signature.is_global:
            ids.append((start, builder.function(name, result)))
            continue
        params = [_param(builder, program, name, number, p) for p in signature.params]
        function = builder.function(name, result, params, is_global=True)
        for n, param in enumerate(signature.params):
            if param.kind == "mem" and not param.nullable:
                builder.tag(function, n, "arg:nonnull")
            if param.kind == "ctx" and program.type not in CONTEXTS:
                builder.tag(function, n, "arg:ctx")
        ids.append((start, function))
    return builder.blob(), ids


def _param(builder: BtfBuilder, program: Program, name: str, number: int, param: Param) -> int:
    """The type of one parameter."""
    pointed: dict[str, Callable[[], int]] = {
        "mem": lambda: builder.empty_struct("memory", param.size),
        "invalid": lambda: builder.declared("unknown"),
    }
    if program.type in CONTEXTS:
        pointed["ctx"] = lambda: builder.empty_struct(CONTEXTS[program.type], 4)
    elif program.type is ProgramType.TRACEPOINT:  # whose context has no struct
        pointed["ctx"] = lambda: builder.integer("u64", 8)
    if param.kind == "scalar":
        return number
    if param.kind not in pointed:
        what = param.text or f"a {param.kind}"
        raise OracleError(f"{program.name}: function {name}: a parameter cannot be told: {what}")
    return builder.pointer(pointed[param.kind]())


def identifier(name: str, number: int) -> str:
    """A name that C admits, like the one given.

    >>> identifier("f.part.0", 3), identifier("", 3), identifier("0f", 3)
    ('f_part_0', 'f3', 'f3_0f')
    """
    text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    if not text:
        return f"f{number}"
    return f"f{number}_{text}" if text[0].isdigit() else text
