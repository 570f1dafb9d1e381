"""Initial contents of maps, from JSON files.

A file holds a list of ``[key, value]``, or an object from keys to values, both written as
`bpfsmt.network.notation` says.  In an object a key of decimal digits is a number.  Values
are of other kinds where the map's are:

| map | value |
|---|---|
| prog_array | a program's file, from where the JSON file is |
| devmap, cpumap | the number, or ``{"value": ..., "program": "its file"}`` |
| map of maps | the contents of an inner map, which is made |
| queue, stack | (the file is a list of values, in the order in which they are pushed) |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.machine.maps import new_state
from bpfsmt.network.control import NodeMap
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.notation import to_bytes
from bpfsmt.program.maptypes import MAPS_OF_MAPS

Loader = Callable[[Path], Loaded]
"""Loads a program's file for a map that holds programs."""


def fill(target: NodeMap, path: str | Path, load: Loader) -> int:
    """Store a file's entries in a map; gives how many there were.

    Raises `LoadError`, one line with the file, the map and the entry, for a file that is no
    such list, or an entry that does not fit the map.
    """
    path = Path(path)
    try:
        return _Filler(path.parent, load).fill(target, _content(path))
    except BpfsmtError as error:
        raise LoadError(f"{path}: map {target.definition.name}: {error}") from None


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadError(error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise LoadError(f"no JSON: {error}") from None


class _Filler:
    """Entries of one file; programs' files are seen from ``folder``."""

    def __init__(self, folder: Path, load: Loader) -> None:
        self.folder = folder
        self.load = load

    def fill(self, target: NodeMap, content: Any) -> int:
        """All entries into the map."""
        if not target.definition.key_size:
            return self._push(target, content)
        number = 0
        for number, (key, value) in enumerate(_pairs(content), 1):
            try:
                self._store(target, to_bytes(key, target.definition.key_size), value)
            except BpfsmtError as error:
                why = str(error).removeprefix(f"map {target.definition.name}: ")
                raise BpfsmtError(f"entry {number}: {why}") from None
        return number

    def _push(self, target: NodeMap, content: Any) -> int:
        if not isinstance(content, list):
            raise BpfsmtError("a queue's or stack's content is a list of values")
        for value in content:
            target.push(to_bytes(value, target.definition.value_size))
        return len(content)

    def _store(self, target: NodeMap, key: bytes, value: Any) -> None:
        definition = target.definition
        if definition.type == "prog_array":
            target.update(key, self._program(value))
        elif definition.type in MAPS_OF_MAPS:
            target.update(key, self._inner(target, value))
        elif isinstance(value, dict) and set(value) == {"value", "program"}:
            data = to_bytes(value["value"], definition.value_size)
            target.update(key, data, program=self._program(value["program"]))
        else:
            target.update(key, to_bytes(value, definition.value_size))

    def _program(self, written: Any) -> Loaded:
        if not isinstance(written, str):
            raise BpfsmtError(f"{written!r} is no program's file")
        return self.load(self.folder / written)

    def _inner(self, target: NodeMap, content: Any) -> NodeMap:
        definition = target.definition.inner
        if definition is None:
            raise BpfsmtError("it is not known what maps it holds")
        inner = NodeMap(new_state(definition, target.state.cpus))
        self.fill(inner, content)
        return inner


def _pairs(content: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield (int(key) if key.isascii() and key.isdigit() else key), value
        return
    if not isinstance(content, list):
        raise BpfsmtError("neither a list of [key, value] nor an object")
    for number, pair in enumerate(content, 1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BpfsmtError(f"entry {number}: {pair!r} is no [key, value]")
        yield pair[0], pair[1]
