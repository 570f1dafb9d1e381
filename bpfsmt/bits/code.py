"""Lines of a Python function that is being written: definitions, choices, loops, returns.

Every name is defined once (in both arms of a choice: once in each), so that what nothing
uses can be left out from the end to the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

_NAMES = re.compile(r"[A-Za-z_]\w*")
_FEW = 4
"""From a record so many parts are taken one by one; more are unpacked at once."""


@dataclass(slots=True, eq=False)
class Define:
    """``name = text``."""

    name: str
    text: str


@dataclass(slots=True, eq=False)
class Take:
    """Parts of the record in ``name``, of ``count``, each into the name that is noted for it."""

    name: str
    count: int
    parts: dict[int, str] = field(default_factory=dict)
    inner: list[Take] = field(default_factory=list)
    """Records among the parts, taken apart right behind."""


@dataclass(slots=True, eq=False)
class Choose:
    """``if cond: then else: other``."""

    cond: str
    then: Block
    other: Block


@dataclass(slots=True, eq=False)
class Loop:
    """``for name in range(count): body``."""

    name: str
    count: int
    body: Block


@dataclass(slots=True, eq=False)
class Assign:
    """Names that a loop changes get their new values, all at once; ``leave`` if that holds."""

    names: tuple[str, ...]
    texts: tuple[str, ...]
    leave: str = ""


@dataclass(slots=True, eq=False)
class Return:
    """The function's result."""

    text: str


Line: TypeAlias = Define | Take | Choose | Loop | Assign | Return
Block: TypeAlias = list[Line]


def render(block: Block) -> list[str]:
    """The lines that are needed, indented by one step."""
    return list(_lines(_needed(block, set()), "    ")) or ["    pass"]


def _needed(block: Block, used: set[str]) -> Block:
    """The block without what is not used in it or, by ``used``, behind it."""
    kept: Block = []
    for line in reversed(block):
        match line:
            case Define(name, text):
                if name not in used:
                    continue
                used.update(_NAMES.findall(text))
            case Take():
                if not _still_taken(line, used):
                    continue
            case Choose(cond, then, other):
                after = set(used)
                line = Choose(cond, _needed(then, used), _needed(other, after))
                if not line.then and not line.other:
                    continue
                used |= after
                used.update(_NAMES.findall(cond))
            case Loop(name, count, body):
                used.update(_changed(body))
                line = Loop(name, count, _needed(body, used))
            case Assign(_, texts, leave):
                used.update(_NAMES.findall(" ".join((*texts, leave))))
            case Return(text):
                used.update(_NAMES.findall(text))
        kept.append(line)
    kept.reverse()
    return kept


def _still_taken(take: Take, used: set[str]) -> bool:
    """Keep of the parts those that are used; whether there are any."""
    take.inner = [inner for inner in take.inner if _still_taken(inner, used)]
    take.parts = {n: part for n, part in take.parts.items() if part in used}
    if take.parts:
        used.add(take.name)
    return bool(take.parts)


def _changed(body: Block) -> Iterator[str]:
    for line in body:
        if isinstance(line, Assign):
            yield from line.names


def _lines(block: Block, indent: str) -> Iterator[str]:
    for line in block:
        match line:
            case Define(name, text):
                yield f"{indent}{name} = {text}"
            case Take():
                yield from _taken(line, indent)
            case Choose(cond, then, other):
                yield from _choice(cond, then, other, indent)
            case Loop(name, count, body):
                yield f"{indent}for {name} in range({count}):"
                yield from _lines(body, indent + "    ")
            case Assign(names, texts, leave):
                inner = indent + "    " if leave else indent
                if leave:
                    yield f"{indent}if {leave}:"
                if names:
                    yield f"{inner}{', '.join(names)} = {', '.join(texts)}"
                if leave:
                    yield f"{inner}break"
            case Return(text):
                yield f"{indent}return {text}"


def _choice(cond: str, then: Block, other: Block, indent: str) -> Iterator[str]:
    if not then:
        cond, then, other = f"not {cond}", other, then
    yield f"{indent}if {cond}:"
    yield from _lines(then, indent + "    ")
    if other:
        yield f"{indent}else:"
        yield from _lines(other, indent + "    ")


def _taken(take: Take, indent: str) -> Iterator[str]:
    if len(take.parts) > _FEW:
        names = (take.parts.get(n, "_") for n in range(take.count))
        yield f"{indent}{', '.join(names)} = {take.name}"
    else:
        for n, name in sorted(take.parts.items()):
            yield f"{indent}{name} = {take.name}[{n}]"
    for inner in take.inner:
        yield from _taken(inner, indent)
