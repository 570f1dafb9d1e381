"""The typed tree that a rule's text becomes: small, and the same for both backends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bpfsmt.bits.types import RecordType, TupleType, Type
from bpfsmt.bits.words import Word


@dataclass(frozen=True, slots=True)
class Const:
    """A number or truth value."""

    type: Type
    value: int


@dataclass(frozen=True, slots=True)
class Var:
    """A parameter or local variable."""

    type: Type
    name: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operator on words or truth values.

    ``op`` is one of ``+ - * / % & | ^ << >> ~ neg``, ``== != < <=``, ``and or not``,
    ``min max bit_length div_trunc rem_trunc``.  Operand types are equal, except that a
    shift count is unsigned whatever the left operand.
    """

    type: Type
    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """A word (or truth value) read as another word type."""

    type: Word
    arg: Expr


@dataclass(frozen=True, slots=True)
class Ite:
    """``then if cond else other``; only the chosen side is evaluated on ints."""

    type: Type
    cond: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True, slots=True)
class Field:
    """``arg.name`` of a record."""

    type: Type
    arg: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Make:
    """A new record or tuple from all its parts, in order."""

    type: RecordType | TupleType
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """A record with some fields replaced."""

    type: RecordType
    arg: Expr
    fields: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of another rule by name: which text that is, the rule set decides."""

    type: Type
    rule: str
    args: tuple[Expr, ...]


Expr: TypeAlias = Const | Var | Op | Cast | Ite | Field | Make | Replace | Call


@dataclass(frozen=True, slots=True)
class Assign:
    """``targets = value``; several targets unpack a tuple."""

    targets: tuple[str, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class If:
    """A statement-level branch."""

    cond: Expr
    then: tuple[Stmt, ...]
    other: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For:
    """``for var in range(count)``, ``count`` a constant; ``var`` is a u64."""

    var: str
    count: int
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the loop if ``cond``; only directly inside a loop body."""

    cond: Expr


@dataclass(frozen=True, slots=True)
class Return:
    """The rule's result."""

    value: Expr


Stmt: TypeAlias = Assign | If | For | Break | Return
