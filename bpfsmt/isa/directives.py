"""The lines of assembly text that begin with a dot: what they say, read and written."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from bpfsmt.errors import AsmError
from bpfsmt.isa.grammar import NAME, number

FREE_DIRECTIVES = frozenset({"expect", "flags", "global", "title"})
"""Directives that the assembler keeps for others to read."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A line ``.name args``, and the number of that line (equal directives may differ in it)."""

    name: str
    args: tuple[str, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class MapDirective:
    """A line ``.map``; sizes in bytes, ``inner`` is the name of another map."""

    name: str
    type: str
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    inner: str | None = None
    data: bytes | None = None
    frozen: bool = False


def split(text: str) -> list[str]:
    """The words of a directive line, quoted as in a shell; raises `AsmError`.

    >>> split('.expect reject at 7 "R1 is a scalar"')
    ['.expect', 'reject', 'at', '7', 'R1 is a scalar']
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise AsmError(f"{error} in {text!r}") from None


def join(directive: Directive) -> str:
    """The line of a directive, the inverse of `split`."""
    return " ".join((f".{directive.name}", *(_quote(arg) for arg in directive.args)))


def parse_map(args: tuple[str, ...]) -> MapDirective:
    """The arguments of ``.map``; raises `AsmError`.

    >>> parse_map(("m", "type=hash", "key=4", "value=8", "entries=16")).max_entries
    16
    """
    if not args or not re.fullmatch(NAME, args[0]):
        raise AsmError("a map begins with its name: .map NAME type=hash key=4 value=8 entries=16")
    name, frozen = args[0], "frozen" in args[1:]
    options: dict[str, str] = {}
    for arg in args[1:]:
        key, equals, value = arg.partition("=")
        if arg == "frozen":
            continue
        if not equals or key not in _MAP_OPTIONS or key in options:
            raise AsmError(f"map {name}: what is {arg!r}?")
        options[key] = value
    missing = [key for key in ("type", "key", "value", "entries") if not options.get(key)]
    if missing:
        raise AsmError(f"map {name}: {missing[0]}= is missing")
    data = options.get("data")
    numbers = {key: _unsigned32(name, key, options.get(key, "0")) for key in _MAP_NUMBERS}
    return MapDirective(
        name,
        options["type"],
        key_size=numbers["key"],
        value_size=numbers["value"],
        max_entries=numbers["entries"],
        flags=numbers["flags"],
        inner=options.get("inner"),
        data=None if data is None else _hex(name, data),
        frozen=frozen,
    )


def format_map(directive: MapDirective) -> str:
    """The line of a map, the inverse of `parse_map`."""
    words = [
        f".map {directive.name}",
        f"type={_quote(directive.type)}",
        f"key={directive.key_size}",
        f"value={directive.value_size}",
        f"entries={directive.max_entries}",
    ]
    if directive.flags:
        words.append(f"flags=0x{directive.flags:x}")
    if directive.inner is not None:
        words.append(f"inner={directive.inner}")
    if directive.frozen:
        words.append("frozen")
    if directive.data is not None:
        words.append(f"data={directive.data.hex()}")
    return " ".join(words)


_MAP_NUMBERS = ("key", "value", "entries", "flags")
_MAP_OPTIONS = frozenset({"type", "inner", "data", *_MAP_NUMBERS})


def _unsigned32(name: str, key: str, text: str) -> int:
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text) or number(text) >= 1 << 32:
        raise AsmError(f"map {name}: {key}={text} is no unsigned 32-bit number")
    return number(text)


def _hex(name: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise AsmError(f"map {name}: data= is not pairs of hexadecimal digits") from None


def _quote(word: str) -> str:
    """A word as the shell reads it back, in double quotes where it needs any."""
    if re.fullmatch(r"[A-Za-z0-9_.,:=+-]+", word):
        return word
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'
