"""Faults of words: the wrong sign, the wrong width, the field or the constant next to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bpfsmt.bits.types import RecordType
from bpfsmt.bits.words import Word
from bpfsmt.mutation.operators import (
    SIGNS,
    Operator,
    Proposals,
    compared,
    is_call,
    one,
    signs_of,
)
from bpfsmt.mutation.text import Change, RuleText

_WIDER = {32: 64, 64: 32}
_ENDS = {"min": "max", "max": "min"}
_CONSTANTS = ("U32_MAX", "U64_MAX", "S32_MAX", "S32_MIN", "S64_MAX", "S64_MIN")


def wrong_sign(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """Compared, ordered, shifted or widened as signed where it is unsigned, and the other way."""
    word = _operand_type(text, node)
    if word is None:
        return
    other = Word(word.bits, not word.signed)
    match node:
        case ast.Compare() if not {"==", "!="} & set(signs_of(node)):
            yield one("wrong-sign", node, _compared_as(text, node, other))
        case ast.BinOp(op=ast.RShift()):
            shifted = f"{other}({text.source(node.left)}) >> {text.operand(node.right)}"
            yield one("wrong-sign", node, f"{word}({shifted})")
        case ast.Call() if is_call(node, "min", "max"):
            yield one("wrong-sign", node, f"{word}({_call_as(text, node, other)})")
        case ast.Call(args=[arg]):
            to = text.type_of(node)
            if isinstance(to, Word) and to.bits > word.bits:
                yield one("wrong-sign", arg, f"{other}({text.source(arg)})")


def wrong_width(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """Computed, compared or cast at the other width; a constant of the other width."""
    number = text.constant(node)
    if number is not None:
        others = {31: 63, 63: 31, 32: 64, 64: 32}
        if isinstance(node, ast.Constant) and number in others:
            yield one("wrong-width", node, str(others[number]))
        return
    word = _operand_type(text, node)
    if word is None or word.bits not in _WIDER:
        return
    narrow = Word(32, word.signed)
    match node:
        case ast.Compare() if word.bits == 64:
            yield one("wrong-width", node, _compared_as(text, node, narrow))
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()) if word.bits == 64:
            sides = f" {SIGNS[type(node.op)]} ".join(
                f"{narrow}({text.source(side)})" for side in (node.left, node.right)
            )
            yield one("wrong-width", node, f"{word}({sides})")
        case ast.BinOp(op=ast.LShift() | ast.RShift()) if word.bits == 64:
            count = text.source(node.right)
            by = count if text.constant(node.right) is not None else f"u32({count})"
            sides = f"{narrow}({text.source(node.left)}) {SIGNS[type(node.op)]} {by}"
            yield one("wrong-width", node, f"{word}({sides})")
        case ast.Call() if is_call(node, "min", "max") and word.bits == 64:
            yield one("wrong-width", node, f"{word}({_call_as(text, node, narrow)})")
        case ast.Call(args=[arg]) if _is_cast(node) and word.bits == 64:
            yield one("wrong-width", arg, f"{narrow}({text.source(arg)})")


def swap_fields(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """The other end of a range, the other sign's or width's range, value for mask."""
    match node:
        case ast.Attribute(value=base, attr=name):
            kind, type_ = text.type_of(base), text.type_of(node)
            if isinstance(kind, RecordType):
                for other in _fields_near(name):
                    found = kind.field(other)
                    if found is not None:
                        new = f"{text.operand(base)}.{other}"
                        same = found == type_
                        yield one("swap-fields", node, new if same else f"{type_}({new})")
        case ast.Call(keywords=[*keywords]) if keywords:
            yield from _keywords(text, node)


def constant_neighbour(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """Another constant of the same family, yes for no."""
    match node:
        case ast.Name(id=name) if name in _CONSTANTS and text.constant(node) is not None:
            for other in _CONSTANTS:
                # One thing at a time: the other sign, the other width, or the other end.
                if sum(a != b for a, b in zip(_traits(name), _traits(other), strict=True)) == 1:
                    yield one("constant-neighbour", node, other)
        case ast.Constant(value=bool(yes)):
            yield one("constant-neighbour", node, str(not yes))


def _traits(constant: str) -> tuple[str, str, str]:
    return constant[0], constant[1:3], constant[4:]


def _fields_near(name: str) -> Iterator[str]:
    """``umin``: ``umax``, ``smin``, ``u32min``; ``value``: ``mask``."""
    if name in ("value", "mask"):
        yield "mask" if name == "value" else "value"
    elif name.endswith(("min", "max")):
        sign, width, end = name[0], name[1:-3], name[-3:]
        yield f"{sign}{width}{_ENDS[end]}"
        yield f"{'s' if sign == 'u' else 'u'}{width}{end}"
        yield f"{sign}{'' if width else '32'}{end}"


def _keywords(text: RuleText, node: ast.Call) -> Proposals:
    """Fields of a new record under each other's names."""
    kind = text.type_of(node)
    given = {k.arg: k for k in node.keywords if k.arg is not None}
    for name, keyword in given.items():
        value = text.source(keyword.value)
        for other in _fields_near(name):
            type_ = kind.field(other) if isinstance(kind, RecordType) else None
            if type_ is None:
                continue
            second = given.get(other)
            cast = value if type_ == kind.field(name) else f"{type_}({value})"  # type: ignore[union-attr]
            if second is None:
                yield one("swap-fields", keyword, f"{other}={cast}")
            elif type_ == kind.field(name):  # type: ignore[union-attr]
                new = f"{name}={text.source(second.value)}"
                yield Change("swap-fields", ((keyword, f"{other}={value}"), (second, new)))


def _operand_type(text: RuleText, node: ast.expr) -> Word | None:
    """The word type of the operands of an operator, a comparison or a call."""
    match node:
        case ast.Compare(left=left, comparators=rights):
            operands = [left, *rights]
        case ast.BinOp(left=left, right=right):
            operands = [left] if isinstance(node.op, ast.LShift | ast.RShift) else [left, right]
        case ast.Call(args=[*args]):
            operands = args
        case _:
            return None
    found = {text.type_of(o) for o in operands} - {None}
    only = found.pop() if len(found) == 1 else None
    return only if isinstance(only, Word) else None


def _is_cast(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in ("u64", "s64")


def _compared_as(text: RuleText, node: ast.Compare, word: Word) -> str:
    operands = [f"{word}({text.source(o)})" for o in (node.left, *node.comparators)]
    out = operands[0]
    for sign, right in zip(signs_of(node), operands[1:], strict=True):
        out += f" {sign} {right}"
    return f"({out})"


def _call_as(text: RuleText, node: ast.Call, word: Word) -> str:
    return f"{text.source(node.func)}({', '.join(f'{word}({text.source(a)})' for a in node.args)})"


WORDS: tuple[Operator, ...] = (wrong_sign, wrong_width, swap_fields, constant_neighbour)

__all__ = ["WORDS", "compared"]
