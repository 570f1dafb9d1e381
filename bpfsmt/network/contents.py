"""What a map holds, as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.machine import PerfBuffer, UserMap
from bpfsmt.machine.maps import MapState
from bpfsmt.program.program import Program

_NUMBER, _LARGEST = 8, 1 << 40
"""Bytes up to so many are shown as a number as well, if it is less than that."""


@dataclass(frozen=True, slots=True)
class MapLine:
    """One entry: its key in hexadecimal, its value, for per-CPU maps one for each CPU."""

    key: str
    value: str


def lines(which: UserMap, *, zeros: bool) -> Iterator[MapLine]:
    """The entries of a map, without ``zeros`` only those whose value has a bit set.

    >>> from bpfsmt.machine import Environment
    >>> from bpfsmt.program.program import MapDef
    >>> counts = Environment().map(MapDef("counts", "array", 4, 8, 100))
    >>> counts.update(7, 300)
    >>> list(lines(counts, zeros=False))
    [MapLine(key='07000000 (7)', value='2c01000000000000 (300)')]
    """
    for key, value in which.items(zeros=zeros):
        yield MapLine(_bytes(key), _value(which, value))


def _value(which: UserMap, value: object) -> str:
    if isinstance(value, bytes):
        size = which.definition.value_size
        parts = [value[at : at + size] for at in range(0, len(value), size)]
        return ", ".join(_bytes(part) for part in parts)
    if isinstance(value, Program):
        return f"program {value.name}"
    if isinstance(value, MapState):
        inner = "; ".join(
            f"{line.key}: {line.value}" for line in lines(UserMap(value), zeros=False)
        )
        return f"{{{inner}}}"
    return "a reader" if isinstance(value, PerfBuffer) else str(value)


def _bytes(data: bytes) -> str:
    number = int.from_bytes(data, "little")
    shown = 0 < len(data) <= _NUMBER and number < _LARGEST
    return f"{data.hex()} ({number})" if shown else data.hex()
