"""Faults of logic: minimum for maximum, a forgotten term or case, one too many, the wrong operand.

Each operator looks at one expression and proposes changes.  It need not care whether these
compile, or differ from others: `bpfsmt.mutation.mutant` does.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator

from bpfsmt.bits.lang import replace
from bpfsmt.mutation.text import Change, Place, RuleText

Proposals = Iterator[Change]
Operator = Callable[[RuleText, ast.expr, ast.AST], Proposals]

SIGNS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip
_EDGES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OTHERS = {"==": "!=", "!=": "==", "+": "-", "-": "+", "&": "|", "|": "&", "^": "|",
           "<<": ">>", ">>": "<<", "and": "or", "or": "and"}  # fmt: skip
_NOT_EXCHANGED = ("+", "*", "&", "|", "^")


def is_call(node: ast.AST, *names: str) -> bool:
    """Whether an expression calls a function of one of these names."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def one(operator: str, node: Place, new: str) -> Change:
    """One place replaced."""
    return Change(operator, ((node, new),))


def compared(text: RuleText, node: ast.Compare, signs: list[str]) -> str:
    """A comparison, or a chain of them, written with other signs."""
    out = text.operand(node.left)
    for sign, right in zip(signs, node.comparators, strict=True):
        out += f" {sign} {text.operand(right)}"
    return f"({out})"


def signs_of(node: ast.Compare) -> list[str]:
    """The signs of a comparison as they are written."""
    return [SIGNS[type(op)] for op in node.ops]


def swap_min_max(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """The larger for the smaller."""
    if isinstance(node, ast.Call) and is_call(node, "min", "max"):
        yield one("swap-min-max", node.func, "max" if text.source(node.func) == "min" else "min")


def drop_term(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """One operand of ``and or & | ^ + - min max`` forgotten, one link of a chain, one field."""

    def dropped(new: str) -> Change:
        return one("drop-term", node, new)

    match node:
        case ast.BoolOp(op=op, values=values):
            for i in range(len(values)):
                rest = [text.operand(v) for v in values[:i] + values[i + 1 :]]
                yield dropped(f"({f' {SIGNS[type(op)]} '.join(rest)})")
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor() | ast.Add() | ast.Sub()):
            yield dropped(text.operand(node.left))
            if not isinstance(node.op, ast.Sub):
                yield dropped(text.operand(node.right))
        case ast.Compare(ops=[_, _]):
            links = itertools.pairwise((node.left, *node.comparators))
            for pair, sign in zip(links, signs_of(node), strict=True):
                yield dropped(f"({f' {sign} '.join(map(text.operand, pair))})")
        case ast.Call(args=[*args]) if is_call(node, "min", "max"):
            for i in range(len(args)):
                rest = [text.operand(a) for a in args[:i] + args[i + 1 :]]
                call = f"{text.source(node.func)}({', '.join(rest)})"
                yield dropped(rest[0] if len(rest) == 1 else call)
        case ast.Call(args=[base], keywords=[*keywords]) if _replaces(text, node):
            for i in range(len(keywords)):
                rest = [text.source(k) for k in keywords[:i] + keywords[i + 1 :]]
                yield dropped(f"{text.source(node.func)}({', '.join([text.source(base), *rest])})")


def off_by_one(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """A constant one higher or lower, a comparison with or without its edge."""
    number = text.constant(node)
    if number is not None:
        plain = isinstance(node, ast.Constant | ast.UnaryOp)
        for step in (1, -1):
            sign = "+" if step > 0 else "-"
            new = str(number + step) if plain else f"({text.source(node)} {sign} 1)"
            yield one("off-by-one", node, f"({new})" if new.startswith("-") else new)
    if isinstance(node, ast.Compare):
        yield from _with_signs("off-by-one", text, node, _EDGES)


def wrong_operator(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """The opposite: ``+`` for ``-``, ``and`` for ``or``, equal for unequal, no ``not`` or ``~``."""
    match node:
        case ast.BinOp(op=op) if SIGNS[type(op)] in _OTHERS:
            sign = _OTHERS[SIGNS[type(op)]]
            new = f"({text.operand(node.left)} {sign} {text.operand(node.right)})"
            yield one("wrong-operator", node, new)
        case ast.BoolOp(op=op):
            new = f" {_OTHERS[SIGNS[type(op)]]} ".join(map(text.operand, node.values))
            yield one("wrong-operator", node, f"({new})")
        case ast.UnaryOp(op=ast.Invert() | ast.Not()):
            yield one("wrong-operator", node, text.operand(node.operand))
        case ast.Compare():
            yield from _with_signs("wrong-operator", text, node, _OTHERS)


def swap_operands(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """The two sides exchanged, or one operand of the rule taken for the other."""
    match node:
        case ast.BinOp(op=op) if SIGNS[type(op)] not in _NOT_EXCHANGED:
            sides = ((node.left, text.operand(node.right)), (node.right, text.operand(node.left)))
            yield Change("swap-operands", sides)
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]):
            sides = ((node.left, text.operand(right)), (right, text.operand(node.left)))
            yield Change("swap-operands", sides)
        case ast.Call(args=[*args]) if not is_call(node, "min", "max"):
            yield from _neighbours(text, args)
        case ast.Tuple(elts=elts, ctx=ast.Load()):
            yield from _neighbours(text, elts)
        case ast.Name(id=name, ctx=ast.Load()):
            params = dict(text.rule.params)
            for other, type_ in params.items():
                if name in params and other != name and type_ == params[name]:
                    yield one("swap-operands", node, other)


def missing_case(text: RuleText, node: ast.expr, parent: ast.AST) -> Proposals:
    """A branch never taken, or always; a stage left out."""
    if isinstance(parent, ast.If | ast.IfExp) and node is parent.test:
        for always in ("False", "True"):
            yield one("missing-case", node, always)
    if isinstance(node, ast.Call) and not is_call(node, "min", "max"):
        for arg in node.args:
            if text.type_of(node) is not None and text.type_of(arg) == text.type_of(node):
                yield one("missing-case", node, text.operand(arg))


def _replaces(text: RuleText, node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and text.rule.scope.get(node.func.id) is replace


def _with_signs(
    operator: str, text: RuleText, node: ast.Compare, others: dict[str, str]
) -> Proposals:
    signs = signs_of(node)
    for i, sign in enumerate(signs):
        if sign in others:
            new = [*signs[:i], others[sign], *signs[i + 1 :]]
            yield one(operator, node, compared(text, node, new))


def _neighbours(text: RuleText, args: list[ast.expr]) -> Proposals:
    for a, b in itertools.pairwise(args):
        if text.type_of(a) == text.type_of(b):
            yield Change("swap-operands", ((a, text.source(b)), (b, text.source(a))))


LOGIC: tuple[Operator, ...] = (
    swap_min_max, drop_term, off_by_one, wrong_operator, swap_operands, missing_case,
)  # fmt: skip
