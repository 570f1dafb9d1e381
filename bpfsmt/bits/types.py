"""The types of the rule language: words, truth values, records and tuples of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, get_type_hints

from bpfsmt.bits.words import Word


@dataclass(frozen=True, slots=True)
class Bool:
    """The type of conditions."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class RecordType:
    """A `typing.NamedTuple` class registered with `record`, with the types of its fields."""

    cls: type
    fields: tuple[tuple[str, Type], ...]

    def field(self, name: str) -> Type | None:
        """The type of field ``name``, or `None` if there is no such field."""
        return dict(self.fields).get(name)

    def __str__(self) -> str:
        return self.cls.__name__


@dataclass(frozen=True, slots=True)
class TupleType:
    """A fixed-length tuple: how a rule returns more than one thing."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items))}]"


Type: TypeAlias = Word | Bool | RecordType | TupleType

BOOL = Bool()

_RECORDS: dict[type, RecordType] = {}


def record(cls: type) -> type:
    """Register a `typing.NamedTuple` class, so that rules can take, build and return it.

    Every field must have a word type, ``bool`` or a registered record as its annotation.
    The same class holds ints when a rule runs and Z3 terms when it is proved.  Raises
    `TypeError` for any other field type.
    """
    hints = get_type_hints(cls, include_extras=True)
    fields = tuple((name, type_of(hints[name])) for name in cls._fields)  # type: ignore[attr-defined]
    _RECORDS[cls] = RecordType(cls, fields)
    return cls


def type_of(annotation: Any) -> Type:
    """The rule-language type of an (evaluated) Python annotation; `TypeError` if none."""
    if isinstance(annotation, Word):
        return annotation
    if annotation is bool:
        return BOOL
    if isinstance(annotation, type) and annotation in _RECORDS:
        return _RECORDS[annotation]
    if getattr(annotation, "__origin__", None) is tuple:
        return TupleType(tuple(type_of(a) for a in annotation.__args__))
    raise TypeError(f"{annotation!r} is no type of the rule language")
